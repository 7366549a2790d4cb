"""What the keyboard needs and axe cannot see: the focus stays where the reader is."""

from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually, spend
from tests.e2e.pages.shopper import Shopper

FOCUS_IS_LOST = "document.activeElement === document.body"


def test_load_more_keeps_the_focus_until_there_is_no_more(
    signed_in: Shopper, stripe_side: StripeSide, stack: Stack
) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout("starter")).raise_for_status()
    eventually(lambda: buyer.balance() == 50)
    for number in range(44):
        spend(stack, buyer.uid, 1, reason=f"picture {number}").raise_for_status()
    signed_in.open("/transactions")
    rows = signed_in.find("entries").locator("tr")
    expect(rows).to_have_count(20)
    signed_in.find("more").focus()

    signed_in.page.keyboard.press("Enter")
    expect(rows).to_have_count(40)
    expect(signed_in.find("more")).to_be_focused()
    signed_in.page.keyboard.press("Enter")

    expect(rows).to_have_count(45)
    expect(signed_in.find("more")).to_be_hidden()
    expect(signed_in.find("history-status")).to_be_focused()  # it says that this is everything


def test_trying_again_leads_to_the_content(shopper: Shopper) -> None:
    shopper.watch.expect_error("net::ERR_FAILED")
    shopper.page.route("**/api/tokens/packages", lambda route: route.abort())
    shopper.open()
    shopper.page.get_by_role("button", name="Try again").focus()
    shopper.page.unroute("**/api/tokens/packages")

    shopper.page.keyboard.press("Enter")

    expect(shopper.find("notice")).to_be_empty()
    expect(shopper.page.get_by_role("main")).to_be_focused()


def test_signing_in_and_out_leaves_the_focus_on_the_page(shopper: Shopper, stripe_side: StripeSide) -> None:
    session_id = shopper.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    shopper.open(f"/token-purchase-success?session_id={session_id}")
    shopper.find("outcome").get_by_role("button", name="Sign in").focus()
    shopper.page.keyboard.press("Enter")

    shopper.fill_in_sign_in()
    shopper.see_outcome("50 tokens are yours")
    shopper.page.wait_for_timeout(300)
    assert not shopper.page.evaluate(FOCUS_IS_LOST)

    shopper.find("account").focus()
    shopper.page.keyboard.press("Enter")
    shopper.page.keyboard.press("Tab")
    expect(shopper.page.get_by_role("link", name="Account settings")).to_be_focused()
    shopper.page.keyboard.press("Tab")
    shopper.page.keyboard.press("Enter")
    expect(shopper.find("sign-in")).to_be_focused()


def test_the_account_menu_closes_with_escape(signed_in: Shopper) -> None:
    signed_in.find("account").focus()
    signed_in.page.keyboard.press("Enter")
    expect(signed_in.find("sign-out")).to_be_visible()

    signed_in.page.keyboard.press("Escape")

    expect(signed_in.find("sign-out")).to_be_hidden()
    expect(signed_in.find("account")).to_be_focused()


def test_the_sign_in_dialog_says_which_field_is_wrong(shopper: Shopper) -> None:
    shopper.watch.expect_error("400")
    shopper.open()
    shopper.find("sign-in").click()
    dialog = shopper.page.get_by_role("dialog")
    submit = dialog.get_by_role("button", name="Sign in", exact=True)
    email, password = dialog.get_by_label("Email"), dialog.get_by_label("Password", exact=True)

    submit.click()
    expect(email).to_be_focused()
    expect(email).to_have_accessible_description("Enter your email.")
    expect(email).to_have_attribute("aria-invalid", "true")

    email.fill("not an address")
    password.fill("a-password")
    submit.click()
    expect(shopper.find("sign-in-error")).to_have_text("Enter a valid email address.")
    expect(email).to_be_focused()
    expect(password).not_to_have_attribute("aria-invalid", "true")
