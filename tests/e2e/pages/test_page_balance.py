"""<token-balance>: the right number on every open page, without a reload."""

import pytest
from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually, reserve, spend
from tests.e2e.pages.conftest import NewShopper
from tests.e2e.pages.shopper import Shopper


def cut_off_firestore(shopper: Shopper, stack: Stack) -> None:
    shopper.page.route(f"http://{stack.endpoints.firestore}/**", lambda route: route.abort())
    shopper.watch.expect_error("net::ERR_FAILED")
    shopper.watch.expect_error("@firebase/firestore")
    shopper.watch.expect_error(
        "cleardot.gif"
    )  # Firestore tries to ask Google whether the network is up; the policy does not allow it


def test_it_rises_in_a_second_tab_without_a_reload(signed_in: Shopper) -> None:
    second = signed_in.another_tab("/transactions")
    second.see_balance(0)
    loads: list[str] = []
    second.page.on("load", lambda page: loads.append(page.url))

    signed_in.buy()
    signed_in.pay()
    signed_in.see_outcome("110 tokens are yours")

    second.see_balance(110)
    assert loads == []
    expect(second.find("entries").locator("tr")).to_have_count(1)  # the history shows it too


def test_a_spend_lowers_it_live(signed_in: Shopper, stripe_side: StripeSide, stack: Stack) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout()).raise_for_status()
    signed_in.open("/transactions")
    signed_in.see_balance(110)

    spend(stack, buyer.uid, 30).raise_for_status()

    signed_in.see_balance(80)
    expect(signed_in.find("balance").get_by_role("status")).to_have_text("Your balance: 80 tokens")


def test_what_jobs_have_reserved_is_said_until_it_expires(
    signed_in: Shopper, stripe_side: StripeSide, stack: Stack
) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout()).raise_for_status()
    signed_in.open("/transactions")
    signed_in.see_balance(110)
    expect(signed_in.find("debt")).to_be_hidden()

    reserve(stack, buyer.uid, 30, expires_in_s=8)

    said = "30 tokens are set aside for work in progress. You can use 80 now."
    expect(signed_in.find("debt")).to_have_text(said)
    signed_in.see_balance(110)
    expect(signed_in.find("debt")).to_be_hidden(timeout=20_000)  # by the page's own clock: nobody sweeps


def test_pages_that_only_show_it_poll_the_api_without_firestores_sdk(
    signed_in: Shopper, stripe_side: StripeSide, stack: Stack, subtests: pytest.Subtests
) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout()).raise_for_status()
    eventually(lambda: buyer.balance() == 110)
    signed_in.watch.expect_error("404")
    for path in ("/", "/buy-tokens", "/token-purchase-cancel", "/account", "/nowhere"):
        with subtests.test(path):
            signed_in.open(path)
            signed_in.see_balance(110)
            loaded = signed_in.page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
            assert not [name for name in loaded if "firestore" in name]

    spend(stack, buyer.uid, 10).raise_for_status()
    signed_in.return_to_tab()

    signed_in.see_balance(100)


def test_without_firestore_it_shows_the_balance_of_the_api(
    new_shopper: NewShopper, stack: Stack, stripe_side: StripeSide
) -> None:
    shopper = new_shopper(signed_in=True)
    cut_off_firestore(shopper, stack)
    stripe_side.pay(shopper.account.buyer.checkout("starter")).raise_for_status()
    shopper.open("/transactions")

    shopper.see_balance(50)


def test_without_firestore_the_success_page_finds_the_purchase_by_the_api(
    new_shopper: NewShopper, stack: Stack
) -> None:
    shopper = new_shopper(signed_in=True)
    cut_off_firestore(shopper, stack)
    shopper.open()
    shopper.buy()

    shopper.pay()

    shopper.see_outcome("110 tokens are yours")


def test_without_firestore_and_the_api_it_is_unavailable(new_shopper: NewShopper, stack: Stack) -> None:
    shopper = new_shopper(signed_in=True)
    cut_off_firestore(shopper, stack)
    shopper.page.route("**/api/tokens/balance", lambda route: route.abort())
    shopper.open()

    expect(shopper.find("balance").get_by_role("status")).to_have_text("Balance unavailable", timeout=15_000)


def test_it_disappears_when_its_user_signs_out(signed_in: Shopper) -> None:
    signed_in.sign_out()

    expect(signed_in.find("balance")).to_be_hidden()
    expect(signed_in.find("account")).to_be_hidden()
    expect(signed_in.find("signed-in-as")).to_be_hidden()


def test_any_page_of_the_platform_can_include_it(signed_in: Shopper) -> None:
    signed_in.open("/__/firebase/init.json")  # a page of this origin that has nothing of ours
    signed_in.watch.expect_error("favicon.ico")

    signed_in.page.evaluate(
        """() => {
          const program = Object.assign(document.createElement("script"), { type: "module", src: "/token-balance.js" });
          document.body.replaceChildren(document.createElement("token-balance"), program);
        }"""
    )

    expect(signed_in.page.locator("token-balance .number")).to_have_text("0", timeout=15_000)
