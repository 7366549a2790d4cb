"""What reconciliation and subscriptions ask of the ledger, over the in-memory fake and over the official emulator."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

import pytest
from google.cloud import firestore

from shared.adapters.firestore.audit import LedgerAudit
from shared.adapters.firestore.ledger import Ledger
from shared.domain.account import Account
from shared.domain.entry import NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.posting import Posted
from shared.domain.reconciliation import BalanceCheck, Report
from shared.domain.subscription import Subscription
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
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
def ledger(client: firestore.Client) -> Ledger:
    return ledger_of(client)


@pytest.fixture
def audit(ledger: Ledger) -> LedgerAudit:
    return LedgerAudit(ledger.store)


def grant(ledger: Ledger, uid: str, amount: int) -> None:
    ledger.post(uid, NewEntry(f"grant:{uid}", "grant", amount, {"reason": "test"}), create_account=True)


def spread(client: firestore.Client, count: int, call: Callable[[Ledger, int], Outcome]) -> list[Outcome]:
    """Call with 0, 1, … at once, from several instances: the threads of one share a queue per account."""
    instances = [ledger_of(client) for _ in range(_INSTANCES)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: call(instances[number % _INSTANCES], number), range(count)))


def balance_of(ledger: Ledger, uid: str) -> BalanceCheck | None:
    return LedgerAudit(ledger.store).check_balance(uid)


# --- spending, from several instances


def test_of_a_hundred_spends_at_once_as_many_succeed_as_there_are_tokens_for(client: firestore.Client) -> None:
    grant(ledger_of(client), "ada", 500)

    def spend(ledger: Ledger, number: int) -> bool:
        try:
            ledger.post("ada", NewEntry(f"spend:ada:{number}", "spend", -10, {"reason": "render"}))
        except NotEnoughTokens:
            return False
        return True

    assert spread(client, 100, spend).count(True) == 50
    assert balance_of(ledger_of(client), "ada") == BalanceCheck(0, 0, 0)
    assert ledger_of(client).account("ada").spent == 500


def test_one_spend_fifty_times_at_once_is_made_once(client: firestore.Client) -> None:
    grant(ledger_of(client), "ada", 500)
    spend = NewEntry("spend:ada:job", "spend", -10, {"reason": "render"})

    outcomes = spread(client, 50, lambda ledger, _: ledger.post("ada", spend))

    assert [type(outcome) for outcome in outcomes].count(Posted) == 1
    assert all(outcome.entry == ledger_of(client).entry("spend:ada:job") for outcome in outcomes)
    assert balance_of(ledger_of(client), "ada") == BalanceCheck(490, 490, 490)


# --- checks


def test_a_check_sums_the_users_own_entries(ledger: Ledger) -> None:
    ledger.credit(purchase(), NO_LIMITS)
    ledger.post("ada", NewEntry("spend:ada:1", "spend", -30, {"reason": "render"}))
    grant(ledger, "bob", 7)

    assert (balance_of(ledger, "ada"), balance_of(ledger, "bob")) == (BalanceCheck(80, 80, 80), BalanceCheck(7, 7, 7))
    assert balance_of(ledger, "nobody") == BalanceCheck(0, 0, 0)


def test_a_check_finds_a_balance_that_was_written_by_hand(client: firestore.Client, ledger: Ledger) -> None:
    ledger.credit(purchase(), NO_LIMITS)
    batch = client.batch()
    batch.update(client.document("accounts/ada"), {"balance": 111})
    batch.commit()

    check = balance_of(ledger, "ada")

    assert check == BalanceCheck(111, 110, 110)
    assert check.drifted


def test_a_check_finds_a_view_that_was_written_by_hand(client: firestore.Client, ledger: Ledger) -> None:
    """Pages and the API read it: an owner must not see tokens that the ledger lacks."""
    ledger.credit(purchase(), NO_LIMITS)
    batch = client.batch()
    batch.update(client.document("users/ada"), {"tokenBalance": 1_000_110})
    batch.commit()

    check = balance_of(ledger, "ada")

    assert check == BalanceCheck(110, 110, 1_000_110)
    assert check.drifted


def test_checks_beside_credits_never_find_drift(client: firestore.Client) -> None:
    ledger_of(client).credit(purchase(), NO_LIMITS)

    def credit_or_check(ledger: Ledger, number: int) -> object:
        return balance_of(ledger, "ada") if number % 2 else ledger.credit(purchase(), NO_LIMITS)

    checks = [found for found in spread(client, 40, credit_or_check) if isinstance(found, BalanceCheck)]

    assert [check for check in checks if check.drifted] == []
    assert balance_of(ledger_of(client), "ada") == BalanceCheck(21 * 110, 21 * 110, 21 * 110)


def test_accounts_come_in_the_order_of_their_uids_after_a_given_one(ledger: Ledger, audit: LedgerAudit) -> None:
    for uid in ("b", "a", "é", "Z", "d"):
        grant(ledger, uid, 1)

    assert audit.uids_after(None, 3) == ["Z", "a", "b"]
    assert audit.uids_after("b", 3) == ["d", "é"]
    assert audit.uids_after("c", 1) == ["d"]
    assert audit.uids_after(None, 0) == []


def test_a_days_purchases_come_in_pages(client: firestore.Client, audit: LedgerAudit) -> None:
    ledger = ledger_of(client, clock=lambda: now)
    for now in (datetime(2026, 11, 20, 23, 59, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)):
        for number in range(3):
            ledger.credit(purchase(f"cs_{now.day}_{number}", uid=f"user {number}"), NO_LIMITS)
        grant(ledger, "user 0", 5)

    first = audit.purchases_on("2026-11-21", after=None, limit=2)
    rest = audit.purchases_on("2026-11-21", after=first[-1].id, limit=2)

    assert [entry.id for entry in (*first, *rest)] == [f"purchase:cs_21_{number}" for number in range(3)]
    assert first[1].uid == "user 1"
    assert audit.purchases_on("2026-11-22", after=None, limit=2) == []


def test_a_session_is_known_once_it_is_credited_or_held(ledger: Ledger, audit: LedgerAudit) -> None:
    ledger.credit(purchase("cs_1"), NO_LIMITS)
    ledger.hold(invalid("cs_2"))
    ledger.hold(invalid("cs_3", uid=None))
    ledger.set_open_purchase("ada", "cs_4", "waiting")

    assert [audit.knows_session(f"cs_{number}") for number in range(1, 6)] == [True, True, True, False, False]


# --- reports


def test_the_report_saved_last_is_found_whatever_its_day(audit: LedgerAudit) -> None:
    assert audit.last_report() is None
    early = Report(NOW, 3, "bob", "evt_1", events_done=True, events=5).saved(NOW, done=False)
    late = Report(
        NOW,
        3,
        events=2,
        drifted=("ada",),
        last_purchase="2026-11-21/purchase:cs_1",
        purchases_done=True,
        purchases_checked=4,
        unknown_purchases=("cs_2",),
    ).saved(NOW + timedelta(hours=13), done=True)

    audit.add_report("2026-11-22", late)
    audit.add_report("2026-11-21", early)

    assert audit.last_report() == late


def test_reports_of_calls_at_once_all_count(client: firestore.Client, audit: LedgerAudit) -> None:
    def add(ledger: Ledger, number: int) -> None:
        report = Report(NOW, 3, events=1, users_checked=2, drifted=(f"user {number % 3}",))
        LedgerAudit(ledger.store).add_report("2026-11-21", report.saved(NOW, done=True))

    spread(client, 12, add)

    report = audit.last_report()
    assert report is not None
    assert (report.events, report.users_checked, sorted(report.drifted)) == (12, 24, ["user 0", "user 1", "user 2"])


# --- subscriptions


def active(cancel_at_period_end: bool = False) -> Subscription:
    return Subscription("sub_1", "active", "price_1", NOW, cancel_at_period_end)


def test_a_user_is_found_by_the_stripe_customer_and_by_the_subscription(ledger: Ledger) -> None:
    ledger.save_customer("ada", "cus_ada")
    ledger.save_subscription("bob", lambda _: active())

    assert (ledger.uid_of_customer("cus_ada"), ledger.uid_of_customer("cus_bob")) == ("ada", None)
    assert (ledger.uid_of_subscription("sub_1"), ledger.uid_of_subscription("sub_2")) == ("bob", None)


def test_an_answer_that_was_overtaken_is_asked_for_again(client: firestore.Client, ledger: Ledger) -> None:
    """Stripe goes from A to B and back; B was asked for first, and A saved meanwhile though nothing of it is new."""
    ledger.save_subscription("ada", lambda _: active())
    answers: list[Subscription] = []

    def ask_slowly(_: Account) -> Subscription:
        if answers:
            answers.append(active())
        else:
            answers.append(active(cancel_at_period_end=True))
            ledger_of(client).save_subscription("ada", lambda _: active())
        return answers[-1]

    assert ledger.save_subscription("ada", ask_slowly) == active()
    assert len(answers) == 2
    found = client.document("users/ada").get().to_dict()
    assert found is not None
    assert found["subscription"]["cancelAtPeriodEnd"] is False
