"""What a person is told when something does not work."""

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
    (401, "not_signed_in", "Your session has expired"),
    (503, "stripe_unavailable", "We can't reach Stripe, our payment provider, right now. You haven't been charged"),
    (502, "stripe_refused", "Stripe couldn't process this order"),
    (400, "package_unavailable", "no longer available"),
    (500, "internal", "Something went wrong on our side"),
]


def test_an_order_that_is_refused_says_why(signed_in: Shopper, subtests: pytest.Subtests) -> None:
    for status, code, words in REFUSALS:
        with subtests.test(code):
            refuse(signed_in, CHECKOUT_PATH, "post", status, code)

            signed_in.find("buy-popular").click()

            expect(signed_in.page.get_by_role("alert").filter(has_text=words)).to_be_visible()
            expect(signed_in.find("buy-popular")).to_be_enabled()


def test_who_bought_too_often_is_told_when_to_try_again(signed_in: Shopper) -> None:
    headers = {"Retry-After": "1500", "Content-Type": "application/json"}
    refuse(signed_in, CHECKOUT_PATH, "post", 429, "purchase_limit", **headers)

    signed_in.find("buy-popular").click()

    notice = signed_in.page.get_by_role("alert").filter(has_text="You can buy again at")
    expect(notice).to_be_visible()
    clock = "new Intl.DateTimeFormat('en-US', { timeStyle: 'short' }).format"
    promised = signed_in.page.evaluate(f"{clock}(Date.now() + 1500e3 + 59e3)")
    a_minute_earlier = signed_in.page.evaluate(f"{clock}(Date.now() + 1440e3 + 59e3)")
    assert promised in notice.inner_text() or a_minute_earlier in notice.inner_text()


def test_an_ended_sign_in_can_be_renewed_from_the_notice(signed_in: Shopper) -> None:
    refuse(signed_in, CHECKOUT_PATH, "post", 401, "not_signed_in")
    signed_in.find("buy-popular").click()

    signed_in.find("notice").get_by_role("button").click()

    expect(signed_in.page.get_by_role("dialog")).to_be_visible()


def test_an_api_that_is_away_shows_the_error_and_a_way_to_try_again(shopper: Shopper) -> None:
    shopper.watch.expect_error("net::ERR_FAILED")
    shopper.page.route(f"**{PACKAGES_PATH}", lambda route: route.abort())
    shopper.open()
    expect(shopper.page.get_by_role("alert")).to_contain_text("We can't reach our service right now")

    shopper.page.unroute(f"**{PACKAGES_PATH}")
    shopper.page.get_by_role("button", name="Try again").click()

    expect(shopper.find("buy-popular")).to_be_visible()
    expect(shopper.find("notice")).to_be_empty()


def test_who_is_offline_is_told_so(signed_in: Shopper) -> None:
    signed_in.watch.expect_error("net::ERR_INTERNET_DISCONNECTED")
    signed_in.watch.expect_error("@firebase/firestore")
    signed_in.watch.expect_error("cleardot.gif")
    signed_in.page.context.set_offline(True)

    signed_in.find("buy-popular").click()

    expect(signed_in.page.get_by_role("alert")).to_contain_text("You appear to be offline")
    expect(signed_in.find("buy-popular")).to_be_enabled()


def test_an_answer_that_is_not_the_services_own_is_no_crash(signed_in: Shopper) -> None:
    signed_in.watch.expect_error("504")
    signed_in.page.route(f"**{CHECKOUT_PATH}", lambda route: route.fulfill(status=504, body="<h1>Gateway Timeout</h1>"))

    signed_in.find("buy-popular").click()

    expect(signed_in.page.get_by_role("alert")).to_contain_text("We can't reach our service right now")


def test_a_pack_that_is_not_available_is_greyed_and_says_why(shopper: Shopper) -> None:
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


def test_a_wrong_password_is_said_in_words(shopper: Shopper) -> None:
    shopper.watch.expect_error("400")
    shopper.open()
    shopper.find("account").click()
    dialog = shopper.page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(shopper.account.email)
    dialog.get_by_label("Password").fill("not-the-password")

    dialog.get_by_role("button", name="Sign in", exact=True).click()

    expect(shopper.find("sign-in-error")).to_have_text("Incorrect email or password.")


def test_a_new_account_and_google_lead_to_a_balance(shopper: Shopper) -> None:
    shopper.open()
    shopper.find("account").click()
    dialog = shopper.page.get_by_role("dialog")
    dialog.get_by_role("button", name="New here?").click()
    dialog.get_by_label("Email").fill(f"new-{shopper.account.email}")
    dialog.get_by_label("Password").fill("a-password")
    dialog.get_by_role("button", name="Create account").click()
    shopper.see_balance(0)
    shopper.find("account").click()

    shopper.find("account").click()
    shopper.find("google-sign-in").click()

    shopper.see_balance(0)
    expect(shopper.find("account")).to_have_attribute("title", "Signed in as google-demo@example.com")


def test_an_address_without_a_page_says_so(shopper: Shopper) -> None:
    shopper.watch.expect_error("404")
    shopper.open("/nowhere")

    expect(shopper.page.get_by_role("heading", level=1)).to_have_text("Page not found")
