"""From a purchase to Stripe's receipt of it, or its invoice."""

from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide
from tests.e2e.pages.shopper import Shopper

RECEIPT = "**/api/tokens/receipt?*"


def test_the_purchase_leads_to_stripes_receipt_and_back(signed_in: Shopper, stack: Stack) -> None:
    signed_in.buy()
    signed_in.pay()
    signed_in.see_outcome("110 tokens are yours")
    button = signed_in.page.get_by_role("button", name="View Stripe's receipt")
    button.focus()

    signed_in.page.keyboard.press("Enter")

    expect(signed_in.page.get_by_text("$9.99 paid.")).to_be_visible(timeout=15_000)
    assert signed_in.page.url.startswith(f"{stack.endpoints.stripe}/receipts/ch_")
    assert len(signed_in.page.context.pages) == 1
    signed_in.page.go_back()
    signed_in.see_outcome("110 tokens are yours")
    expect(button).to_be_enabled()


def test_the_history_leads_to_a_receipt_that_knows_of_refunds(signed_in: Shopper, stripe_side: StripeSide) -> None:
    session_id = signed_in.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    signed_in.see_credit(50)
    stripe_side.refund(stripe_side.charge_of(session_id), cents=100)
    signed_in.open("/transactions")

    signed_in.page.get_by_role("link", name="View receipt").click()
    signed_in.page.get_by_role("button", name="View Stripe's receipt").click()

    expect(signed_in.page.get_by_text("$4.99 paid, $1.00 refunded.")).to_be_visible(timeout=15_000)


def test_where_the_shop_makes_invoices_it_is_the_invoice(signed_in: Shopper, stripe_side: StripeSide) -> None:
    uid = signed_in.account.buyer.uid
    metadata = {"firebase_uid": uid, "package_id": "popular", "tokens": "110", "purchase_type": "token_package"}
    session_id = stripe_side.session_with_metadata(metadata, invoice=True)
    stripe_side.pay(session_id).raise_for_status()
    signed_in.open(f"/token-purchase-success?session_id={session_id}")

    signed_in.page.get_by_role("button", name="View invoice").click()

    signed_in.page.wait_for_url("**/invoices/in_*")
    expect(signed_in.page.get_by_text("Popular Pack").first).to_be_visible()


def test_while_stripe_is_away_it_says_so_and_can_be_tried_again(signed_in: Shopper, stripe_side: StripeSide) -> None:
    session_id = signed_in.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    signed_in.open(f"/token-purchase-success?session_id={session_id}")
    signed_in.watch.expect_error("503")
    error = {"success": False, "error": {"code": "stripe_unavailable", "message": "…"}}
    signed_in.page.route(RECEIPT, lambda route: route.fulfill(status=503, json=error))

    signed_in.page.get_by_role("button", name="View Stripe's receipt").click()

    expect(signed_in.find("notice")).to_contain_text("We couldn't get this from Stripe")
    signed_in.see_outcome("50 tokens are yours")
    signed_in.page.unroute(RECEIPT)
    signed_in.find("notice").get_by_role("button", name="Try again").click()
    expect(signed_in.page.get_by_text("$4.99 paid.")).to_be_visible(timeout=15_000)
