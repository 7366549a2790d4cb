"""Accessible, small and fast: measured in the browser on the production build."""

import gzip
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Response, expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually
from tests.e2e.pages.accessibility import violations, violations_in_the_dark
from tests.e2e.pages.conftest import NewShopper
from tests.e2e.pages.shopper import Shopper

BUY_BYTES_MAX = 75_000
LIVE_BYTES_MAX = 205_000
FIRST_LOAD_MS = 1_000


def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    new_shopper: NewShopper, stripe_side: StripeSide, subtests: pytest.Subtests
) -> None:
    shopper = new_shopper(color_scheme="light")
    buyer = shopper.account.buyer
    session_id = buyer.checkout()
    stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == 110)

    def look(what: str) -> None:
        for width in (320, 1280):
            with subtests.test(what, width=width):
                shopper.page.set_viewport_size({"width": width, "height": 800})
                assert violations(shopper.page) == []
                assert shopper.page.evaluate("document.documentElement.scrollWidth") <= width
            with subtests.test(what, width=width, color_scheme="dark"):
                assert violations_in_the_dark(shopper.page) == []

    shopper.open()
    expect(shopper.find("buy-popular")).to_be_enabled()
    look("signed out")
    shopper.find("sign-in").click()
    expect(shopper.page.get_by_role("dialog")).to_be_visible()
    look("the dialog")
    shopper.page.get_by_role("dialog").get_by_role("button", name="Sign in", exact=True).click()
    expect(shopper.find("sign-in-error")).to_have_text("Enter your email.")
    look("the dialog with an error")
    shopper.fill_in_sign_in()

    for path, settled in {
        "/": "token-balance",
        "/buy-tokens": "[data-testid=buy-popular]:not(:disabled)",
        f"/token-purchase-success?session_id={session_id}": "[data-testid=transaction-id]",
        "/token-purchase-success?session_id=cs_test_none": "h1",
        "/token-purchase-success": "h1",
        "/token-purchase-cancel": "h1",
        "/transactions": "tr[data-id]",
        "/transactions?type=spending": "[data-testid=filter]",
        "/account": "[data-testid=change-email]",
    }.items():
        shopper.open(path)
        expect(shopper.page.locator(settled).first).to_be_visible(timeout=15_000)
        shopper.see_balance(110)
        look(path)


def test_a_purchase_can_be_started_with_the_keyboard_alone(shopper: Shopper) -> None:
    shopper.open()
    expect(shopper.find("buy-starter")).to_be_enabled()
    shopper.page.keyboard.press("Tab")
    expect(shopper.page.get_by_role("link", name="Skip to content")).to_be_focused()
    shopper.page.keyboard.press("Enter")
    shopper.page.keyboard.press("Tab")
    expect(shopper.find("buy-starter")).to_be_focused()
    shopper.page.keyboard.press("Enter")

    expect(shopper.find("demo-sign-in")).to_be_focused()
    shopper.page.keyboard.press("Escape")

    expect(shopper.page.get_by_role("dialog")).to_be_hidden()
    expect(shopper.find("buy-starter")).to_be_focused()


def transferred(shopper: Shopper, stack: Stack, path: str) -> dict[str, int]:
    """Return the gzipped size of every file of this origin that a signed-in buyer loads with a page."""
    origin = urlsplit(stack.endpoints.web).netloc
    responses: list[Response] = []

    def note(response: Response) -> None:
        responses.append(response)

    shopper.page.on("response", note)
    shopper.open(path)
    shopper.sign_in()
    shopper.see_balance(0)
    shopper.page.wait_for_timeout(1_000)  # for what is loaded without being waited for
    own = [
        response for response in responses if urlsplit(response.url).netloc == origin and "/api/" not in response.url
    ]
    return {urlsplit(response.url).path: len(gzip.compress(response.body(), 9)) for response in own}


def test_a_page_is_small_and_a_live_one_under_205_kb_gzipped(new_shopper: NewShopper, stack: Stack) -> None:
    bought = transferred(new_shopper(), stack, "/buy-tokens")
    assert sum(bought.values()) < BUY_BYTES_MAX, bought

    with_history = new_shopper()
    live = transferred(with_history, stack, "/transactions")
    assert any("firestore" in path for path in live)
    assert sum(live.values()) < LIVE_BYTES_MAX, live


def test_the_first_load_takes_less_than_a_second(new_shopper: NewShopper) -> None:
    """From an empty cache to packs that can be bought.

    One of five is enough: the others may show how busy the machine is.
    """
    taken = []
    for _ in range(5):
        shopper = new_shopper()
        shopper.open()
        expect(shopper.find("buy-popular")).to_be_enabled()
        taken.append(float(shopper.page.evaluate("performance.now()")))
        if taken[-1] < FIRST_LOAD_MS:
            return
    pytest.fail(f"loaded after {taken} ms")
