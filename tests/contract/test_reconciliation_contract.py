"""What reconciliation and subscriptions ask of the ledger, over the in-memory fake and over the official emulator."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

import pytest
from google.cloud import firestore

from shared.adapters.firestore.audit import LedgerAudit
from shared.domain.crediting import Credited
from shared.domain.entry import NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.reconciliation import Audit, Report
from shared.domain.subscription import Subscription
from tests.fakes.firestore import FakeFirestore
from tests.purchases import NO_LIMITS, invalid, purchase

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_INSTANCES = 4

Outcome = TypeVar("Outcome")


@pytest.fixture(params=["fake", "emulator"])
def client(request: pytest.FixtureRequest) -> firestore.Client:
    if request.param == "fake":
        return FakeFirestore().as_client()
    return cast("firestore.Client", request.getfixturevalue("firestore_client"))


@pytest.fixture
def ledger(client: firestore.Client) -> AuditedLedger:
    return LedgerAudit(client)


def grant(ledger: AuditedLedger, uid: str, amount: int) -> None:
    ledger.post(uid, NewEntry(f"grant:{uid}", "grant", amount, {"reason": "test"}), create_account=True)


def spread(client: firestore.Client, count: int, call: Callable[[AuditedLedger, int], Outcome]) -> list[Outcome]:
    """Call with 0, 1, … at once, from several instances: the threads of one queue for an account."""
    instances = [LedgerAudit(client) for _ in range(_INSTANCES)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: call(instances[number % _INSTANCES], number), range(count)))


# --- spending, from several instances


def test_of_a_hundred_spends_at_once_as_many_succeed_as_there_are_tokens_for(client: firestore.Client) -> None:
    grant(LedgerAudit(client), "ada", 500)

    def spend(ledger: AuditedLedger, number: int) -> bool:
        try:
            ledger.post("ada", NewEntry(f"spend:ada:{number}", "spend", -10, {"reason": "render"}))
        except NotEnoughTokens:
            return False
        return True

    assert spread(client, 100, spend).count(True) == 50
    assert LedgerAudit(client).audit("ada") == Audit(0, 0)
    assert LedgerAudit(client).account("ada").spent == 500


def test_one_spend_fifty_times_at_once_is_made_once(client: firestore.Client) -> None:
    grant(LedgerAudit(client), "ada", 500)
    posting = NewEntry("spend:ada:job", "spend", -10, {"reason": "render"})

    outcomes = spread(client, 50, lambda ledger, _: ledger.post("ada", posting))

    assert [type(outcome) for outcome in outcomes].count(Credited) == 1
    assert all(outcome.entry == LedgerAudit(client).entry("spend:ada:job") for outcome in outcomes)
    assert LedgerAudit(client).audit("ada") == Audit(490, 490)


# --- audits


def test_an_audit_sums_the_users_own_entries(ledger: AuditedLedger) -> None:
    ledger.credit(purchase(), NO_LIMITS)
    ledger.post("ada", NewEntry("spend:ada:1", "spend", -30, {"reason": "render"}))
    grant(ledger, "bob", 7)

    assert (ledger.audit("ada"), ledger.audit("bob")) == (Audit(80, 80), Audit(7, 7))
    assert ledger.audit("nobody") == Audit(0, 0)


def test_an_audit_sees_a_balance_that_was_written_by_hand(client: firestore.Client, ledger: AuditedLedger) -> None:
    ledger.credit(purchase(), NO_LIMITS)
    batch = client.batch()
    batch.update(client.document("users/ada"), {"tokenBalance": 111})
    batch.commit()

    audit = ledger.audit("ada")

    assert audit == Audit(111, 110)
    assert audit.drifted


def test_audits_beside_credits_never_see_drift(client: firestore.Client) -> None:
    LedgerAudit(client).credit(purchase(), NO_LIMITS)

    def credit_or_audit(ledger: AuditedLedger, number: int) -> object:
        return ledger.audit("ada") if number % 2 else ledger.credit(purchase(), NO_LIMITS)

    audits = [seen for seen in spread(client, 40, credit_or_audit) if isinstance(seen, Audit)]

    assert [audit for audit in audits if audit.drifted] == []
    assert LedgerAudit(client).audit("ada") == Audit(21 * 110, 21 * 110)


def test_users_come_in_the_order_of_their_ids_behind_a_given_one(ledger: AuditedLedger) -> None:
    for uid in ("b", "a", "é", "Z", "d"):
        grant(ledger, uid, 1)

    assert ledger.users_after(None, 3) == ["Z", "a", "b"]
    assert ledger.users_after("b", 3) == ["d", "é"]
    assert ledger.users_after("c", 1) == ["d"]
    assert ledger.users_after(None, 0) == []


def test_a_session_is_known_once_it_is_credited_or_held(ledger: AuditedLedger) -> None:
    ledger.credit(purchase("cs_1"), NO_LIMITS)
    ledger.hold(invalid("cs_2"))
    ledger.hold(invalid("cs_3", uid=None))
    ledger.set_open_purchase("ada", "cs_4", "waiting")

    assert [ledger.knows_session(f"cs_{number}") for number in range(1, 6)] == [True, True, True, False, False]


# --- reports


def test_the_report_saved_last_is_found_whatever_its_day(ledger: AuditedLedger) -> None:
    assert ledger.last_report() is None
    early = Report(NOW, 3, "bob", "evt_1", events_done=True, events=5).saved(NOW, done=False)
    late = Report(NOW, 3, events=2, drifted=("ada",)).saved(NOW + timedelta(hours=13), done=True)

    ledger.add_report("2026-11-22", late)
    ledger.add_report("2026-11-21", early)

    assert ledger.last_report() == late


def test_reports_of_calls_at_once_all_count(client: firestore.Client) -> None:
    def add(ledger: AuditedLedger, number: int) -> None:
        report = Report(NOW, 3, events=1, users_checked=2, drifted=(f"user {number % 3}",))
        ledger.add_report("2026-11-21", report.saved(NOW, done=True))

    spread(client, 12, add)

    report = LedgerAudit(client).last_report()
    assert report is not None
    assert (report.events, report.users_checked, sorted(report.drifted)) == (12, 24, ["user 0", "user 1", "user 2"])


# --- subscriptions


def active(cancel_at_period_end: bool = False) -> Subscription:
    return Subscription("sub_1", "active", "price_1", NOW, cancel_at_period_end)


def test_a_user_is_found_by_the_stripe_customer(ledger: AuditedLedger) -> None:
    ledger.save_customer("ada", "cus_ada")

    assert ledger.uid_of_customer("cus_ada") == "ada"
    assert ledger.uid_of_customer("cus_bob") is None


def test_an_answer_that_was_overtaken_is_asked_for_again(client: firestore.Client, ledger: AuditedLedger) -> None:
    """Stripe goes from A to B and back; B was asked for first, and A kept meanwhile though nothing of it is new."""
    ledger.save_subscription("ada", active)
    asked: list[Subscription] = []

    def dawdle() -> Subscription:
        if asked:
            asked.append(active())
        else:
            asked.append(active(cancel_at_period_end=True))
            LedgerAudit(client).save_subscription("ada", active)
        return asked[-1]

    assert ledger.save_subscription("ada", dawdle) == active()
    assert len(asked) == 2
    found = client.document("users/ada").get().to_dict()
    assert found is not None
    assert found["subscription"]["cancelAtPeriodEnd"] is False
