"""Before any program runs, on small screens, from right to left: the pages hold still and hold together."""

import re
from itertools import product
from typing import Any

import httpx
import pytest
from google.cloud import firestore
from playwright.sync_api import Route, expect

from tests.e2e.buyer import StripeSide, eventually
from tests.e2e.pages.conftest import NewShopper
from tests.e2e.pages.shopper import Shopper

PAGES = ["/", "/buy-tokens", "/token-purchase-success", "/token-purchase-cancel", "/transactions", "/account"]
PRIVATE = {"/token-purchase-success", "/token-purchase-cancel", "/transactions", "/account"}
SHIFT_MAX = 0.05
LONG_BALANCES = (1_234_567, -1_234_567, 999_999_999_999)
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
COUNT_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      window.shifts.push([entry.value, ...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80))]);
    }
  }).observe({ type: "layout-shift", buffered: true });
"""


def test_the_packs_and_their_prices_are_there_without_javascript(new_shopper: NewShopper) -> None:
    shopper = new_shopper(java_script_enabled=False)
    shopper.open()

    expect(shopper.page.get_by_role("heading", level=1)).to_have_text("Buy tokens")
    expect(shopper.page.locator("[data-package=popular] .price strong")).to_have_text("$9.99")
    expect(shopper.page.locator("[data-package]")).to_have_count(4)
    expect(shopper.page.get_by_role("link", name="History")).to_be_visible()
    expect(shopper.page.locator("noscript")).to_be_visible()
    expect(shopper.find("buy-popular")).to_be_disabled()  # nothing would happen


def test_a_page_is_painted_before_its_program_is_there(shopper: Shopper) -> None:
    programs = shopper.hold_back("**/*.js")
    shopper.page.goto("/buy-tokens", wait_until="commit")

    expect(shopper.page.locator("[data-package=popular]")).to_be_visible()
    expect(shopper.find("buy-popular")).to_be_disabled()
    # Layout comes before paint, so an element is visible a moment earlier. The page's policy forbids wait_for_function,
    # which evaluates its condition in the page whenever it does not hold at once.
    painted = "performance.getEntriesByName('first-contentful-paint').length === 1"
    eventually(lambda: bool(shopper.page.evaluate(painted)))
    programs.take()
    shopper.page.unroute_all(behavior="ignoreErrors")
    shopper.open()
    expect(shopper.find("buy-popular")).to_be_enabled()


def test_the_packs_of_the_build_give_way_to_those_on_sale(shopper: Shopper) -> None:
    def answer(route: Route) -> None:
        packages = route.fetch().json()
        packages["packages"][1] |= {"amount": 1250, "name": "Larger Pack"}
        del packages["packages"][0]
        route.fulfill(json=packages)

    shopper.page.route("**/api/tokens/packages", answer)
    shopper.open()

    larger = shopper.page.locator("[data-package=popular]")
    expect(larger.locator("h2")).to_have_text("Larger Pack")
    expect(larger.locator(".price strong")).to_have_text("$12.50")
    expect(shopper.page.locator("[data-package]")).to_have_count(3)
    expect(shopper.find("buy-popular")).to_be_enabled()


def test_a_pack_that_is_the_same_keeps_its_place_and_its_focus(shopper: Shopper) -> None:
    packages = shopper.hold_back("**/api/tokens/packages")
    shopper.open()
    shopper.find("buy-pro").focus()

    with shopper.page.expect_response("**/api/tokens/packages"):
        packages.take().continue_()
    shopper.page.wait_for_timeout(200)

    expect(shopper.find("buy-pro")).to_be_focused()


@pytest.mark.parametrize("path", PAGES)
def test_search_engines_and_link_previews_learn_what_a_page_is(web: httpx.Client, path: str) -> None:
    html = web.get(path).text

    assert re.search(r'<html lang="en" dir="ltr">', html)
    assert re.search(r'<meta name="description" content="[^"]{30,160}">', html)
    assert re.search(r'<meta property="og:title" content="[^"]+ · Token Economy">', html)
    assert ('<meta name="robots" content="noindex">' in html) == (path in PRIVATE)
    assert len(re.findall("<h1", html)) == 1
    for icon in re.findall(r'rel="(?:icon|apple-touch-icon|manifest)" href="([^"]+)"', html):
        assert web.get(icon).status_code == 200
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", html), "the policy lets nothing inline run"


def test_the_manifest_and_the_robots_file_name_what_there_is(web: httpx.Client) -> None:
    manifest: dict[str, Any] = web.get("/manifest.webmanifest").raise_for_status().json()

    assert [web.get(icon["src"]).status_code for icon in manifest["icons"]] == [200, 200, 200]
    assert "Disallow: /api/" in web.get("/robots.txt").raise_for_status().text


def test_any_balance_fits_a_narrow_screen(
    new_shopper: NewShopper, database: firestore.Client, subtests: pytest.Subtests
) -> None:
    shopper = new_shopper(signed_in=True, viewport={"width": 320, "height": 640})
    answer: dict[str, object] = {"success": True}
    shopper.page.route("**/api/tokens/balance", lambda route: route.fulfill(json=answer))

    def change_to(balance: int) -> None:
        answer["balance"] = balance
        database.document(f"users/{shopper.account.buyer.uid}").set({"tokenBalance": balance})

    def see_that_it_fits(balance: int) -> None:
        shopper.see_balance(balance)
        assert shopper.page.evaluate(SIDEWAYS) == 0

    for path in PAGES:
        with subtests.test(path, balance=LONG_BALANCES[0]):
            change_to(LONG_BALANCES[0])
            shopper.open(path)
            see_that_it_fits(LONG_BALANCES[0])
        for balance in LONG_BALANCES[1:]:
            with subtests.test(path, balance=balance):
                change_to(balance)
                shopper.return_to_tab()
                see_that_it_fits(balance)


def test_a_long_name_without_spaces_stays_in_its_card(shopper: Shopper, subtests: pytest.Subtests) -> None:
    def answer(route: Route) -> None:
        packages = route.fetch().json()
        for pack in packages["packages"]:
            pack |= {"name": "Donaudampfschifffahrt" * 5, "description": "x" * 200, "badge": "SEHR" * 12}
        route.fulfill(json=packages)

    shopper.page.route("**/api/tokens/packages", answer)
    for width in (320, 1280):
        with subtests.test(width=width):
            shopper.page.set_viewport_size({"width": width, "height": 800})
            shopper.open()
            expect(shopper.page.locator("[data-package=pro] h2")).to_contain_text("Donau")
            assert shopper.page.evaluate(SIDEWAYS) == 0
            sticking_out = """(cards) => cards.filter((card) => card.scrollWidth > card.clientWidth + 1).length"""
            assert shopper.page.locator(".pack").evaluate_all(sticking_out) == 0


def test_nothing_jumps_while_a_page_loads(
    new_shopper: NewShopper, stripe_side: StripeSide, subtests: pytest.Subtests
) -> None:
    reader = new_shopper()
    buyer = new_shopper(reader.account, signed_in=True)
    session_id = buyer.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    buyer.see_credit(50)
    for shopper in (reader, buyer):
        shopper.page.add_init_script(COUNT_SHIFTS)
    for width, path in product((412, 1280), (*PAGES, f"/token-purchase-success?session_id={session_id}")):
        for shopper in (reader, buyer):
            shopper.page.set_viewport_size({"width": width, "height": 823})
        with subtests.test("signed out", path=path, width=width):
            reader.open(path)
            expect(reader.find("sign-in")).to_be_visible()
            assert shifts(reader) == []
        with subtests.test("signed in", path=path, width=width):
            buyer.open(path)
            buyer.see_balance(50)
            assert shifts(buyer) == []


def shifts(shopper: Shopper) -> list[list[Any]]:
    """Return what moved, and how much, unless it is little in all."""
    shopper.page.wait_for_timeout(300)
    moved: list[list[Any]] = shopper.page.evaluate("window.shifts")
    return [] if sum(shift[0] for shift in moved) < SHIFT_MAX else moved


def test_right_to_left_everything_has_changed_sides(signed_in: Shopper, stripe_side: StripeSide) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout("popular")).raise_for_status()
    eventually(lambda: buyer.balance() == 110)
    signed_in.page.add_init_script(
        """new MutationObserver(() => { document.documentElement.dir = "rtl" })
             .observe(document, { childList: true, subtree: true })"""
    )

    def box(selector: str) -> dict[str, float]:
        found = signed_in.page.locator(selector).first.bounding_box()
        assert found is not None
        return {"x": found["x"], "y": found["y"], "width": found["width"], "height": found["height"]}

    signed_in.open("/transactions")
    expect(signed_in.find("entries").locator("tr")).to_have_count(1)
    assert box("th:first-child")["x"] > box("th:last-child")["x"]
    assert box(".brand")["x"] > box("[data-testid=balance]")["x"]
    assert signed_in.page.evaluate("getComputedStyle(document.querySelector('th')).textAlign") in ("start", "right")
    assert signed_in.page.evaluate(SIDEWAYS) == 0
    signed_in.find("account").click()
    menu, button = box("#account-menu"), box("#account")
    assert menu["x"] < 100
    assert menu["y"] >= button["y"] + button["height"]

    signed_in.open("/buy-tokens")
    card, badge = box("[data-package=popular]"), box("[data-package=popular] .badge")
    assert badge["x"] + badge["width"] / 2 > card["x"] + card["width"] / 2
