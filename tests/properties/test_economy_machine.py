"""Any mix of purchases, refunds, disputes, spends and grants ends in what the facts say.

One machine over the real ledger code: on the fake store with many examples, on the official emulator with a few. The
model is a toy Stripe: it knows the truth at every moment and emits events as Stripe does; hypothesis chooses which of
them arrive when, how often, and how many at once.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from google.cloud import firestore
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.adapters.firestore.client import Client
from shared.domain.catalog import Package
from shared.domain.crediting import Duplicate
from shared.domain.entry import Entry, EntryType, NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.limits import Limits
from shared.domain.payment_events import fact_of
from shared.domain.posting import Posted
from shared.domain.purchase import Purchase, assess_session
from shared.runtime.catalog_file import load_catalog
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.properties.toy_stripe import ToyStripe

UID = "buyer"
CATALOG = load_catalog("default")
NO_LIMITS = Limits(per_hour=10_000, per_day=10_000)
AT_ONCE = 6
Event = Mapping[str, Any]


@dataclass
class Payment:
    """One payment, and the Stripe that moves its money."""

    number: int
    tokens: int
    stripe: ToyStripe
    emitted: int = 0

    def new_events(self) -> list[Event]:
        """Return what the toy has emitted since the last call, with ids of this payment's own."""
        events = self.stripe.events[self.emitted :]
        self.emitted = len(self.stripe.events)
        text = json.dumps(events)
        for prefix in ("pi_", "ch_", "re_", "dp_", "txn_"):
            text = text.replace(f'"{prefix}', f'"{prefix}{self.number}x')
        renamed: list[Event] = json.loads(text)
        return renamed


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
        self.keys = 0

    # --- what happens at Stripe

    @rule(package=st.sampled_from(CATALOG.packages), seed=st.integers(0, 2**32))
    def pay(self, package: Package, seed: int) -> None:
        terms, number = package.current, len(self.payments)
        self.payments.append(Payment(number, terms.tokens, ToyStripe(Random(seed), paid=terms.price_cents, tax=0)))
        self.clock += 1
        session = {
            "id": f"cs_{number}",
            "created": self.clock,
            "livemode": False,
            "payment_status": "paid",
            "payment_intent": f"pi_{number}x1",
            "customer": "cus_1",
            "currency": "usd",
            "amount_subtotal": terms.price_cents,
            "amount_total": terms.price_cents,
            "metadata": {
                "purchase_type": "token_package",
                "firebase_uid": UID,
                "package_id": package.id,
                "tokens": str(terms.tokens),
            },
        }
        self.undelivered.append({"type": "checkout.session.completed", "data": {"object": session}})

    @precondition(lambda self: self.payments)
    @rule(data=st.data(), steps=st.integers(1, 4))
    def money_moves(self, data: st.DataObject, steps: int) -> None:
        payment = data.draw(st.sampled_from(self.payments))
        payment.stripe.live(steps)
        self.undelivered += payment.new_events()

    # --- what reaches us

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.undelivered) - 1))
        self._receive(self.undelivered.pop(index))

    @precondition(lambda self: len(self.undelivered) >= AT_ONCE)
    @rule(twice=st.booleans())
    def deliver_several_at_once(self, *, twice: bool) -> None:
        events = [self.undelivered.pop() for _ in range(AT_ONCE)]
        self._receive_at_once(events * 2 if twice else events)

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
        new = self._new_entry("spend", -amount)
        try:
            first = self.ledger.post(UID, new)
        except NotEnoughTokens:
            assert amount > balance
            return
        assert amount <= balance
        self.spent += amount
        if again:
            assert isinstance(first, Posted)
            assert self.ledger.post(UID, new) == Duplicate(first.entry)

    @rule(amount=st.integers(1, 200))
    def spend_several_at_once(self, amount: int) -> None:
        """Each twice, with the same key: never more is spent than there is, and each key counts once."""
        balance = max(0, self.ledger.account(UID).balance)
        spends = [self._new_entry("spend", -amount) for _ in range(AT_ONCE)]

        def attempt(new: NewEntry) -> str | None:
            try:
                return self.ledger.post(UID, new).entry.id
            except NotEnoughTokens:
                return None

        with ThreadPoolExecutor(2 * AT_ONCE) as pool:
            made = set(filter(None, pool.map(attempt, spends * 2)))
        assert len(made) == min(AT_ONCE, balance // amount)
        self.spent += amount * len(made)

    @rule(amount=st.integers(1, 200))
    def grant(self, amount: int) -> None:
        assert isinstance(self.ledger.post(UID, self._new_entry("grant", amount)), Posted)
        self.granted += amount

    # --- what always holds

    @invariant()
    def the_balance_is_the_sum_of_the_entries(self) -> None:
        account, entries = self.ledger.account(UID), self._entries()
        assert account.balance == sum(entry.amount for entry in entries) == self.ledger.owner_view(UID).balance
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
        kept = sum(payment.tokens - payment.stripe.tokens_gone(payment.tokens) for payment in self.payments)
        assert self.ledger.account(UID).balance == kept + self.granted - self.spent

    # --- how

    def _receive(self, event: Event) -> None:
        self.delivered.append(event)
        fact = fact_of(event)
        if fact is not None:
            self.ledger.reverse(UID, *fact)
            return
        session = event["data"]["object"]
        at = session["created"]
        purchase = assess_session(session, paid_at=at, now=at, catalog=CATALOG, livemode=False)
        assert isinstance(purchase, Purchase)
        self.ledger.credit(purchase, NO_LIMITS)

    def _receive_at_once(self, events: Sequence[Event]) -> None:
        with ThreadPoolExecutor(len(events)) as pool:
            list(pool.map(self._receive, events))

    def _new_entry(self, type_: EntryType, amount: int) -> NewEntry:
        self.keys += 1
        return NewEntry(f"{type_}:{UID}:{self.keys}", type_, amount, {"reason": "play"})

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
        settings=settings(max_examples=100, stateful_step_count=40, deadline=None),
    )


def test_a_few_histories_on_the_emulator_end_in_what_the_facts_say(
    firestore_emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)

    def new_project() -> firestore.Client:
        return Client(project=f"demo-{uuid.uuid4().hex[:12]}")

    class OnTheEmulator(Economy):
        make_client = staticmethod(new_project)

    run_state_machine_as_test(
        OnTheEmulator,
        settings=settings(
            max_examples=6,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
