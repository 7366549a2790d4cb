"""/transactions: every change in words, page by page, filtered, printed and as a file."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

from google.cloud import firestore
from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.buyer import StripeSide, eventually, spend
from tests.e2e.pages.shopper import Shopper


def test_every_type_of_entry_is_described(signed_in: Shopper, stripe_side: StripeSide, stack: Stack) -> None:
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
    texts = ["\n".join(row.all_inner_texts()) for row in (rows.nth(number) for number in range(6))]
    for row, (words, amount, after) in zip(
        texts,
        [
            ("The dispute over the Starter Pack was resolved", "+50", "43"),
            ("The payment for the Starter Pack was disputed", "-50", "-7"),
            ("$9.99 refunded for the Popular Pack", "-110", "43"),
            ('Spent\n=a picture, "large"', "-7", "153"),
            ("Pack", "", "160"),
            ("View receipt", "", ""),
        ],
        strict=True,
    ):
        assert words in row
        assert amount in row
        assert after in row
    expect(signed_in.find("history-status")).to_contain_text("That's everything")


def test_load_more_uses_cursors_and_the_file_has_everything(
    signed_in: Shopper, stripe_side: StripeSide, stack: Stack
) -> None:
    buyer = signed_in.account.buyer
    stripe_side.pay(buyer.checkout("starter")).raise_for_status()
    eventually(lambda: buyer.balance() == 50)
    for number in range(24):
        spend(stack, buyer.uid, 1, reason=f"=picture {number}").raise_for_status()
    requests: list[str] = []
    signed_in.page.on("request", lambda request: requests.append(request.url))

    signed_in.open("/transactions")
    rows = signed_in.find("entries").locator("tr")
    expect(rows).to_have_count(20)
    signed_in.find("more").click()
    expect(rows).to_have_count(25)
    expect(signed_in.find("more")).to_be_hidden()
    assert any("cursor=" in url for url in requests)
    assert not any("offset=" in url for url in requests)
    spend(stack, buyer.uid, 1, reason="=picture 24").raise_for_status()
    expect(rows).to_have_count(26)  # above the others
    expect(rows.first).to_contain_text("=picture 24")

    signed_in.open("/transactions")
    with signed_in.page.expect_download() as download:
        signed_in.find("csv").click()
    assert download.value.suggested_filename == "token-history.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 26
    assert lines[-1]["Type"] == "Purchase"
    assert (lines[-1]["Package"], lines[-1]["Tokens"]) == ("starter", "50")
    assert (lines[-1]["Money"], lines[-1]["Currency"]) == ("4.99", "USD")
    datetime.strptime(lines[-1]["Date (UTC)"][:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert lines[0]["Description"] == "'=picture 24"  # a spreadsheet must not evaluate it
    assert [int(line["Balance after"]) for line in lines] == list(range(25, 51))


def entry(number: int, **fields: object) -> dict[str, object]:
    """Return an entry as the API answers it; a higher number is newer."""
    usual = {"type": "spend", "amount": -1, "balanceAfter": 100 - number, "details": {}}
    return {"id": f"entry-{number}", "timestamp": f"2026-01-01T10:00:{number:02}Z", **usual, **fields}


def answer_with(shopper: Shopper, entries: list[dict[str, object]]) -> None:
    page = {"transactions": entries, "next_cursor": None}
    shopper.page.route("**/api/tokens/transactions?*", lambda route: route.fulfill(json=page))


def test_buyers_never_see_an_operators_reason(signed_in: Shopper) -> None:
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


def test_an_uncredited_purchase_is_listed(signed_in: Shopper, database: firestore.Client) -> None:
    open_purchases = {f"cs_{state}": state for state in ("waiting", "failed", "held", "rejected")}
    database.document(f"users/{signed_in.account.buyer.uid}").set({"openPurchases": open_purchases}, merge=True)

    signed_in.open("/transactions")

    purchases = signed_in.find("open-purchases").get_by_role("listitem")
    expect(purchases).to_have_count(4)
    for state, words in {
        "waiting": "waiting for your bank",
        "failed": "didn't go through",
        "held": "reviewing a purchase",
        "rejected": "couldn't accept",
    }.items():
        link = purchases.filter(has_text=words).get_by_role("link")
        expect(link).to_have_attribute("href", f"/token-purchase-success?session_id=cs_{state}")
    expect(signed_in.find("history-status")).to_be_empty()


def test_a_failed_purchase_can_be_dismissed(signed_in: Shopper, stripe_side: StripeSide) -> None:
    started = signed_in.buy("popular")
    signed_in.pay_by_bank()
    signed_in.see_outcome("Waiting for your bank")
    signed_in.open("/transactions")
    item = signed_in.find("open-purchases").get_by_role("listitem")
    expect(item).to_contain_text("Popular Pack · $9.99, ")  # and when it was started
    expect(item.get_by_role("button")).to_have_count(0)  # it may still come

    stripe_side.settle(started, "failed")
    expect(item).to_contain_text("A payment didn't go through.")
    item.get_by_role("button", name="Dismiss").click()

    expect(item).to_have_count(0)
    signed_in.open("/transactions")
    expect(signed_in.find("history-status")).to_contain_text("Nothing here yet")
    expect(item).to_have_count(0)


def test_a_filter_has_an_address_of_its_own(signed_in: Shopper) -> None:
    answer_with(
        signed_in,
        [
            entry(4, amount=-2, timestamp="2026-03-02T10:00:00Z"),
            entry(3, type="refund", amount=-5, timestamp="2026-02-03T10:00:00Z"),
            entry(2, amount=-3, timestamp="2026-02-02T10:00:00Z"),
            entry(1, type="grant", amount=5, timestamp="2026-01-02T10:00:00Z"),
        ],
    )
    rows = signed_in.find("entries").locator("tr")

    def shown() -> list[str | None]:
        return [row.get_attribute("data-id") for row in rows.all()]

    signed_in.open("/transactions")
    expect(rows).to_have_count(4)
    signed_in.page.get_by_label("Show").select_option("Spending")
    expect(rows).to_have_count(2)
    signed_in.page.get_by_label("From").fill("2026-02-01")
    signed_in.page.get_by_label("To").fill("2026-02-28")
    expect(rows).to_have_count(1)
    assert shown() == ["entry-2"]
    assert signed_in.query() == {"type": ["spending"], "from": ["2026-02-01"], "to": ["2026-02-28"]}

    signed_in.page.reload()
    expect(rows).to_have_count(1)
    expect(signed_in.page.get_by_label("To")).to_have_value("2026-02-28")
    with signed_in.page.expect_download() as download:
        signed_in.find("csv").click()
    assert len(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()) == 2
    signed_in.page.get_by_role("button", name="Clear filter").click()
    expect(rows).to_have_count(4)
    signed_in.page.go_back()
    expect(rows).to_have_count(1)

    signed_in.open("/transactions?type=refunds&from=2026-03-01")
    expect(signed_in.find("history-status")).to_contain_text("Nothing matches this filter.")


def test_a_purchase_leads_to_its_receipt(signed_in: Shopper, stripe_side: StripeSide) -> None:
    stripe_side.pay(signed_in.account.buyer.checkout("starter")).raise_for_status()
    signed_in.open("/transactions")
    row = signed_in.find("entries").locator("tr")
    expect(row).to_contain_text("$4.99")

    row.get_by_role("link", name="View receipt").click()

    signed_in.see_outcome("50 tokens are yours")
    expect(signed_in.find("outcome")).to_contain_text("Balance after purchase")


def test_printing_shows_the_entries_and_who_they_belong_to(signed_in: Shopper, stripe_side: StripeSide) -> None:
    stripe_side.pay(signed_in.account.buyer.checkout("starter")).raise_for_status()
    signed_in.open("/transactions")
    expect(signed_in.find("entries").locator("tr")).to_have_count(1)
    signed_in.page.evaluate("window.print = () => { window.isPrinted = true }")
    signed_in.find("print").click()
    assert signed_in.page.evaluate("window.isPrinted")

    signed_in.page.emulate_media(media="print", color_scheme="dark")

    expect(signed_in.page.get_by_text(f"Token Economy · {signed_in.account.email}")).to_be_visible()
    for gone in ("print", "csv", "filter", "balance", "account"):
        expect(signed_in.find(gone)).to_be_hidden()
    assert signed_in.page.evaluate("getComputedStyle(document.documentElement).color") == "rgb(23, 34, 29)"


def test_missing_pack_names_do_not_hold_anything_up(signed_in: Shopper, stripe_side: StripeSide) -> None:
    session_id = signed_in.account.buyer.checkout("starter")
    stripe_side.pay(session_id).raise_for_status()
    packages = signed_in.hold_back("**/api/tokens/packages")

    for path, shown in {
        "/transactions": signed_in.find("entries"),
        f"/token-purchase-success?session_id={session_id}": signed_in.find("outcome"),
    }.items():
        signed_in.open(path)
        expect(shown).to_contain_text("token pack", timeout=10_000)
        packages.take().continue_()
        expect(shown).to_contain_text("Starter Pack")


def test_a_new_user_sees_an_empty_history(signed_in: Shopper) -> None:
    signed_in.open("/transactions")

    expect(signed_in.find("history-status")).to_contain_text("Nothing here yet")
    expect(signed_in.find("more")).to_be_hidden()


def test_signed_out_it_asks_to_sign_in(shopper: Shopper) -> None:
    shopper.open("/transactions")

    expect(shopper.page.get_by_text("Sign in to see your history")).to_be_visible()
