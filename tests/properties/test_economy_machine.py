"""Any mix of purchases, refunds, disputes, spends and grants ends in what the facts say.

One machine over the real ledger code: on the fake store with many examples, on the official emulator with a few. The
model is Stripe: it knows the truth at every moment and emits events as Stripe does; which of them arrive when, and how
often, is up to hypothesis.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.cloud import firestore
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.domain.catalog import Package
from shared.domain.crediting import Credited, Duplicate
from shared.domain.entry import Entry, EntryType, NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.limits import Limits
from shared.domain.payment_events import fact_of
from shared.domain.purchase import Purchase, assess_session
from shared.runtime.catalog_file import load_catalog
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of

UID = "buyer"
CATALOG = load_catalog("default")
NO_LIMITS = Limits(per_hour=10_000, per_day=10_000)
Event = Mapping[str, Any]


@dataclass
class Payment:
    """The truth about one payment."""

    number: int
    tokens: int
    paid_cents: int
    refunds: dict[str, int] = field(default_factory=dict)
    disputes: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"pi_{self.number}"

    @property
    def refunded_cents(self) -> int:
        return sum(self.refunds.values())

    def left(self) -> int:
        """Return the tokens that the buyer keeps, by DESIGN.md's rule."""
        shares = [self.refunded_cents, *(cents for cents, status in self.disputes.values() if status != "won")]
        return max(0, self.tokens - sum(self.tokens * cents // self.paid_cents for cents in shares))


class Economy(RuleBasedStateMachine):
    make_client: Callable[[], firestore.Client]

    def __init__(self) -> None:
        super().__init__()
        self.ledger = ledger_of(type(self).make_client())
        self.ledger.save_customer(UID, "cus_1")  # the account exists from the first checkout on
        self.clock = 1_760_000_000
        self.payments: list[Payment] = []
        self.undelivered: list[Event] = []
        self.delivered: list[Event] = []
        self.spent = 0
        self.granted = 0
        self.postings = 0

    # --- what happens at Stripe

    @rule(package=st.sampled_from(CATALOG.packages))
    def pay(self, package: Package) -> None:
        payment = Payment(len(self.payments), package.current.tokens, package.current.price_cents)
        self.payments.append(payment)
        session = {
            "id": f"cs_{payment.number}",
            "created": self._tick(),
            "livemode": False,
            "payment_status": "paid",
            "payment_intent": payment.id,
            "customer": "cus_1",
            "currency": "usd",
            "amount_subtotal": payment.paid_cents,
            "amount_total": payment.paid_cents,
            "metadata": {
                "purchase_type": "token_package",
                "firebase_uid": UID,
                "package_id": package.id,
                "tokens": str(payment.tokens),
            },
        }
        self._emit("checkout.session.completed", session)

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        payment = data.draw(st.sampled_from(self.payments))
        refundable = payment.paid_cents - payment.refunded_cents
        if refundable == 0:
            return
        cents = data.draw(st.just(refundable) | st.integers(1, refundable))
        payment.refunds[f"re_{payment.number}_{self.clock}"] = cents
        charge = {
            "id": f"ch_{payment.number}",
            "payment_intent": payment.id,
            "amount_refunded": payment.refunded_cents,
        }
        self._emit("charge.refunded", charge)

    @precondition(lambda self: any(payment.refunds for payment in self.payments))
    @rule(data=st.data(), told_twice=st.booleans())
    def refund_fails(self, data: st.DataObject, *, told_twice: bool) -> None:
        payment = data.draw(st.sampled_from([payment for payment in self.payments if payment.refunds]))
        id_ = data.draw(st.sampled_from(sorted(payment.refunds)))
        refund = {"id": id_, "payment_intent": payment.id, "amount": payment.refunds.pop(id_), "status": "failed"}
        self._emit("refund.failed", refund)
        if told_twice:
            self._emit("refund.updated", refund)

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def dispute(self, data: st.DataObject) -> None:
        payment = data.draw(st.sampled_from(self.payments))
        cents = data.draw(st.just(payment.paid_cents) | st.integers(1, payment.paid_cents))
        id_ = f"dp_{payment.number}_{len(payment.disputes)}"
        payment.disputes[id_] = (cents, "open")
        self._emit("charge.dispute.created", self._dispute(payment, id_, "needs_response"))

    @precondition(lambda self: any(status == "open" for p in self.payments for _, status in p.disputes.values()))
    @rule(data=st.data(), status=st.sampled_from(["won", "lost"]), settled_for_less=st.booleans())
    def dispute_closes(self, data: st.DataObject, status: str, *, settled_for_less: bool) -> None:
        open_ones = [(p, id_) for p in self.payments for id_, (_, state) in p.disputes.items() if state == "open"]
        payment, id_ = data.draw(st.sampled_from(open_ones))
        cents = payment.disputes[id_][0]
        payment.disputes[id_] = (max(1, cents // 2) if settled_for_less else cents, status)
        self._emit("charge.dispute.closed", self._dispute(payment, id_, status))

    # --- what reaches us

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.undelivered) - 1))
        self._receive(self.undelivered.pop(index))

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        before = self._entries()
        self._receive(data.draw(st.sampled_from(self.delivered)))
        assert self._entries() == before

    # --- what the app does

    @rule(amount=st.integers(1, 800), again=st.booleans())
    def spend(self, amount: int, *, again: bool) -> None:
        balance = self.ledger.account(UID).balance
        posting = self._posting("spend", -amount)
        try:
            first = self.ledger.post(UID, posting)
        except NotEnoughTokens:
            assert amount > balance
            return
        assert amount <= balance
        self.spent += amount
        if again:
            self._is_duplicate_of(first, self.ledger.post(UID, posting))

    @rule(amount=st.integers(1, 200))
    def grant(self, amount: int) -> None:
        first = self.ledger.post(UID, self._posting("grant", amount))
        assert isinstance(first, Credited)
        self.granted += amount

    # --- what always holds

    @invariant()
    def the_balance_is_the_sum_of_the_entries(self) -> None:
        account, entries = self.ledger.account(UID), self._entries()
        assert account.balance == sum(entry.amount for entry in entries)
        running = 0
        for entry in entries:
            running += entry.amount
            assert entry.balance_after == running
        assert account.spent == self.spent
        assert account.earned == self.granted

    def teardown(self) -> None:
        while self.undelivered:
            self._receive(self.undelivered.pop())
        self.the_balance_is_the_sum_of_the_entries()
        kept = sum(payment.left() for payment in self.payments)
        assert self.ledger.account(UID).balance == kept + self.granted - self.spent

    # --- how

    def _tick(self) -> int:
        self.clock += 1
        return self.clock

    def _emit(self, type_: str, seen: Mapping[str, Any]) -> None:
        created = self._tick()
        self.undelivered.append({"id": f"evt_{created}", "type": type_, "created": created, "data": {"object": seen}})

    def _dispute(self, payment: Payment, id_: str, status: str) -> dict[str, Any]:
        return {"id": id_, "payment_intent": payment.id, "amount": payment.disputes[id_][0], "status": status}

    def _receive(self, event: Event) -> None:
        self.delivered.append(event)
        told = fact_of(event)
        if told is not None:
            self.ledger.reverse(UID, *told)
            return
        verdict = assess_session(event["data"]["object"], paid_at=event["created"], catalog=CATALOG, livemode=False)
        assert isinstance(verdict, Purchase)
        self.ledger.credit(verdict, NO_LIMITS)

    def _posting(self, type_: EntryType, amount: int) -> NewEntry:
        self.postings += 1
        return NewEntry(f"{type_}:{UID}:{self.postings}", type_, amount, {"reason": "play"})

    def _is_duplicate_of(self, first: Credited | Duplicate, second: Credited | Duplicate) -> None:
        assert isinstance(first, Credited)
        assert isinstance(second, Duplicate)
        assert second.entry is not None
        assert (second.entry.id, second.entry.balance_after) == (first.entry.id, first.entry.balance_after)

    def _entries(self) -> list[Entry]:
        entries: list[Entry] = []
        cursor = None
        while True:
            page = self.ledger.transactions(UID, limit=100, cursor=cursor)
            entries += page.entries
            cursor = page.next_cursor
            if cursor is None:
                return entries[::-1]


def test_any_history_on_the_fake_store_ends_in_what_the_facts_say() -> None:
    class OnTheFake(Economy):
        make_client = staticmethod(lambda: FakeFirestore().as_client())

    run_state_machine_as_test(
        OnTheFake,
        settings=settings(max_examples=150, stateful_step_count=40, deadline=None),
    )


def test_a_few_histories_on_the_emulator_end_in_what_the_facts_say(
    firestore_emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)

    def new_project() -> firestore.Client:
        return firestore.Client(project=f"demo-{uuid.uuid4().hex[:12]}")

    class OnTheEmulator(Economy):
        make_client = staticmethod(new_project)

    run_state_machine_as_test(
        OnTheEmulator,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
