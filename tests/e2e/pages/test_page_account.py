"""/account: who is signed in, and how they change it."""

import httpx
import pytest
from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.pages.shopper import Shopper

PAGES = ["/", "/buy-tokens", "/token-purchase-success", "/token-purchase-cancel", "/transactions", "/account"]


@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_says_who_is_signed_in(signed_in: Shopper, subtests: pytest.Subtests, width: int) -> None:
    signed_in.page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        with subtests.test(path):
            signed_in.open(path)
            expect(signed_in.find("signed-in-as")).to_have_text(f"Signed in as {signed_in.account.email}")
            expect(signed_in.find("account")).to_have_accessible_name(f"Account: {signed_in.account.email}")


def test_a_new_password_works_and_the_old_one_does_not(signed_in: Shopper) -> None:
    signed_in.watch.expect_error("400")
    signed_in.open("/account")
    form = signed_in.find("change-password")
    form.get_by_label("Current password").fill("not-the-password")
    form.get_by_label("New password").fill("another-password")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Current password")).to_have_accessible_description("Your current password is incorrect.")
    expect(form.get_by_label("Current password")).to_be_focused()

    form.get_by_label("Current password").fill(signed_in.account.password)
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Your password has been changed.")
    expect(form.get_by_label("New password")).to_have_value("")

    signed_in.sign_out()
    signed_in.find("sign-in").click()
    dialog = signed_in.page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(signed_in.account.email)
    dialog.get_by_label("Password", exact=True).fill("another-password")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(signed_in.find("account-email")).to_have_text(signed_in.account.email)


def test_a_new_email_counts_once_its_link_is_opened(signed_in: Shopper, stack: Stack) -> None:
    new = f"new-{signed_in.account.email}"
    signed_in.open("/account")
    form = signed_in.find("change-email")
    form.get_by_label("New email").fill(new)
    form.get_by_label("Current password").fill(signed_in.account.password)
    form.get_by_role("button", name="Send confirmation link").click()
    expect(form).to_contain_text(f"We've sent a link to {new}.")
    expect(signed_in.find("account-email")).to_have_text(signed_in.account.email)

    here = stack.endpoints
    sent = httpx.get(f"http://{here.auth}/emulator/v1/projects/{here.project}/oobCodes").raise_for_status().json()
    link = next(code["oobLink"] for code in sent["oobCodes"] if code.get("newEmail") == new)
    httpx.get(link).raise_for_status()
    signed_in.sign_out()
    signed_in.find("sign-in").click()
    dialog = signed_in.page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(new)
    dialog.get_by_label("Password", exact=True).fill(signed_in.account.password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()

    expect(signed_in.find("account-email")).to_have_text(new)


def test_a_google_account_is_managed_at_google(shopper: Shopper) -> None:
    shopper.open("/account")
    expect(shopper.page.get_by_text("Sign in to see your account")).to_be_visible()
    shopper.find("sign-in").click()
    shopper.find("google-sign-in").click()

    expect(shopper.page.get_by_text("You sign in with Google, so")).to_be_visible()
    expect(shopper.find("change-password")).to_be_hidden()
