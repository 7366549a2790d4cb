"""`make screenshots`: every page as a picture in docs/screenshots/, from a stack of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, expect, sync_playwright

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually, spend
from tests.e2e.pages.conftest import launched_chromium
from tests.e2e.pages.shopper import Account, Shopper, Watch
from topology.functions import ROOT

PICTURES = ROOT / "docs" / "screenshots"
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}


def main() -> None:
    """Take every screenshot."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory)) as stack, _chromium() as browser:
        for look, options in LOOKS.items():
            _take(browser, stack, look, options)


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launched_chromium(playwright)
        yield browser
        browser.close()


def _take(browser: Browser, stack: Stack, look: str, options: dict[str, Any]) -> None:
    with httpx.Client(base_url=stack.endpoints.web, timeout=30) as web:
        context = browser.new_context(base_url=stack.endpoints.web, **options)
        shopper = Shopper(context.new_page(), Account.new(stack.endpoints, web), Watch(stack.endpoints.web))
        _live_a_little(shopper, stack)

        def shoot(name: str) -> None:
            shopper.page.screenshot(path=PICTURES / f"{name}-{look}.png", full_page=look == "phone")

        shopper.open("/")
        shopper.see_balance(43)
        shoot("home")
        shopper.open("/buy-tokens")
        shopper.see_balance(43)
        expect(shopper.find("buy-popular")).to_be_visible()
        shoot("buy-tokens")
        shopper.buy()
        shopper.pay()
        shopper.see_outcome("110 tokens are yours")
        shopper.see_balance(153)
        shoot("success")
        shopper.open("/token-purchase-cancel")
        shopper.see_balance(153)
        shoot("cancel")
        shopper.open("/transactions")
        expect(shopper.find("history-status")).to_contain_text("That's everything")
        shopper.see_balance(153)
        shoot("transactions")
        shopper.open("/nowhere")
        shopper.see_balance(153)
        shoot("404")
        context.close()


def _live_a_little(shopper: Shopper, stack: Stack) -> None:
    """Sign in a buyer who has bought, spent, and been refunded."""
    shopper.open()
    shopper.sign_in()
    buyer, stripe = shopper.account.buyer, StripeSide(stack.endpoints)
    kept, refunded = buyer.checkout("starter"), buyer.checkout("popular")
    for session_id in (kept, refunded):
        stripe.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == 160)
    spend(stack, buyer.uid, 7, reason="A portrait in oil").raise_for_status()
    stripe.refund(stripe.charge_of(refunded))
    eventually(lambda: buyer.balance() == 43)
    stripe.close()


if __name__ == "__main__":
    main()
