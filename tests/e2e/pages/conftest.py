"""Fixtures for the tests of the pages in Chromium."""

import shutil
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from local.stack import Stack
from tests.e2e.pages.shopper import Account, Shopper, Watch

CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Root needs --no-sandbox; the other flags stop the requests that a browser makes on its own.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

NewShopper = Callable[..., Shopper]


def launched_chromium(playwright: Playwright) -> Browser:
    """Start the system's Chromium, preferably the headless shell, which needs less than half of the CPU time."""
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    assert chromium, "No Chromium: `make test` installs it, or: sudo apt-get install chromium-headless-shell"
    return playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launched_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture
def new_shopper(browser: Browser, stack: Stack, web: httpx.Client) -> Iterator[NewShopper]:
    """Create buyers, each with their own browser context. At the end, there was no unexpected error.

    With `signed_in`, the browser remembers them, as if they had signed in on a page that is closed by now.
    """
    opened: list[tuple[BrowserContext, Watch]] = []

    def make(account: Account | None = None, *, signed_in: bool = False, **options: object) -> Shopper:
        owner = account or Account.new(stack.endpoints, web)
        # Counting up takes a second, so a test that looks at motion asks for it.
        usual = {"base_url": stack.endpoints.web, "reduced_motion": "reduce"}
        context = browser.new_context(**{**usual, **options})  # type: ignore[arg-type] # by name
        if signed_in:
            context.add_init_script(owner.sign_in_script(stack.endpoints.web))
        watch = Watch(stack.endpoints.web)
        watch.follow(context)
        opened.append((context, watch))
        return Shopper(context.new_page(), owner, watch)

    yield make

    for context, watch in opened:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")  # an answer that nobody waited for must not fail the next test
        context.close()
        assert watch.unexpected_errors == [], "the console is free of errors"
        assert watch.hosts <= {"localhost", "127.0.0.1"}, "no request leaves the machine"


@pytest.fixture
def shopper(new_shopper: NewShopper) -> Shopper:
    """A signed-out buyer, on no page yet."""
    return new_shopper()


@pytest.fixture
def signed_in(new_shopper: NewShopper) -> Shopper:
    """A new buyer, signed in, on /buy-tokens."""
    shopper = new_shopper(signed_in=True)
    shopper.open()
    shopper.see_balance(0)
    return shopper
