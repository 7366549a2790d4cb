"""What buyers read when something goes wrong."""

import json

import pytest
from playwright.sync_api import Route, expect

from tests import openapi
from tests.e2e.pages.shopper import CHECKOUT_PATH, Shopper

PACKAGES_PATH = "/api/tokens/packages"


def refuse(shopper: Shopper, path: str, method: str, status: int, code: str, **headers: str) -> None:
    """Answer with an example of docs/openapi.yaml."""
    body = openapi.responses(path, method)[status]["content"]["application/json"]["examples"][code]["value"]
    shopper.watch.expect_error(str(status))
    shopper.page.route(f"**{path}", lambda route: route.fulfill(status=status, headers=headers, json=body))


REFUSALS = [
    (503, "stripe_unavailable", "We can't reach Stripe, our payment provider, right now. You haven't been charged"),
    (502, "stripe_refused", "Stripe couldn't process this order"),
    (400, "package_unavailable", "no longer available"),
    (500, "internal", "Something went wrong on our side"),
]


def test_a_refused_order_says_why(signed_in: Shopper, subtests: pytest.Subtests) -> None:
    for status, code, words in REFUSALS:
        with subtests.test(code):
            refuse(signed_in, CHECKOUT_PATH, "post", status, code)

            signed_in.find("buy-popular").click()

            expect(signed_in.page.get_by_role("alert").filter(has_text=words)).to_be_visible()
            expect(signed_in.find("buy-popular")).to_be_enabled()
            expect(signed_in.find("buy-popular")).to_be_focused()


def test_the_purchase_limit_says_when_to_try_again(signed_in: Shopper) -> None:
    headers = {"Retry-After": "1500", "Content-Type": "application/json"}
    refuse(signed_in, CHECKOUT_PATH, "post", 429, "purchase_limit", **headers)

    signed_in.find("buy-popular").click()

    notice = signed_in.page.get_by_role("alert").filter(has_text="You can buy again at")
    expect(notice).to_be_visible()
    clock = "new Intl.DateTimeFormat('en-US', { timeStyle: 'short' }).format"
    promised = signed_in.page.evaluate(f"{clock}(Date.now() + 1500e3 + 59e3)")
    a_minute_earlier = signed_in.page.evaluate(f"{clock}(Date.now() + 1440e3 + 59e3)")
    assert promised in notice.inner_text() or a_minute_earlier in notice.inner_text()


def test_a_purchase_continues_after_an_expired_session_is_renewed(signed_in: Shopper) -> None:
    refuse(signed_in, CHECKOUT_PATH, "post", 401, "not_signed_in")
    signed_in.find("buy-popular").click()
    dialog = signed_in.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has expired")
    dialog.get_by_role("button", name="Close").click()
    expect(signed_in.find("notice")).to_contain_text("Your session has expired")

    signed_in.find("notice").get_by_role("button", name="Sign in").click()
    expect(signed_in.find("notice")).to_be_empty()
    expect(dialog).to_be_visible()
    signed_in.page.unroute(f"**{CHECKOUT_PATH}")
    signed_in.fill_in_sign_in()

    expect(signed_in.find("pay-button")).to_be_visible(timeout=15_000)


def test_a_slow_stripe_is_waited_for_and_explained(signed_in: Shopper) -> None:
    signed_in.page.clock.install()
    held_back = signed_in.hold_back(f"**{CHECKOUT_PATH}")
    signed_in.find("buy-popular").click()
    expect(signed_in.find("buy-popular")).to_have_text("Opening Stripe…")
    order = held_back.take()

    signed_in.jump(30_000)  # as long as create_checkout waits for Stripe

    expect(signed_in.find("notice")).to_contain_text("Stripe is taking longer than usual")
    body = openapi.responses(CHECKOUT_PATH, "post")[503]["content"]["application/json"]["examples"]
    signed_in.watch.expect_error("503")
    order.fulfill(status=503, json=body["stripe_unavailable"]["value"])
    expect(signed_in.find("notice")).to_contain_text("We can't reach Stripe, our payment provider")


def test_the_connection_notice_goes_with_the_outage(signed_in: Shopper) -> None:
    signed_in.watch.expect_error("net::ERR_INTERNET_DISCONNECTED")
    signed_in.page.context.set_offline(True)
    signed_in.find("buy-popular").click()
    expect(signed_in.find("notice")).to_contain_text("You appear to be offline")

    signed_in.page.context.set_offline(False)

    expect(signed_in.find("notice")).to_be_empty()


def test_an_unreachable_api_shows_an_error_and_a_way_to_try_again(shopper: Shopper) -> None:
    shopper.watch.expect_error("net::ERR_FAILED")
    shopper.page.route(f"**{PACKAGES_PATH}", lambda route: route.abort())
    shopper.open()
    expect(shopper.page.get_by_role("alert")).to_contain_text("We can't reach our service right now")

    shopper.page.unroute(f"**{PACKAGES_PATH}")
    shopper.page.get_by_role("button", name="Try again").click()

    expect(shopper.find("buy-popular")).to_be_visible()
    expect(shopper.find("notice")).to_be_empty()


def test_an_offline_buyer_is_told_so(signed_in: Shopper) -> None:
    signed_in.watch.expect_error("net::ERR_INTERNET_DISCONNECTED")
    signed_in.watch.expect_error("@firebase/firestore")
    signed_in.watch.expect_error("cleardot.gif")
    signed_in.page.context.set_offline(True)

    signed_in.find("buy-popular").click()

    expect(signed_in.page.get_by_role("alert")).to_contain_text("You appear to be offline")
    expect(signed_in.find("buy-popular")).to_be_enabled()


def test_an_answer_from_something_else_is_not_a_crash(signed_in: Shopper) -> None:
    signed_in.watch.expect_error("504")
    signed_in.page.route(f"**{CHECKOUT_PATH}", lambda route: route.fulfill(status=504, body="<h1>Gateway Timeout</h1>"))

    signed_in.find("buy-popular").click()

    expect(signed_in.page.get_by_role("alert")).to_contain_text("We can't reach our service right now")


def test_an_unavailable_pack_is_grayed_and_says_why(shopper: Shopper) -> None:
    def answer(route: Route) -> None:
        packages = route.fetch().json()
        packages["packages"][2]["available"] = False
        route.fulfill(body=json.dumps(packages), content_type="application/json")

    shopper.page.route(f"**{PACKAGES_PATH}", answer)

    shopper.open()

    gone = shopper.page.locator("[data-package=pro]")
    expect(gone).to_contain_text("Currently unavailable")
    expect(gone.get_by_role("button")).to_have_count(0)
    expect(shopper.page.locator("[data-package=popular]").get_by_role("button")).to_be_enabled()


def test_a_wrong_password_is_explained(shopper: Shopper) -> None:
    shopper.watch.expect_error("400")
    shopper.open()
    shopper.find("sign-in").click()
    dialog = shopper.page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(shopper.account.email)
    dialog.get_by_label("Password").fill("not-the-password")

    dialog.get_by_role("button", name="Sign in", exact=True).click()

    expect(shopper.find("sign-in-error")).to_have_text("Incorrect email or password.")
    expect(dialog.get_by_label("Password")).to_be_focused()
    expect(dialog.get_by_label("Password")).to_have_accessible_description("Incorrect email or password.")


def test_a_new_account_and_google_lead_to_a_balance(shopper: Shopper) -> None:
    shopper.open()
    shopper.find("sign-in").click()
    dialog = shopper.page.get_by_role("dialog")
    dialog.get_by_role("button", name="New here?").click()
    dialog.get_by_label("Email").fill(f"new-{shopper.account.email}")
    dialog.get_by_label("Password").fill("a-password")
    dialog.get_by_role("button", name="Create account").click()
    shopper.see_balance(0)
    shopper.sign_out()

    shopper.find("sign-in").click()
    shopper.find("google-sign-in").click()

    shopper.see_balance(0)
    expect(shopper.find("signed-in-as")).to_have_text("Signed in as google-demo@example.com")


def test_an_unknown_address_says_so(shopper: Shopper) -> None:
    shopper.watch.expect_error("404")
    shopper.open("/nowhere")

    expect(shopper.page.get_by_role("heading", level=1)).to_have_text("Page not found")
