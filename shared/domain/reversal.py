"""What refunds and disputes take back of a purchase. Pure.

The facts of one payment are kept together and merged in any order; what is taken follows from all of them at once:

    taken = min(tokens, tokens * refunded / paid + sum(tokens * disputed / paid))      each share rounded down

A fact's entry is the difference that it makes, so a fact that comes before its purchase, twice, or after another of the
same charge ends in the same balance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from shared.domain.entry import EntryType, Posting

# A dispute that ends without the money being lost. `warning_closed` is an inquiry that never became a chargeback.
# Source: https://docs.stripe.com/api/disputes/object#dispute_object-status
_WON = frozenset({"won", "warning_closed", "prevented"})


@dataclass(frozen=True, slots=True)
class Refunded:
    """Stripe's word that `cents` of a charge were refunded in all, as of `at` (UTC seconds)."""

    charge_id: str
    cents: int
    at: int

    @property
    def entry_id(self) -> str:
        """The sum may come again after a failed refund, so its time belongs to the fact."""
        return f"refund:{self.charge_id}:{self.cents}:{self.at}"


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """Stripe's word that a refund did not reach the buyer: `cents` of it came back at `at` (UTC seconds)."""

    refund_id: str
    cents: int
    at: int


@dataclass(frozen=True, slots=True)
class Disputed:
    """Stripe's word on a dispute over `cents`."""

    dispute_id: str
    cents: int
    outcome: Literal["open", "won", "lost"]


Fact = Refunded | RefundFailed | Disputed


@dataclass(frozen=True, slots=True)
class Reversals:
    """All that is known of the refunds and disputes of one payment."""

    refunded: Refunded | None = None
    failed: Mapping[str, RefundFailed] = field(default_factory=dict)
    disputes: Mapping[str, Disputed] = field(default_factory=dict)

    def learn(self, fact: Fact) -> "Reversals":
        """Return what is known with one more fact; a fact known already, or outdated, changes nothing."""
        match fact:
            case Refunded():
                known = self.refunded
                newer = known is None or (fact.at, fact.cents) > (known.at, known.cents)
                return replace(self, refunded=fact) if newer else self
            case RefundFailed(refund_id=id_):
                # Two events tell of one failure; the earlier time stands, whichever arrives first.
                earlier = id_ not in self.failed or fact.at < self.failed[id_].at
                return replace(self, failed={**self.failed, id_: fact}) if earlier else self
            case Disputed(dispute_id=id_):
                known_dispute = self.disputes.get(id_)
                closed = known_dispute is not None and known_dispute.outcome != "open"
                return self if closed or known_dispute == fact else replace(self, disputes={**self.disputes, id_: fact})

    def taken(self, tokens: int, paid_cents: int) -> int:
        """Return how many of a purchase's tokens are taken back, given what was paid for them."""
        return min(tokens, sum(share for _, share in self._shares(tokens, paid_cents)))

    def postings(self, tokens: int, paid_cents: int, details: Mapping[str, Any]) -> Iterator[Posting]:
        """Yield what all of this takes at once: for a purchase that comes after its reversals."""
        left = tokens
        for fact, share in self._shares(tokens, paid_cents):
            taken = min(left, share)
            left -= taken
            if taken:
                yield _posting(fact, -taken, details)

    def _shares(self, tokens: int, paid_cents: int) -> Iterator[tuple[Refunded | Disputed, int]]:
        if self.refunded is not None:
            # A failure in the very second of the sum came after it: a refund fails once it was made.
            back = sum(failed.cents for failed in self.failed.values() if failed.at >= self.refunded.at)
            yield self.refunded, _share(tokens, self.refunded.cents - back, paid_cents)
        for id_ in sorted(self.disputes):
            dispute = self.disputes[id_]
            if dispute.outcome != "won":
                yield dispute, _share(tokens, dispute.cents, paid_cents)


def posting_of(
    fact: Fact, before: Reversals, after: Reversals, *, tokens: int, paid_cents: int, details: Mapping[str, Any]
) -> Posting | None:
    """Return what one more fact takes or gives back, or None when it makes no difference."""
    change = before.taken(tokens, paid_cents) - after.taken(tokens, paid_cents)
    return _posting(fact, change, details) if change else None


def fact_of(event: Mapping[str, Any]) -> tuple[str, Fact] | None:
    """Return the PaymentIntent an event is about and what it tells, None when it tells of no refund or dispute.

    Source: https://docs.stripe.com/api/events/types
    """
    seen = event["data"]["object"]
    payment: str | None = seen.get("payment_intent")
    if payment is None:
        return None
    match event["type"]:
        case "charge.refunded":
            return payment, Refunded(seen["id"], seen["amount_refunded"], event["created"])
        case "refund.failed" | "refund.updated" if seen.get("status") in ("failed", "canceled"):
            return payment, RefundFailed(seen["id"], seen["amount"], event["created"])
        case "charge.dispute.created" | "charge.dispute.closed":
            return payment, Disputed(seen["id"], seen["amount"], _outcome_of(seen["status"]))
    return None


def _outcome_of(status: str) -> Literal["open", "won", "lost"]:
    if status in _WON:
        return "won"
    return "lost" if status == "lost" else "open"


def _share(tokens: int, cents: int, paid_cents: int) -> int:
    return tokens * min(max(cents, 0), paid_cents) // paid_cents


def _posting(fact: Fact, amount: int, details: Mapping[str, Any]) -> Posting:
    type_: EntryType
    match fact:
        case Refunded():
            id_, type_, own = fact.entry_id, "refund", {"stripeChargeId": fact.charge_id, "refundedCents": fact.cents}
        case RefundFailed():
            id_, type_, own = (
                f"refund_failed:{fact.refund_id}:{fact.at}",  # of two events the earlier one may come later
                "refund",
                {"stripeRefundId": fact.refund_id, "failedCents": fact.cents},
            )
        case Disputed(outcome="lost"):  # an id of its own: the sum may have changed since the dispute was opened
            id_, type_, own = f"dispute:{fact.dispute_id}:lost", "dispute", _dispute_details(fact)
        case Disputed(outcome="won"):
            id_, type_, own = f"dispute_reversal:{fact.dispute_id}", "dispute_reversal", _dispute_details(fact)
        case Disputed():
            id_, type_, own = f"dispute:{fact.dispute_id}", "dispute", _dispute_details(fact)
    return Posting(id_, type_, amount, {**details, **own})


def _dispute_details(dispute: Disputed) -> dict[str, Any]:
    return {"stripeDisputeId": dispute.dispute_id, "disputedCents": dispute.cents}
