"""Refunds and disputes of one payment: the end is the same in any order, and it is the one that a toy Stripe says.

HISTORIES and SEED choose how many random histories are checked and which; a failure names its history.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Alert
from shared.domain.entry import NewEntry
from shared.domain.payment_alerts import alerts_of
from shared.domain.payment_events import fact_of
from shared.domain.payment_facts import (
    BalanceTransaction,
    DisputeState,
    Fact,
    PaymentFacts,
    PresumedDispute,
    RefundedTotal,
    RefundFailed,
    RefundMade,
    Sale,
)
from shared.domain.payment_facts_fields import facts_as_fields, facts_from_fields
from shared.domain.reversal_entries import entries_at_purchase, entry_for
from tests.properties.toy_stripe import PAYMENT, Json, ToyStripe

HISTORIES = int(os.environ.get("HISTORIES", "1500"))
SEED = os.environ.get("SEED", "1")
SALES = [(110, 999, 0), (110, 1082, 83), (50, 499, 0), (700, 4999, 0), (3, 100, 19)]  # tokens, cents, of these tax
NO_DETAILS: Json = {}


@dataclass
class Buyer:
    """The buyer's side of a ledger, as far as one payment concerns it."""

    sale: Sale
    known: PaymentFacts = field(default_factory=PaymentFacts)
    entries: list[NewEntry] = field(default_factory=list)
    owns: int = 0
    credited: bool = False

    def buy(self) -> None:
        self.credited, self.owns = True, self.sale.tokens
        for entry in entries_at_purchase(self.known, self.sale, NO_DETAILS):
            self._enter(entry)

    def hear(self, event: Json) -> None:
        heard = fact_of(event)
        assert heard is not None
        assert heard[0] == PAYMENT
        taken = self.sale.tokens - self.owns
        entry = entry_for(heard[1], self.known, self.sale, NO_DETAILS, taken=taken) if self.credited else None
        self.known = self.known.learn(heard[1])
        if entry is not None:
            self._enter(entry)

    @property
    def alerts(self) -> list[Alert]:
        return alerts_of("ada", PAYMENT, self.known)

    def _enter(self, entry: NewEntry) -> None:
        assert entry.id not in {made.id for made in self.entries}, f"{entry.id} is made twice"
        self.entries.append(entry)
        self.owns += entry.amount
        assert 0 <= self.owns <= self.sale.tokens


def sale_of(tokens: int, paid: int, tax: int) -> Sale:
    return Sale(tokens, paid, tax, "usd")


def after(sale: Sale, events: Sequence[Json], *, bought_after: int = 0) -> Buyer:
    """Let a ledger hear of the events, and of the purchase after so many of them."""
    buyer = Buyer(sale)
    for number, event in enumerate(events):
        if number == bought_after:
            buyer.buy()
        buyer.hear(event)
    if bought_after >= len(events):
        buyer.buy()
    return buyer


def history(name: str, *, steps: int) -> tuple[ToyStripe, Sale]:
    random = Random(name)
    tokens, paid, tax = random.choice(SALES)
    stripe = ToyStripe(random, paid=paid, tax=tax)
    stripe.live(random.randint(1, steps))
    return stripe, sale_of(tokens, paid, tax)


def test_random_histories_end_as_a_toy_stripe_says() -> None:
    for number in range(HISTORIES):
        name = f"{SEED}:{number}"
        stripe, sale = history(name, steps=9)
        right = sale.tokens - stripe.tokens_gone(sale.tokens)
        in_order = after(sale, stripe.events)
        assert in_order.owns == right, f"history {name} in Stripe's order: {stripe.events}"

        shuffled = stripe.events + stripe.random.choices(stripe.events, k=3) if stripe.events else []
        stripe.random.shuffle(shuffled)
        mixed = after(sale, shuffled, bought_after=stripe.random.randint(0, len(shuffled)))
        assert mixed.owns == right, f"history {name}, shuffled: {shuffled}"
        assert mixed.alerts == in_order.alerts, f"history {name}, shuffled: {shuffled}"

        heard = shuffled_with_losses(stripe)
        assert after(sale, heard).owns == right, f"history {name}, with losses: {heard}"


def shuffled_with_losses(stripe: ToyStripe) -> list[Json]:
    """Lose events for good, at random; not the newest of an object, nor those that say who got a dispute's money."""
    newest = {event["data"]["object"]["id"]: number for number, event in enumerate(stripe.events)}
    heard = [
        event
        for number, event in enumerate(stripe.events)
        if number in newest.values()
        or event["type"] in ("charge.dispute.closed", "charge.dispute.funds_reinstated")
        or stripe.random.random() < 0.5
    ]
    stripe.random.shuffle(heard)
    return heard


def test_every_order_of_a_short_history_ends_the_same() -> None:
    checked = 0
    for number in range(80):
        stripe, sale = history(f"short {number}", steps=4)
        if not 2 <= len(stripe.events) <= 5:
            continue
        checked += 1
        in_order = after(sale, stripe.events)
        for events in permutations(stripe.events):
            for bought_after in (0, len(events) // 2, len(events)):
                buyer = after(sale, events, bought_after=bought_after)
                assert buyer.owns == in_order.owns
                assert buyer.known == in_order.known
                assert buyer.alerts == in_order.alerts
    assert checked >= 20


def test_every_kind_of_history_is_among_the_random_ones() -> None:
    """The agreement above says nothing about what the toy never does."""
    seen: set[str] = set()
    for number in range(1500):
        stripe, sale = history(f"1:{number}", steps=9)
        seen |= {event["type"] for event in stripe.events}
        seen |= {event["data"]["object"].get("status", "") for event in stripe.events}
        for dispute in stripe.disputes:
            seen |= {f"{len(dispute.moves)} moves", f"{dispute.case_type} in {dispute.currency}"}
            seen |= {"in part"} if 0 < dispute.with_cardholder < 1 else set()
        if stripe.tokens_gone(sale.tokens) == sale.tokens and stripe.disputes and stripe.refunds:
            seen.add("all gone, by refund and dispute")
        seen |= (
            {f"tax refunded, {stripe.lowers_total_on_failure}"}
            if stripe.tax in [refund.amount for refund in stripe.refunds]
            else set()
        )

    assert seen >= {
        *("charge.refunded", "refund.created", "refund.updated", "refund.failed"),
        *(f"charge.dispute.{what}" for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")),
        *("pending", "requires_action", "succeeded", "failed", "canceled"),
        *("warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review"),
        *("appeal_needs_response", "appeal_under_review", "won", "lost", "prevented"),
        *("0 moves", "1 moves", "2 moves", "3 moves", "4 moves", "block in usd", "resolution in gbp", "in part"),
        *("all gone, by refund and dispute", "tax refunded, True", "tax refunded, False"),
    }


# --- what is known is a set

ids = st.sampled_from(["a", "b"])
cents = st.integers(0, 1200)
moves = st.builds(BalanceTransaction, ids, st.integers(-1200, 1200), st.sampled_from(["usd", "eur"]))
statuses = st.sampled_from(["warning_needs_response", "warning_closed", "needs_response", "won", "lost", "prevented"])
facts = (
    st.builds(RefundedTotal, ids, cents)
    | st.builds(RefundMade, ids, cents)
    | st.builds(RefundFailed, ids, cents, st.sampled_from(["failed", "canceled"]))
    | st.builds(
        DisputeState,
        ids,
        cents,
        st.sampled_from(["usd", "gbp"]),
        statuses,
        st.none() | st.just("chargeback"),
        st.frozensets(moves, max_size=4),
    )
    | st.builds(PresumedDispute, ids, cents)
)
sales = st.sampled_from([sale_of(*terms) for terms in SALES])


def learned(facts_: Iterable[Fact]) -> PaymentFacts:
    known = PaymentFacts()
    for fact in facts_:
        known = known.learn(fact)
    return known


@given(st.lists(facts, max_size=8), facts, st.randoms(use_true_random=False), sales)
def test_learning_is_idempotent_commutative_and_associative(
    some: list[Fact], one: Fact, random: Random, sale: Sale
) -> None:
    known = learned([*some, one])
    shuffled = [*some, one, *some]
    random.shuffle(shuffled)

    assert known.learn(one) is known
    assert learned(shuffled) == known
    assert learned(shuffled).taken(sale) == known.taken(sale)
    assert alerts_of("ada", PAYMENT, learned(shuffled)) == alerts_of("ada", PAYMENT, known)


@given(st.lists(facts, max_size=8), sales, st.integers(0, 8))
def test_any_facts_even_impossible_ones_make_entries_that_add_up_under_ids_of_their_own(
    some: list[Fact], sale: Sale, bought_after: int
) -> None:
    early = learned(some[:bought_after])
    entries = list(entries_at_purchase(early, sale, NO_DETAILS))
    known = early
    for fact in some[bought_after:]:
        entry = entry_for(fact, known, sale, NO_DETAILS, taken=-sum(entry.amount for entry in entries))
        known = known.learn(fact)
        entries += [entry] if entry else []

    assert -sum(entry.amount for entry in entries) == known.taken(sale)
    assert 0 <= known.taken(sale) <= sale.tokens
    assert len({entry.id for entry in entries}) == len(entries)


@given(st.lists(facts, max_size=8))
def test_facts_are_stored_and_read_back(some: list[Fact]) -> None:
    known = learned(some)

    assert facts_from_fields(facts_as_fields(known)) == known
    assert facts_as_fields(learned(reversed(some))) == facts_as_fields(known)


@given(
    st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=5),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_refunded_cents_never_exceed_the_truth_and_reach_it(
    refunds: list[tuple[int, bool]], lowers: bool, random: Random
) -> None:
    """Each refund is made and may fail before the next; Stripe may take failures out of amount_refunded, or not."""
    said: list[Fact] = []
    total = 0
    for number, (amount, fails) in enumerate(refunds):
        total += amount
        said += [RefundMade(f"re_{number}", amount), RefundedTotal("ch_1", total)]
        if fails:
            said.append(RefundFailed(f"re_{number}", amount, "failed"))
            total -= amount if lowers else 0
    truth = sum(amount for amount, fails in refunds if not fails)
    failures = [fact for fact in said if isinstance(fact, RefundFailed)]
    some = [fact for fact in said if random.random() < 0.5]

    assert learned(said).refunded_cents == truth
    assert learned([*failures, *some]).refunded_cents <= truth
    if not failures:
        assert learned(fact for fact in said if isinstance(fact, RefundedTotal)).refunded_cents == truth


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_a_purchase_that_comes_late_takes_everything_back_in_one_step_per_reason(at_once: int) -> None:
    """Nothing is taken and given back again only because the purchase was late: each fact's last word counts."""
    won = [BalanceTransaction("txn_1", -999, "usd"), BalanceTransaction("txn_2", 999, "usd")]
    facts_: list[Fact] = [
        DisputeState("dp_1", 999, "usd", "needs_response", "chargeback", frozenset(won[:1])),
        DisputeState("dp_1", 999, "usd", "won", "chargeback", frozenset(won)),
        *[RefundMade(f"re_{number}", 100) for number in range(at_once)],
        RefundFailed("re_0", 100, "failed"),
        RefundedTotal("ch_1", 100 * at_once),
    ]

    entries = list(entries_at_purchase(learned(facts_), sale_of(110, 999, 0), NO_DETAILS))

    assert [entry.id for entry in entries] == [f"refund:re_{number}" for number in range(1, at_once)]
