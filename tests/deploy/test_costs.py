"""docs/costs.md: its numbers are computed from what the functions really do."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from deploy import costs, prices
from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.runtime.catalog_file import load_catalog
from tests.deploy import scenarios
from tests.deployed import deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.stripe_events import load, push_of

PROJECT = {"GOOGLE_CLOUD_PROJECT": "demo"}
STRIPE = {**PROJECT, "STRIPE_SECRET_KEY": "sk_test_1"}


class Gateway:
    def create_token_checkout_session(self, **_: object) -> tuple[str, str]:
        return "cs_1", "https://pay.example"

    def receipt_url(self, session_id: str) -> str:
        return f"https://pay.example/receipts/{session_id}"


def create_checkout(ledger: Ledger) -> None:
    environ = {**STRIPE, "APP_BASE_URL": "https://app.example", "STRIPE_TOKEN_POPULAR_PRICE_ID": "price_1"}
    with deployed("create_checkout", environ, parts=(FakeIdentity(), ledger, Gateway())) as function:
        assert function.post({"package": "popular"}, headers=ADA).status_code == 200


def credit_tokens(ledger: Ledger) -> None:
    with deployed("credit_tokens", STRIPE, parts=(ledger, None)) as function:
        assert function.post(push_of(load("completed_paid"))).json == {"success": True, "outcome": "credited"}


def get_balance(ledger: Ledger) -> None:
    with deployed("get_balance", PROJECT, parts=(FakeIdentity(), ledger)) as function:
        assert function.get(headers=ADA).status_code == 200


def list_transactions(ledger: Ledger) -> None:
    with deployed("list_transactions", PROJECT, parts=(FakeIdentity(), ledger)) as function:
        assert len(function.get(headers=ADA).json["transactions"]) == 20  # type: ignore[index]  # werkzeug knows no shape


def get_receipt(ledger: Ledger) -> None:
    with deployed("get_receipt", STRIPE, parts=(FakeIdentity(), ledger, Gateway())) as function:
        assert function.get("?session_id=cs_test_before_3", headers=ADA).status_code == 200


def spend_tokens(ledger: Ledger) -> None:
    ledger.post("ada", NewEntry("spend:ada:1", "spend", -1, {"reason": "test"}))


def reconcile(ledger: Ledger) -> None:
    scenarios.reconcile(ledger)


def test_an_account_that_reconcile_checks_costs_what_the_page_says() -> None:
    reads = []
    for accounts in (1, 11):
        firestore = FakeFirestore()
        ledger = ledger_of(firestore.as_client())
        for number in range(accounts):
            ledger.post(f"user{number}", NewEntry(f"grant:{number}", "grant", 10, {}), create_account=True)
        firestore.forget()
        reconcile(ledger)
        reads.append(firestore.reads)
    assert (reads[1] - reads[0]) / 10 == costs.ACCOUNT.reads


def test_reconcile_without_accounts_costs_what_the_page_says() -> None:
    firestore = FakeFirestore()
    reconcile(ledger_of(firestore.as_client()))
    work = costs.WORK["reconcile"]
    assert (firestore.reads, firestore.writes) == (work.reads, work.writes)


def test_every_price_has_its_source_and_day() -> None:
    assert {one for one in vars(prices).values() if isinstance(one, prices.Price)} == set(prices.ALL)
    for one in prices.ALL:
        assert one.source.startswith("https://cloud.google.com/")
        assert one.day is None or datetime.fromisoformat(one.day)
        assert f"({one.source}) | {one.day or 'not looked up'} |" in costs.PAGE.read_text()


@pytest.mark.parametrize(
    "call", [create_checkout, credit_tokens, get_balance, list_transactions, get_receipt, spend_tokens]
)
def test_firestore_bills_what_the_page_says(call: Callable[[Ledger], None]) -> None:
    firestore = FakeFirestore()
    last_month = datetime.now(UTC) - timedelta(days=30)  # too long ago to count toward the limits
    earlier = ledger_of(firestore.as_client(), clock=lambda: last_month)
    earlier.save_customer("ada", "cus_ada")
    for number in range(25):
        earlier.credit(purchase(f"cs_test_before_{number}", paid_at=int(last_month.timestamp())), NO_LIMITS)
    firestore.forget()
    call(ledger_of(firestore.as_client()))
    work = costs.WORK[call.__name__]
    assert (firestore.reads, firestore.writes) == (work.reads, work.writes)


def test_the_page_has_the_tables_as_computed_now() -> None:
    page = costs.PAGE.read_text()
    assert costs.with_tables(page) == page, "python -m deploy.costs --write"


def test_a_thousand_purchases_bring_what_the_catalog_and_stripes_fee_say() -> None:
    assert sum(costs.MIX.values()) == 100
    all_ = costs.tables()["revenue"][-1]
    assert all_ == "| **all** | 1,000 | $11,990.00 | $646.50 | $11,343.50 |"


def test_what_is_left_of_a_month_is_the_net_without_what_google_charges() -> None:
    amounts = [Decimal(re.findall(r"\$([\d,.]+)", row)[0].replace(",", "")) for row in costs.tables()["profit"][2:]]
    net, purchases, running, left = amounts

    assert net == Decimal("11343.50")
    assert purchases > 0
    assert running == Decimal(f"{sum(costs.standing().values()):.2f}")
    assert left == net - purchases - running


def test_what_remains_after_stripes_fee_is_what_the_team_expects() -> None:
    shares = {package.id: costs.proceeds(package.current.price_cents)[1] for package in load_catalog().packages}
    assert shares == {
        "starter": Decimal("91.2"),
        "popular": Decimal("94.1"),
        "pro": Decimal("95.6"),
        "creator": Decimal("96.5"),
    }
