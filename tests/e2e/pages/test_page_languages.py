"""The pages in the reader's language and currency."""

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.e2e.buyer import StripeSide, eventually
from tests.e2e.pages.conftest import NewShopper
from tests.e2e.pages.shopper import Shopper


def plain(text: str) -> str:
    """Return a text with the spaces of a locale as ordinary ones."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_a_german_buyer_buys_in_german(new_shopper: NewShopper, stripe_side: StripeSide) -> None:
    shopper = new_shopper(locale="de-DE")
    shopper.open()
    expect(shopper.page.locator("html")).to_have_attribute("lang", "de")
    shopper.see_outcome("Token kaufen")
    popular = shopper.page.locator("[data-package=popular]")
    expect(popular).to_contain_text("Beliebtes Paket")
    expect(popular.locator(".badge")).to_have_text("AM BELIEBTESTEN")
    assert plain(popular.locator(".price strong").inner_text()) == "9,99 $"
    shopper.find("sign-in").click()
    dialog = shopper.page.get_by_role("dialog")
    dialog.get_by_label("E-Mail-Adresse").fill(shopper.account.email)
    dialog.get_by_label("Passwort").fill(shopper.account.password)
    dialog.get_by_role("button", name="Anmelden", exact=True).click()
    shopper.see_balance(0)

    session_id = shopper.buy()
    shopper.pay()

    shopper.see_outcome("110 Token gehören Ihnen")
    expect(shopper.find("outcome")).to_contain_text("Beliebtes Paket")
    expect(shopper.page).to_have_title("110 Token gehören Ihnen · Token Economy")
    stripe_side.refund(stripe_side.charge_of(session_id))
    shopper.see_outcome("Dieser Kauf wurde erstattet")


@pytest.mark.parametrize(
    ("preference", "language"),
    [("de", "de"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("en-US,en;q=0.9,de;q=0.8", "en"), ("fr-FR,fr;q=0.9", "en")],
)
def test_hosting_serves_the_language_that_the_browser_prefers(
    web: httpx.Client, preference: str, language: str
) -> None:
    for path in ("/", "/buy-tokens", "/nowhere"):
        assert f'<html lang="{language}"' in web.get(path, headers={"Accept-Language": preference}).text


def test_a_reader_can_choose_the_language_and_keeps_it(shopper: Shopper) -> None:
    shopper.open("/")
    shopper.page.get_by_role("button", name="Deutsch").click()
    shopper.see_outcome("Ihre Token")

    shopper.open("/transactions")
    shopper.see_outcome("Verlauf")

    shopper.page.get_by_role("button", name="English").click()
    shopper.see_outcome("History")


def test_prices_are_in_their_currency_and_the_readers_region(new_shopper: NewShopper) -> None:
    def answer(route: Route) -> None:
        packages = route.fetch().json()
        for pack, (amount, currency) in zip(
            packages["packages"], [(999, "eur"), (1500, "jpy"), (12345, "kwd"), (999, "usd")], strict=True
        ):
            pack |= {"amount": amount, "currency": currency}
        route.fulfill(json=packages)

    shopper = new_shopper(locale="en-GB")
    shopper.page.route("**/api/tokens/packages", answer)
    shopper.open()

    prices = shopper.page.locator(".price strong")
    expect(prices.first).to_have_text("€9.99")
    assert [plain(price) for price in prices.all_inner_texts()] == ["€9.99", "JP¥1,500", "KWD 12.345", "US$9.99"]


def test_a_badge_is_known_by_its_kind(shopper: Shopper) -> None:
    def answer(route: Route) -> None:
        packages = route.fetch().json()
        packages["packages"][0] |= {"badge": "MEILLEUR PRIX", "badge_kind": "best_value"}
        route.fulfill(json=packages)

    shopper.page.route("**/api/tokens/packages", answer)
    shopper.open()

    expect(shopper.page.locator("[data-package=starter].best .badge")).to_have_text("BEST VALUE")


def test_the_history_has_the_money_of_each_purchase(new_shopper: NewShopper, stripe_side: StripeSide) -> None:
    shopper = new_shopper(signed_in=True, locale="de-AT")
    buyer = shopper.account.buyer
    stripe_side.pay(buyer.checkout("starter")).raise_for_status()
    eventually(lambda: buyer.balance() == 50)
    shopper.open("/transactions")

    row = shopper.find("entries").locator("tr")
    expect(row).to_contain_text("Starter-Paket")
    assert "$ 4,99" in plain(row.inner_text())  # as Austria writes it
