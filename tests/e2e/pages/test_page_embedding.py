"""<token-balance> and <buy-tokens> on somebody else's pages: the examples, on another origin than the API."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually, spend
from tests.e2e.pages.accessibility import violations, violations_in_the_dark
from tests.e2e.pages.shopper import Account, Watch
from topology.functions import ROOT

POLICIES: dict[str, str] = json.loads((ROOT / "web" / "examples" / "policies.json").read_text())
NO_NUMBER = "\N{EN DASH}"
EVENTS = ("balancechange", "lowbalance", "signin", "signout", "checkout", "error")

# Notes every event of the elements, from the start.
RECORD = """(types) => {
  window.events = [];
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
  for (const type of types)
    addEventListener(type, (event) => {
      if (!event.target.localName?.includes("-")) return;
      const { error, ...detail } = event.detail ?? {};
      events.push([event.target.localName, type, detail]);
    }, true);
}"""


class Host:
    """A page of another site, and a visitor who has an account."""

    def __init__(self, page: Page, account: Account, watch: Watch) -> None:
        self.page = page
        self.account = account
        self.watch = watch

    def open(self, example: str) -> None:
        self.page.goto(f"/{example}/")

    @property
    def balance(self) -> Locator:
        return self.page.locator("token-balance")

    @property
    def number(self) -> Locator:
        return self.balance.locator(".number")

    def pack(self, package: str) -> Locator:
        return self.page.locator(f"buy-tokens li[data-package={package}]")

    def sign_in(self) -> None:
        self.page.get_by_role("button", name="Sign in").click()
        self.fill_in()

    def fill_in(self) -> None:
        self.page.get_by_label("Email").fill(self.account.email)
        self.page.get_by_label("Password").fill(self.account.password)
        self.page.get_by_role("button", name="Continue").click()

    def events(self, *types: str) -> list[Any]:
        events: list[Any] = self.page.evaluate("window.events")
        return [event for event in events if not types or event[1] in types]

    def see_state(self, state: str) -> None:
        expect(self.balance).to_have_attribute("state", state, timeout=15_000)


@pytest.fixture
def host(browser: Browser, stack: Stack, web: httpx.Client) -> Iterator[Host]:
    """A new visitor of the examples' origin. At the end, no policy was violated and no request has left the machine."""
    origin = stack.endpoints.examples
    context = browser.new_context(base_url=origin, reduced_motion="reduce", locale="en-US")
    context.add_init_script(f"({RECORD})({json.dumps(EVENTS)})")
    watch = Watch(origin)
    watch.follow(context)
    yield Host(context.new_page(), Account.new(stack.endpoints, web), watch)
    for page in context.pages:
        if page.url.startswith(origin):
            assert page.evaluate("window.violations") == [], "the page's policy is enough"
        page.unroute_all(behavior="ignoreErrors")
    context.close()
    assert watch.unexpected_errors == [], "the console is free of errors"
    assert watch.hosts <= {"localhost", "127.0.0.1"}, "no request leaves the machine"


@pytest.fixture
def credited(stripe_side: StripeSide) -> Callable[[Host, str, int], None]:
    """Let a visitor buy something, elsewhere."""

    def credit(host: Host, package: str, tokens: int) -> None:
        stripe_side.pay(host.account.buyer.checkout(package)).raise_for_status()
        eventually(lambda: host.account.buyer.balance() == tokens)

    return credit


def test_pages_of_any_origin_may_load_the_elements(web: httpx.Client) -> None:
    answer = web.get("/elements.js")

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("example", ["plain", "react"])
def test_a_visitor_signs_in_buys_and_sees_the_tokens(host: Host, stack: Stack, example: str) -> None:
    answer = httpx.get(f"{stack.endpoints.examples}/{example}/")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert httpx.URL(stack.endpoints.examples).port != httpx.URL(stack.endpoints.web).port
    host.open(example)
    host.see_state("signed-out")
    expect(host.balance).to_be_hidden()
    expect(host.pack("popular")).to_contain_text("$9.99")
    expect(host.page.locator("buy-tokens li")).to_have_count(2)

    host.pack("popular").get_by_role("button", name="Buy Now: Popular Pack").click()
    host.fill_in()  # the purchase continues
    expect(host.page.get_by_test_id("pay-button")).to_be_visible(timeout=15_000)
    host.page.get_by_test_id("email").fill(host.account.email)
    host.page.get_by_test_id("card-number").fill("4242424242424242")
    host.page.get_by_test_id("card-expiry").fill("12 / 40")
    host.page.get_by_test_id("card-cvc").fill("123")
    host.page.get_by_test_id("pay-button").click()
    host.page.wait_for_url(lambda url: url.startswith(f"{stack.endpoints.web}/token-purchase-success"))
    eventually(lambda: host.account.buyer.balance() == 110)

    host.open(example)
    expect(host.number).to_have_text("110", timeout=15_000)
    assert host.events("signin", "balancechange") == [
        ["token-balance", "signin", {}],
        ["token-balance", "balancechange", {"balance": 110, "previous": None}],
    ]
    host.page.get_by_role("button", name="Sign out").click()
    host.see_state("signed-out")
    assert host.events("signout") == [["token-balance", "signout", {}]]
    expect(host.number).to_have_text(NO_NUMBER)


@pytest.mark.parametrize("example", ["plain", "react"])
def test_a_low_balance_is_said_and_marked(
    host: Host, stack: Stack, credited: Callable[[Host, str, int], None], example: str
) -> None:
    credited(host, "starter", 50)
    host.open(example)
    host.sign_in()
    host.see_state("known")
    expect(host.page.locator("#low")).to_be_hidden()
    status = host.balance.get_by_role("status")
    expect(status).to_have_text("Your balance: 50 tokens")
    expect(status).to_have_attribute("aria-live", "polite")

    spend(stack, host.account.buyer.uid, 31).raise_for_status()
    host.page.evaluate("dispatchEvent(new Event('focus'))")  # as when the visitor returns to the tab

    host.see_state("low")
    expect(host.balance.locator("[part=note]")).to_have_text("Low")
    expect(status).to_have_text("Your balance is low: 19 tokens")
    expect(host.page.locator("#low")).to_be_visible()
    assert host.events("balancechange", "lowbalance") == [
        ["token-balance", "balancechange", {"balance": 50, "previous": None}],
        ["token-balance", "balancechange", {"balance": 19, "previous": 50}],
        ["token-balance", "lowbalance", {"balance": 19, "threshold": 20}],
    ]


def test_the_hook_shows_what_the_element_shows_and_stops_with_its_component(
    host: Host, credited: Callable[[Host, str, int], None]
) -> None:
    credited(host, "starter", 50)
    host.open("react")
    expect(host.page.locator("#status")).to_have_text("signed-out")
    host.sign_in()
    expect(host.page.locator("#status")).to_have_text("You can paint 50 pictures.")
    expect(host.number).to_have_text("50")

    host.page.locator("#toggle").click()
    expect(host.balance).to_have_count(0)
    host.page.locator("#toggle").click()

    expect(host.number).to_have_text("50")
    expect(host.page.locator("#status")).to_have_text("You can paint 50 pictures.")


@pytest.mark.parametrize("example", ["plain", "react"])
def test_axe_finds_nothing_at_any_width(host: Host, credited: Callable[[Host, str, int], None], example: str) -> None:
    credited(host, "starter", 50)
    host.open(example)
    expect(host.pack("popular")).to_be_visible()
    host.see_state("signed-out")
    assert violations(host.page) == []
    host.sign_in()
    host.see_state("known")
    assert violations(host.page) == []
    assert violations_in_the_dark(host.page) == []
    host.page.set_viewport_size({"width": 320, "height": 800})
    assert host.page.evaluate("document.documentElement.scrollWidth") <= 320


FAILURES: dict[str, Callable[[Route], None]] = {
    "no answer": lambda route: route.abort(),
    "a broken answer": lambda route: route.fulfill(
        status=502, body="<html>", headers={"Access-Control-Allow-Origin": "*"}
    ),
    "no number": lambda route: route.fulfill(json={"success": True}, headers={"Access-Control-Allow-Origin": "*"}),
    "a refusal": lambda route: route.fulfill(
        status=401,
        json={"success": False, "error": {"code": "not_signed_in", "message": "no"}},
        headers={"Access-Control-Allow-Origin": "*"},
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_balance_that_is_not_known_is_never_a_number(
    host: Host, credited: Callable[[Host, str, int], None], failure: str
) -> None:
    credited(host, "starter", 50)
    host.watch.expect_error("Failed to load resource")
    host.open("plain")
    host.sign_in()
    expect(host.number).to_have_text("50", timeout=15_000)

    host.page.route(
        "**/api/tokens/balance", lambda route: route.fallback() if _is_preflight(route) else FAILURES[failure](route)
    )
    host.page.evaluate("dispatchEvent(new Event('focus'))")

    host.see_state("unknown")
    expect(host.number).to_have_text(NO_NUMBER)
    expect(host.balance.get_by_role("status")).to_have_text("Balance unavailable")
    assert host.page.evaluate("document.querySelector('token-balance').balance") is None
    code = "not_signed_in" if failure == "a refusal" else "unreachable"
    assert host.events("error") == [["token-balance", "error", {"code": code}]]


def _is_preflight(route: Route) -> bool:
    return route.request.method == "OPTIONS"


def test_an_origin_that_is_not_allowed_sees_no_number_and_no_price(
    host: Host, stack: Stack, credited: Callable[[Host, str, int], None]
) -> None:
    credited(host, "starter", 50)
    host.watch.expect_error("CORS policy")
    host.watch.expect_error("net::ERR_FAILED")
    host.watch.hosts.clear()
    stranger = stack.endpoints.examples.replace("localhost", "stranger.localhost")
    host.page.goto(f"{stranger}/react/")
    host.sign_in()

    host.see_state("unknown")
    expect(host.number).to_have_text(NO_NUMBER)
    expect(host.page.locator("buy-tokens [role=alert]")).to_contain_text("We can't reach our service right now.")
    expect(host.page.locator("buy-tokens li")).to_have_count(0)
    host.watch.hosts.discard("stranger.localhost")


def test_a_refused_purchase_is_explained_and_can_be_tried_again(host: Host) -> None:
    host.watch.expect_error("Failed to load resource")
    host.open("plain")
    host.sign_in()
    host.see_state("low")
    refusal = {"success": False, "error": {"code": "stripe_unavailable", "message": "no"}}
    headers = {"Access-Control-Allow-Origin": "*"}
    host.page.route(
        "**/create-checkout-session",
        lambda route: (
            route.fallback() if _is_preflight(route) else route.fulfill(status=503, json=refusal, headers=headers)
        ),
    )
    button = host.pack("starter").get_by_role("button")
    button.click()

    expect(host.page.locator("buy-tokens [role=alert]")).to_contain_text("You haven't been charged.")
    assert host.events("error") == [["buy-tokens", "error", {"code": "stripe_unavailable"}]]
    expect(button).to_be_focused()
    host.page.unroute("**/create-checkout-session")
    button.click()
    expect(host.page.get_by_test_id("pay-button")).to_be_visible(timeout=15_000)


def test_a_host_may_open_stripe_itself(host: Host, stack: Stack) -> None:
    host.open("plain")
    host.sign_in()
    host.see_state("low")
    host.page.evaluate("document.addEventListener('checkout', (event) => event.preventDefault())")
    host.pack("starter").get_by_role("button").click()

    eventually(lambda: bool(host.events("checkout")))
    [[element, _, detail]] = host.events("checkout")
    assert (element, detail["package"]) == ("buy-tokens", "starter")
    assert detail["url"].startswith(stack.endpoints.stripe)
    assert detail["sessionId"].startswith("cs_")
    expect(host.pack("starter").get_by_role("button")).to_have_text("Buy Now")
    assert host.page.url.startswith(stack.endpoints.examples)


def test_the_locale_attribute_and_the_pages_language_choose_the_words(
    host: Host, credited: Callable[[Host, str, int], None]
) -> None:
    credited(host, "starter", 50)
    host.open("plain")
    host.sign_in()
    host.see_state("known")

    host.page.evaluate("document.querySelector('token-balance').setAttribute('locale', 'de')")
    host.page.evaluate("document.querySelector('buy-tokens').setAttribute('locale', 'de-DE')")

    expect(host.balance.get_by_role("status")).to_have_text("Ihr Guthaben: 50 Token")
    expect(host.pack("popular")).to_contain_text("9,99\u00a0$")
    expect(host.pack("popular").get_by_role("button")).to_have_text("Jetzt kaufen")
