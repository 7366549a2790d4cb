"""From right to left, and in the few colors that some readers choose: every page still shows everything."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.buyer import StripeSide, eventually
from tests.e2e.pages.conftest import NewShopper
from tests.e2e.pages.shopper import Shopper

# Each page, and what is there once it has settled.
PAGES = {
    "/": "h1",
    "/buy-tokens": "[data-testid=buy-popular]:not(:disabled)",
    "/token-purchase-success": "h1",
    "/token-purchase-cancel": "h1",
    "/transactions": "tr[data-id]",
    "/account": "[data-testid=change-email]",
    "/nowhere": "h1",
}
RIGHT_TO_LEFT = """
  new MutationObserver(() => { document.documentElement.dir = "rtl" })
    .observe(document, { childList: true, subtree: true })
"""
# Boxes that are cut off or lie outside of the window: sideways scrolling finds only those on the far side.
OUTSIDE = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((element) => {
  const { left, right, width } = element.getBoundingClientRect();
  return width > 1 && element.checkVisibility() && (left < -1 || right > innerWidth + 1);
}).map((element) => element.outerHTML.slice(0, 80))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What is first and last in a row of a page.
FIRST_AND_LAST = {
    "/": [(".brand", "[data-testid=account]")],
    "/buy-tokens": [
        ("[data-package=starter]", "[data-package=popular]"),
        ("[data-package=starter] .price strong", "[data-package=starter] .price small"),
    ],
    "/transactions": [("th:first-child", "th:last-child")],
}


@pytest.fixture
def settled(new_shopper: NewShopper, stripe_side: StripeSide) -> Callable[..., Shopper]:
    """Open pages as a buyer who has bought a pack, with the options of a browser context."""

    def signed_in(**options: object) -> Shopper:
        shopper = new_shopper(signed_in=True, **options)
        shopper.watch.expect_error("404")
        stripe_side.pay(shopper.account.buyer.checkout("popular")).raise_for_status()
        eventually(lambda: shopper.account.buyer.balance() == 110)
        return shopper

    return signed_in


def open_settled(shopper: Shopper, path: str) -> None:
    shopper.open(path)
    expect(shopper.page.locator(PAGES[path]).first).to_be_visible(timeout=15_000)
    shopper.see_balance(110)


def middle(shopper: Shopper, selector: str) -> float:
    box = shopper.page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["x"] + box["width"] / 2


def test_right_to_left_nothing_is_cut_off_and_everything_is_mirrored(
    settled: Callable[..., Shopper], subtests: pytest.Subtests
) -> None:
    shopper = settled()
    for path, ends in FIRST_AND_LAST.items():
        open_settled(shopper, path)
        assert all(middle(shopper, first) < middle(shopper, last) for first, last in ends)
    shopper.page.add_init_script(RIGHT_TO_LEFT)

    for path in PAGES:
        open_settled(shopper, path)
        for first, last in FIRST_AND_LAST.get(path, []):
            with subtests.test(path, first=first):
                assert middle(shopper, first) > middle(shopper, last)
        for width in (1280, 320):
            with subtests.test(path, width=width):
                shopper.page.set_viewport_size({"width": width, "height": 800})
                assert shopper.page.evaluate(SIDEWAYS) == 0
                assert shopper.page.evaluate(OUTSIDE) == []
        shopper.page.set_viewport_size({"width": 1280, "height": 800})


def looks(locator: Locator) -> dict[str, str]:
    """Return how an element is drawn."""
    drawn: dict[str, str] = locator.evaluate(
        """(element) => Object.fromEntries(["color", "backgroundColor", "outlineStyle", "outlineWidth", "outlineColor",
             "borderTopStyle", "borderTopWidth", "borderTopColor"]
             .map((name) => [name, getComputedStyle(element)[name]]))"""
    )
    return drawn


def is_marked(drawn: dict[str, str], side: str) -> bool:
    """Tell whether an outline or border can be seen: forced colors remove backgrounds and shadows."""
    color = drawn[f"{side}Color"].replace(" ", "")
    is_clear = color.startswith("rgba") and color.endswith(",0)")
    return drawn[f"{side}Style"] != "none" and drawn[f"{side}Width"] != "0px" and not is_clear


def test_forced_colors_keep_focus_badges_and_the_current_page(
    settled: Callable[..., Shopper], subtests: pytest.Subtests
) -> None:
    shopper = settled(forced_colors="active")
    for path in PAGES:
        open_settled(shopper, path)
        for _ in range(shopper.page.locator("a, button, input, select").count()):
            shopper.page.keyboard.press("Tab")
            focused = shopper.page.locator(":focus")
            if focused.count() == 0:
                break
            with subtests.test(path, focused=focused.evaluate("(element) => element.outerHTML.slice(0, 80)")):
                assert is_marked(looks(focused), "outline")

    open_settled(shopper, "/buy-tokens")
    for package in ("popular", "creator"):
        badge = shopper.page.locator(f"[data-package={package}] .badge")
        assert is_marked(looks(badge), "borderTop"), "a badge is a label, not part of the frame it lies on"
        assert looks(badge)["color"] != looks(badge)["backgroundColor"]
    current, other = (
        looks(shopper.page.locator(f"nav a{which}").first) for which in ("[aria-current]", ":not([aria-current])")
    )
    assert is_marked(current, "outline")
    assert not is_marked(other, "outline")
    assert is_marked(looks(shopper.find("buy-popular")), "borderTop")
