"""A buyer on the pages, in a real browser."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Route, expect

from local import demo_account
from local.stack import Endpoints
from tests.e2e.buyer import Buyer, eventually

PASSWORD = "a-password"
CHECKOUT_PATH = "/api/tokens/create-checkout-session"
ASKS_FOR_3DS = "4000002500003155"

_SIGN_IN_ONCE = """(origin, user) => {
  if (location.origin !== origin || localStorage.getItem("signed-in-by-test")) return;
  localStorage.setItem("signed-in-by-test", "yes");
  localStorage.setItem("firebase:authUser:demo:[DEFAULT]", user);
}"""
_ID_TOKEN_LASTS_S = 3600
_ACCOUNTS = "http://{auth}/identitytoolkit.googleapis.com/v1/accounts:{method}?key=demo"


# Firestore's SDK requests this image when its server does not answer, to find out whether the network is up.
NETWORK_PROBE = "https://www.google.com/images/cleardot.gif"


@dataclass(frozen=True)
class Account:
    """An account of the Auth emulator, its owner's calls to the API, and the token that renews their session."""

    email: str
    password: str
    buyer: Buyer
    refresh_token: str

    @classmethod
    def new(cls, endpoints: Endpoints, web: httpx.Client) -> "Account":
        return cls._of(endpoints, web, "signUp", f"{uuid.uuid4().hex}@example.com", PASSWORD)

    @classmethod
    def demo(cls, endpoints: Endpoints, web: httpx.Client) -> "Account":
        return cls._of(endpoints, web, "signInWithPassword", demo_account.EMAIL, demo_account.PASSWORD)

    @classmethod
    def _of(cls, endpoints: Endpoints, web: httpx.Client, method: str, email: str, password: str) -> "Account":
        body = {"email": email, "password": password, "returnSecureToken": True}
        answer = httpx.post(_ACCOUNTS.format(auth=endpoints.auth, method=method), json=body).raise_for_status().json()
        return cls(email, password, Buyer(answer["localId"], answer["idToken"], web), answer["refreshToken"])

    def sign_in_script(self, web: str) -> str:
        """Return a script that signs the account in at this web origin, on the first page that a browser opens there.

        It leaves the user where Firebase's SDK looks for one: in localStorage. The SDK moves it to IndexedDB.
        """
        user = {
            "uid": self.buyer.uid,
            "email": self.email,
            "emailVerified": False,
            "isAnonymous": False,
            "stsTokenManager": {
                "refreshToken": self.refresh_token,
                "accessToken": self.buyer.id_token,
                "expirationTime": int((time.time() + _ID_TOKEN_LASTS_S) * 1000),
            },
        }
        return f"({_SIGN_IN_ONCE})({json.dumps(web)}, {json.dumps(json.dumps(user))})"


@dataclass
class Watch:
    """What a browser does behind the page: errors, hosts, orders."""

    web: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    orders: int = 0
    expected: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", self._on_request)

    def expect_error(self, part: str) -> None:
        """Ignore errors with these words: the test provokes them."""
        self.expected.append(part)

    @property
    def unexpected_errors(self) -> list[str]:
        return [error for error in self.errors if not any(part in error for part in self.expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        # A declined card is a 402 on Stripe's page; only errors of our own pages count.
        if message.type in ("error", "warning") and message.location["url"].startswith(self.web):
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if request.url.startswith(NETWORK_PROBE):
            return
        if address.scheme not in ("data", "blob"):
            self.hosts.add(address.hostname or "")
        if address.path == CHECKOUT_PATH and request.method == "POST":
            self.orders += 1


@dataclass
class HeldBack:
    """Requests of a page that wait for an answer, the oldest first."""

    page: Page
    _routes: list[Route] = field(default_factory=list)

    def keep(self, route: Route) -> None:
        self._routes.append(route)

    def take(self) -> Route:
        """Wait until there is one, and take it."""
        eventually(self._is_one_there)
        return self._routes.pop(0)

    def _is_one_there(self) -> bool:
        self.page.wait_for_timeout(10)  # Playwright reports requests only while it waits
        return bool(self._routes)


@dataclass
class Shopper:
    """One tab of the pages, and what a buyer does in it."""

    page: Page
    account: Account
    watch: Watch

    def open(self, path: str = "/buy-tokens") -> None:
        self.page.goto(path)

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    @property
    def balance(self) -> Locator:
        """The number in the bar."""
        return self.find("balance").locator(".number")

    def jump(self, milliseconds: int) -> None:
        """Move the page's clock on, which must be installed.

        Firestore's client counts by the same clock: a request under way seems to take this long.
        """
        self.watch.expect_error("Could not reach Cloud Firestore backend")
        self.page.clock.fast_forward(milliseconds)

    def hold_back(self, url: str) -> "HeldBack":
        """Let requests to these addresses wait for an answer."""
        held_back = HeldBack(self.page)
        self.page.route(url, held_back.keep)
        return held_back

    def return_to_tab(self) -> None:
        """Let the page ask for the balance again, unless it is asking."""
        self.page.evaluate("dispatchEvent(new Event('focus'))")

    def sign_in(self) -> None:
        self.find("sign-in").click()
        self.fill_in_sign_in()

    def sign_out(self) -> None:
        self.find("account").click()
        self.find("sign-out").click()
        expect(self.find("sign-in")).to_be_visible()

    def fill_in_sign_in(self) -> None:
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Email").fill(self.account.email)
        dialog.get_by_label("Password", exact=True).fill(self.account.password)
        dialog.get_by_role("button", name="Sign in", exact=True).click()
        expect(dialog).to_be_hidden()

    def sign_in_as_demo(self) -> None:
        self.find("sign-in").click()
        self.find("demo-sign-in").click()
        expect(self.page.get_by_role("dialog")).to_be_hidden()

    def see_balance(self, tokens: int) -> None:
        """Wait for the number in the bar; it counts up for a second."""
        expect(self.balance).to_have_text(f"{tokens:,}", timeout=15_000)

    def see_credit(self, tokens: int) -> None:
        """Wait until the API has the balance, whatever page is open."""
        eventually(lambda: self.account.buyer.balance() == tokens)

    def buy(self, package: str = "popular") -> str:
        """Click on Buy Now, wait for Stripe's page, and return the session's id."""
        self.find(f"buy-{package}").click()
        expect(self.find("pay-button")).to_be_visible(timeout=15_000)
        return urlsplit(self.page.url).path.rsplit("/", 1)[1]

    def pay(self, card: str = "4242424242424242") -> None:
        self._give_email()
        self.find("card-number").fill(card)
        self.find("card-expiry").fill("12 / 40")
        self.find("card-cvc").fill("123")
        self.find("pay-button").click()

    def pay_by_bank(self) -> None:
        self._give_email()
        self.find("method-delayed").check()
        self.find("pay-button").click()

    def _give_email(self) -> None:
        """Tell Stripe the email, which the service passes on only once it is verified."""
        self.find("email").fill(self.account.email)

    def see_outcome(self, words: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words, timeout=15_000)

    def another_tab(self, path: str) -> "Shopper":
        tab = Shopper(self.page.context.new_page(), self.account, self.watch)
        tab.open(path)
        return tab

    def query(self) -> Mapping[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query)
