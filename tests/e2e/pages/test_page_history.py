"""/transactions: what came and went, in words, page by page, and as a file."""

import csv
import io
from pathlib import Path

from google.cloud import firestore
from playwright.sync_api import Route, expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually, spend
from tests.e2e.pages.shopper import Shopper


def test_every_kind_of_entry_is_told_in_words(signed_in: Shopper, stripe_side: StripeSide, stack: Stack) -> None:
    buyer = signed_in.account.buyer
    refunded, disputed = buyer.checkout("popular"), buyer.checkout("starter")
    for session_id in (refunded, disputed):
        stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == 160)
    spend(stack, buyer.uid, 7, reason='=a picture, "large"').raise_for_status()
    stripe_side.refund(stripe_side.charge_of(refunded))
    eventually(lambda: buyer.balance() == 43)
    dispute = stripe_side.dispute(stripe_side.charge_of(disputed))
    eventually(lambda: buyer.balance() == -7)
    stripe_side.close_dispute(dispute, "won")
    eventually(lambda: buyer.balance() == 43)

    signed_in.open("/transactions")

    rows = signed_in.find("entries").locator("tr")
    expect(rows).to_have_count(6)
    told = ["\n".join(row.all_inner_texts()) for row in (rows.nth(number) for number in range(6))]
    for row, (words, amount, after) in zip(
        told,
        [
            ("The dispute over the Starter Pack was resolved", "+50", "43"),
            ("The payment for the Starter Pack was disputed", "-50", "-7"),
            ("Refund for the Popular Pack", "-110", "43"),
            ('Spent\n=a picture, "large"', "-7", "153"),
            ("Pack", "", "160"),
            ("Pack", "", ""),
        ],
        strict=True,
    ):
        assert words in row
        assert amount in row
        assert after in row
    expect(signed_in.find("history-status")).to_contain_text("That's everything")


def test_more_is_loaded_by_cursor_and_the_file_has_all(
    signed_in: Shopper, stripe_side: StripeSide, stack: Stack
) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout("starter")).raise_for_status()
    eventually(lambda: buyer.balance() == 50)
    for number in range(24):
        spend(stack, buyer.uid, 1, reason=f"=picture {number}").raise_for_status()
    asked: list[str] = []
    signed_in.page.on("request", lambda request: asked.append(request.url))

    signed_in.open("/transactions")
    rows = signed_in.find("entries").locator("tr")
    expect(rows).to_have_count(20)
    signed_in.find("more").click()
    expect(rows).to_have_count(25)
    expect(signed_in.find("more")).to_be_hidden()
    assert any("cursor=" in url for url in asked)
    assert not any("offset=" in url for url in asked)
    spend(stack, buyer.uid, 1, reason="=picture 24").raise_for_status()
    expect(rows).to_have_count(26)  # above the others, which stay
    expect(rows.first).to_contain_text("=picture 24")

    signed_in.open("/transactions")
    with signed_in.page.expect_download() as download:
        signed_in.find("csv").click()
    assert download.value.suggested_filename == "token-history.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 26
    assert lines[-1]["Type"] == "Purchase"
    assert (lines[-1]["Package"], lines[-1]["Tokens"], lines[-1]["Paid (USD)"]) == ("starter", "50", "4.99")
    assert lines[0]["Description"] == "'=picture 24"  # a spreadsheet must not calculate it
    assert [int(line["Balance after"]) for line in lines] == list(range(25, 51))


def entry(number: int, **fields: object) -> dict[str, object]:
    """Return an entry as the API answers it; a higher number is newer."""
    usual = {"type": "spend", "amount": -1, "balanceAfter": 100 - number, "details": {}}
    return {"id": f"entry-{number}", "timestamp": f"2026-01-01T10:00:{number:02}Z", **usual, **fields}


def answer_with(shopper: Shopper, entries: list[dict[str, object]]) -> None:
    page = {"transactions": entries, "next_cursor": None}
    shopper.page.route("**/api/tokens/transactions?*", lambda route: route.fulfill(json=page))


def test_an_operators_reason_is_not_for_the_buyer(signed_in: Shopper) -> None:
    internal = {"reason": "chargeback farmer, see ticket 7", "operator": "ops@example.com"}
    answer_with(
        signed_in,
        [
            entry(3, type="spend", details={"reason": "A picture of a cat"}),
            entry(2, type="grant", amount=5, details=internal),
            entry(1, type="adjustment", details=internal),
        ],
    )

    signed_in.open("/transactions")

    rows = signed_in.find("entries").locator("tr")
    expect(rows.locator(".description")).to_have_text(
        ["A picture of a cat", "A gift from us", "Corrected by our support team"]
    )
    with signed_in.page.expect_download() as download:
        signed_in.find("csv").click()
    assert "chargeback" not in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_a_purchase_that_is_not_credited_is_found_here(signed_in: Shopper, database: firestore.Client) -> None:
    open_purchases = {f"cs_{stands}": stands for stands in ("waiting", "failed", "held", "rejected")}
    database.document(f"users/{signed_in.account.buyer.uid}").set({"openPurchases": open_purchases}, merge=True)

    signed_in.open("/transactions")

    purchases = signed_in.find("open-purchases").get_by_role("listitem")
    expect(purchases).to_have_count(4)
    for stands, words in {
        "waiting": "waiting for your bank",
        "failed": "didn't go through",
        "held": "reviewing a purchase",
        "rejected": "couldn't accept",
    }.items():
        link = purchases.filter(has_text=words).get_by_role("link")
        expect(link).to_have_attribute("href", f"/token-purchase-success?session_id=cs_{stands}")
    expect(signed_in.find("history-status")).to_be_empty()


def test_names_of_packs_that_do_not_come_hold_nothing_up(signed_in: Shopper, stripe_side: StripeSide) -> None:
    session_id = signed_in.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    held_back: list[Route] = []

    def hold_back(route: Route) -> None:
        held_back.append(route)

    signed_in.page.route("**/api/tokens/packages", hold_back)

    for path, shown in {
        "/transactions": signed_in.find("entries"),
        f"/token-purchase-success?session_id={session_id}": signed_in.find("outcome"),
    }.items():
        signed_in.open(path)
        expect(shown).to_contain_text("token pack", timeout=10_000)
        held_back.pop().continue_()
        expect(shown).to_contain_text("Starter Pack")


def test_a_new_user_sees_an_empty_history(signed_in: Shopper) -> None:
    signed_in.open("/transactions")

    expect(signed_in.find("history-status")).to_contain_text("Nothing here yet")
    expect(signed_in.find("more")).to_be_hidden()


def test_signed_out_it_asks_to_sign_in(shopper: Shopper) -> None:
    shopper.open("/transactions")

    expect(shopper.page.get_by_text("Sign in to see your history")).to_be_visible()
