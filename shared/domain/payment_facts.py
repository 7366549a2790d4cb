"""What is known of the refunds and disputes of one payment, and what it takes of the tokens bought. Pure.

A payment's facts are a set that only grows. Each is something Stripe said of an object by its own id; none has a clock.
Everything else is derived from the whole set, so neither order nor repetition of the events can matter:

    taken = min(tokens, tokens * (refunded + disputed) / paid)      rounded down once

Money is in integer cents of the purchase's currency, unless a currency is named beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from shared.domain.errors import MalformedMessage

# Far above what a payment meets in real life: each refund makes at most three facts, each dispute one per change.
# A fact takes about 100 bytes in Firestore, a dispute's 300: no payments/{id} exceeds 100 KB.
FACTS_MAX = 300


@dataclass(frozen=True, slots=True)
class RefundedTotal:
    """`cents` of a charge had been refunded in all: its `amount_refunded`.

    Stripe does not document whether a refund that fails lowers it again: `PaymentFacts.refunded_cents` is right if
    it does and if it does not.
    Source: https://docs.stripe.com/api/charges/object#charge_object-amount_refunded
    """

    charge_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class RefundMade:
    """A refund exists. It counts at once: pending and requires_action may take days, and the money is promised."""

    refund_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """A refund did not reach the buyer; `status` is failed or canceled, and both are final.

    Source: https://docs.stripe.com/refunds#failed-refunds
    """

    refund_id: str
    cents: int
    status: str


@dataclass(frozen=True, slots=True, order=True)
class BalanceTransaction:
    """Money that a dispute moved: `cents` are negative when Stripe withdrew them from the shop, without its fee.

    The currency is the one the shop is settled in, which need not be the dispute's.
    Source: https://docs.stripe.com/api/disputes/object#dispute_object-balance_transactions
    """

    id: str
    cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class DisputeState:
    """A dispute as one event showed it: its amount in its own currency, and all the money it had moved by then."""

    dispute_id: str
    cents: int
    currency: str
    status: str
    case_type: str | None
    transactions: frozenset[BalanceTransaction]


@dataclass(frozen=True, slots=True)
class PresumedDispute:
    """A dispute that version 0.1 counted as taking `cents`: it did not keep which money had moved."""

    dispute_id: str
    cents: int


Fact = RefundedTotal | RefundMade | RefundFailed | DisputeState | PresumedDispute


@dataclass(frozen=True, slots=True)
class Sale:
    """What a payment bought: `paid_cents` in all, of which `tax_cents` were tax."""

    tokens: int
    paid_cents: int
    tax_cents: int
    currency: str


@dataclass(frozen=True)
class Dispute:
    """What is known of one dispute: every state of it that was shown, in no order."""

    id: str
    states: frozenset[DisputeState]
    presumed_cents: int = 0

    @cached_property
    def transactions(self) -> Mapping[str, BalanceTransaction]:
        """All the money it has moved, by id."""
        return {one.id: one for one in sorted({one for state in self.states for one in state.transactions})}

    @cached_property
    def newest(self) -> frozenset[DisputeState]:
        """The states that showed the most money moved: a dispute only ever adds balance transactions."""
        most = max((len(state.transactions) for state in self.states), default=0)
        return frozenset(state for state in self.states if len(state.transactions) == most)

    @property
    def statuses(self) -> frozenset[str]:
        """Every status it was seen in."""
        return frozenset(state.status for state in self.states)

    @property
    def amount(self) -> tuple[int, str]:
        """How much is disputed, and in which currency; without any state, what version 0.1 presumed in no currency."""
        return max(((state.cents, state.currency) for state in self.newest), default=(self.presumed_cents, ""))

    @property
    def withdrawn_cents(self) -> int:
        """All that Stripe withdrew, in the settlement currency."""
        return -sum(one.cents for one in self.transactions.values() if one.cents < 0)

    @property
    def reinstated_cents(self) -> int:
        """All that Stripe put back, in the settlement currency."""
        return sum(one.cents for one in self.transactions.values() if one.cents > 0)

    @property
    def is_presumed(self) -> bool:
        """Whether only version 0.1 says that it took money: no event has shown any, or that it ended without."""
        harmless = {"won", "warning_closed", "prevented"}
        return self.presumed_cents > 0 and not self.transactions and not self.statuses & harmless

    @property
    def share(self) -> Fraction:
        """Which part of the disputed amount is with the cardholder now, from 0 to 1.

        Whatever the dispute is called: an inquiry moved nothing, and an appeal may move the money more than once.
        """
        if self.is_presumed:
            return Fraction(1)
        moves = self._moves_since_won if self._is_converted else list(self.transactions.values())
        withdrawals = [-one.cents for one in moves if one.cents < 0]
        if not withdrawals:
            return Fraction(0)
        if self._is_converted and 2 * len(withdrawals) > len(moves):
            return Fraction(1)  # the last word was a withdrawal, whatever the rates made of it
        outstanding = max(0, -sum(one.cents for one in moves))
        return min(Fraction(1), Fraction(outstanding, max(withdrawals)))

    @property
    def _is_converted(self) -> bool:
        """Whether its money moved in another currency: at each day's own rate, so it does not add up to zero.

        Source: https://docs.stripe.com/currencies/disputes-refunds
        """
        return any(one.currency != self.amount[1] for one in self.transactions.values())

    @property
    def _moves_since_won(self) -> list[BalanceTransaction]:
        """The money moved since everything was returned, which the status won says; one lost in part stays lost.

        Stripe may say won before it returns the money, so a state counts that shows as many returns as withdrawals.
        Source: https://support.stripe.com/questions/dispute-for-full-charge-amount-after-a-partial-refund-was-issued
        """
        settled: set[str] = set()
        for state in self.states:
            returns = sum(one.cents > 0 for one in state.transactions)
            if state.status == "won" and 2 * returns >= len(state.transactions):
                settled |= {one.id for one in state.transactions}
        return [one for one in self.transactions.values() if one.id not in settled]

    def cents_of(self, sale: Sale) -> Fraction:
        """Return how much of a purchase's price is with the cardholder now.

        A dispute in another currency than the purchase's cannot be compared with it: it counts as one over all of it.
        """
        cents, currency = self.amount
        return self.share * (cents if currency in (sale.currency, "") else sale.paid_cents)


@dataclass(frozen=True)
class PaymentFacts:
    """All that is known of the refunds and disputes of one payment."""

    facts: frozenset[Fact] = frozenset()

    def learn(self, fact: Fact) -> "PaymentFacts":
        """Return what is known with one more fact; with a known one, the very same.

        Raises:
            MalformedMessage: more facts than any payment has.
        """
        if fact in self.facts:
            return self
        if len(self.facts) >= FACTS_MAX:
            raise MalformedMessage(f"More than {FACTS_MAX} refunds and disputes of one payment")
        return PaymentFacts(self.facts | {fact})

    def with_all(self, other: "PaymentFacts") -> "PaymentFacts":
        """Return what is known with all that is known elsewhere. Raises MalformedMessage as `learn` does."""
        known = self
        for fact in other.facts:
            known = known.learn(fact)
        return known

    @cached_property
    def failed(self) -> Mapping[str, RefundFailed]:
        """The refunds that did not reach the buyer, by id."""
        failed = (fact for fact in self.facts if isinstance(fact, RefundFailed))
        return {fact.refund_id: fact for fact in sorted(failed, key=lambda fact: (fact.cents, fact.status))}

    @cached_property
    def made(self) -> Mapping[str, RefundMade]:
        """The refunds that stand, by id."""
        made = (fact for fact in self.facts if isinstance(fact, RefundMade) and fact.refund_id not in self.failed)
        return {fact.refund_id: fact for fact in sorted(made, key=lambda fact: fact.cents)}

    @cached_property
    def disputes(self) -> Mapping[str, Dispute]:
        """The disputes, by id."""
        return {dispute.id: dispute for dispute in self._disputes()}

    @property
    def refunded_cents(self) -> int:
        """How much was refunded and has not failed.

        The refunds known by id cannot be too many; the charges' totals less what failed cannot either, whether or not
        Stripe takes failures out of a total by itself. Both may lack what was not heard of yet: the larger one is
        nearer. It is exact with every refund's own events, and with the totals alone when none fails.
        """
        totals: dict[str, int] = {}
        for fact in self.facts:
            if isinstance(fact, RefundedTotal):
                totals[fact.charge_id] = max(fact.cents, totals.get(fact.charge_id, 0))
        failed_cents = sum(fact.cents for fact in self.failed.values())
        return max(self._made_cents, sum(totals.values()) - failed_cents)

    def taken(self, sale: Sale) -> int:
        """Return how many of the purchase's tokens its refunds and disputes take.

        Refunded tax is neither money for tokens that went back nor money that was paid for tokens.
        """
        back = self.refunded_cents + sum(dispute.cents_of(sale) for dispute in self.disputes.values())
        if back == 0:
            return 0
        if back >= sale.paid_cents:
            return sale.tokens
        tax = sale.tax_cents if self._is_tax_refunded(sale) else 0
        return int(sale.tokens * (back - tax) // (sale.paid_cents - tax))

    @property
    def _made_cents(self) -> int:
        return sum(fact.cents for fact in self.made.values())

    def _is_tax_refunded(self, sale: Sale) -> bool:
        """Tell whether one refund is exactly the tax; what no refund's own event explains counts as one refund."""
        cents = {fact.cents for fact in self.made.values()} | {self.refunded_cents - self._made_cents}
        return sale.tax_cents > 0 and sale.tax_cents in cents

    def _disputes(self) -> Iterator[Dispute]:
        states = [fact for fact in self.facts if isinstance(fact, DisputeState)]
        presumed = [fact for fact in self.facts if isinstance(fact, PresumedDispute)]
        for id_ in sorted({fact.dispute_id for fact in states} | {fact.dispute_id for fact in presumed}):
            presumed_cents = max((fact.cents for fact in presumed if fact.dispute_id == id_), default=0)
            yield Dispute(id_, frozenset(state for state in states if state.dispute_id == id_), presumed_cents)
