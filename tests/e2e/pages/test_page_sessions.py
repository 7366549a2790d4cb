"""Signing in and out, and what remains on the page."""

from playwright.sync_api import expect

from tests.e2e.buyer import StripeSide
from tests.e2e.pages.shopper import Shopper


def test_a_firestore_that_fails_after_signing_out_does_not_bring_the_user_back(shopper: Shopper) -> None:
    firestore = shopper.hold_back("**/assets/firestore-sdk-*")
    shopper.page.add_init_script("sessionStorage.setItem('reloaded-for-missing-file', 'yes')")
    shopper.watch.expect_error("net::ERR_FAILED")
    shopper.open("/transactions")
    shopper.sign_in()
    shopper.sign_out()

    firestore.take().abort()
    shopper.page.wait_for_timeout(1_000)

    expect(shopper.find("sign-in")).to_be_visible()
    expect(shopper.find("balance")).to_be_hidden()


def test_a_session_that_failed_to_open_is_opened_later(shopper: Shopper) -> None:
    init = "**/__/firebase/init.json"
    shopper.watch.expect_error("net::ERR_FAILED")
    shopper.page.route(init, lambda route: route.abort())
    shopper.open("/transactions")
    shopper.find("sign-in").click()
    expect(shopper.page.get_by_role("alert").filter(has_text="We can't reach our service")).to_be_visible()

    shopper.page.unroute(init)
    shopper.page.evaluate("dispatchEvent(new Event('online'))")

    expect(shopper.page.get_by_text("Sign in to see your history")).to_be_visible(timeout=3_000)


def test_a_tab_that_missed_a_deployment_reloads_once(shopper: Shopper) -> None:
    loads: list[str] = []
    shopper.page.on("load", lambda page: loads.append(page.url))
    shopper.watch.expect_error("404")
    shopper.watch.expect_error("dynamically imported module")
    shopper.open()
    shopper.page.route("**/assets/sign-in-*", lambda route: route.fulfill(status=404))

    with shopper.page.expect_navigation():
        shopper.find("sign-in").click()
    shopper.find("sign-in").click()

    expect(shopper.page.get_by_role("alert").filter(has_text="Something went wrong")).to_be_visible()
    assert len(loads) == 2


def test_a_double_click_opens_one_dialog(shopper: Shopper) -> None:
    shopper.open()

    shopper.find("sign-in").dblclick()

    shopper.fill_in_sign_in()
    shopper.see_balance(0)


def test_the_receipt_disappears_when_its_user_signs_out(signed_in: Shopper, stripe_side: StripeSide) -> None:
    session_id = signed_in.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    signed_in.open(f"/token-purchase-success?session_id={session_id}")
    signed_in.see_outcome("50 tokens are yours")

    signed_in.sign_out()

    signed_in.see_outcome("Sign in to see your purchase")
    expect(signed_in.find("outcome")).not_to_contain_text(session_id)
