"""The ledger entries that a payment's facts make: each is named after the fact that changed what is taken. Pure.

    refund:{re_…}                     a refund                             stripeRefundId, refundedCents
    refund:{ch_…}:{total}             a charge's total, in cents           stripeChargeId, refundedCents
    refund_failed:{re_…}              a refund that failed: tokens back    stripeRefundId, failedCents
    dispute:{dp_…}:{txn_…}            a dispute took money                 stripeDisputeId, disputedCents
    dispute_reversal:{dp_…}:{txn_…}   a dispute gave money back            stripeDisputeId, disputedCents

All of them say what money the fact moved: paymentAmount, negative when it went back to the buyer, in the smallest unit
of currency. Refunds are in the purchase's currency, disputes in their own.

A fact is learned once, so its entry can be made once. Where a fact changes an amount under an id that is known already,
which Stripe does not document, the id says what changed.
"""

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from shared.domain.entry import EntryType, NewEntry
from shared.domain.payment_facts import (
    DisputeState,
    Fact,
    PaymentFacts,
    PresumedDispute,
    RefundedTotal,
    RefundFailed,
    RefundMade,
    Sale,
)


def entry_for(
    fact: Fact, known: PaymentFacts, sale: Sale, details: Mapping[str, Any], *, taken: int
) -> NewEntry | None:
    """Return the entry that one more fact makes, None when it changes no balance.

    Args:
        fact: what is new.
        known: what was known without it.
        sale: the purchase, which was credited.
        details: what every entry of this purchase says.
        taken: the tokens that the payment's entries have taken so far.
    """
    after = known.learn(fact)
    change = taken - after.taken(sale)
    if after is known or not change:
        return None
    id_, type_, own = _named(fact, known, after, change)
    return NewEntry(id_, type_, change, {**details, **own, **_money(fact, known, after, sale)})


def entries_at_purchase(facts: PaymentFacts, sale: Sale, details: Mapping[str, Any]) -> Iterator[NewEntry]:
    """Yield what the facts that came before their purchase take of it at once."""
    known, taken = PaymentFacts(), 0
    for fact in sorted(facts.facts, key=_final_first):
        entry = entry_for(fact, known, sale, details, taken=taken)
        known = known.learn(fact)
        if entry is not None:
            taken -= entry.amount
            yield entry


def _final_first(fact: Fact) -> tuple[int, str, int, str]:
    """Order facts so that the first ones already say how things stand: the later ones then make no entries."""
    match fact:
        case RefundFailed():
            return 0, fact.refund_id, -fact.cents, fact.status
        case RefundMade():
            return 1, fact.refund_id, -fact.cents, ""
        case RefundedTotal():
            return 2, fact.charge_id, -fact.cents, ""
        case DisputeState():
            contents = (
                fact.status != "won",
                fact.status,
                fact.cents,
                fact.currency,
                fact.case_type,
                sorted(fact.transactions),
            )
            return 3, fact.dispute_id, -len(fact.transactions), str(contents)
        case PresumedDispute():
            return 4, fact.dispute_id, -fact.cents, ""
        case _:
            assert_never(fact)


def _named(fact: Fact, known: PaymentFacts, after: PaymentFacts, change: int) -> tuple[str, EntryType, dict[str, Any]]:
    """Return the id, the type and the details of the entry that a fact makes."""
    match fact:
        case RefundedTotal(charge_id, cents):
            own: dict[str, Any] = {"stripeChargeId": charge_id, "refundedCents": after.refunded_cents}
            return f"refund:{charge_id}:{cents}", "refund", own
        case RefundMade(refund_id, cents):
            changed = f":{cents}" if _is_made(refund_id, known) else ""
            own = {"stripeRefundId": refund_id, "refundedCents": after.refunded_cents}
            return f"refund:{refund_id}{changed}", "refund", own
        case RefundFailed(refund_id, cents, status):
            changed = f":{status}:{cents}" if refund_id in known.failed else ""
            own = {"stripeRefundId": refund_id, "failedCents": cents}
            return f"refund_failed:{refund_id}{changed}", "refund", own
        case DisputeState(dispute_id) | PresumedDispute(dispute_id):
            type_: EntryType = "dispute" if change < 0 else "dispute_reversal"
            own = {"stripeDisputeId": dispute_id, "disputedCents": after.disputes[dispute_id].amount[0]}
            return f"{type_}:{dispute_id}:{_news(fact, known)}", type_, own
        case _:
            assert_never(fact)


def _money(fact: Fact, known: PaymentFacts, after: PaymentFacts, sale: Sale) -> dict[str, Any]:
    """Return how much money a fact moved, and in which currency."""
    if isinstance(fact, DisputeState | PresumedDispute):
        dispute, before = after.disputes[fact.dispute_id], known.disputes.get(fact.dispute_id)
        cents, currency = dispute.amount
        moved = round((dispute.share - (before.share if before else 0)) * cents)
        return {"paymentAmount": -moved, "currency": currency or sale.currency}
    return {"paymentAmount": known.refunded_cents - after.refunded_cents, "currency": sale.currency}


def _is_made(refund_id: str, known: PaymentFacts) -> bool:
    return any(isinstance(fact, RefundMade) and fact.refund_id == refund_id for fact in known.facts)


def _news(fact: DisputeState | PresumedDispute, known: PaymentFacts) -> str:
    """Name what a fact adds to what was known of its dispute: its newest balance transaction, else its contents."""
    if isinstance(fact, PresumedDispute):
        return f"presumed:{fact.cents}"
    before = known.disputes.get(fact.dispute_id)
    news = {one.id for one in fact.transactions} - (before.transactions.keys() if before else set())
    return max(news, default=f"{fact.status}:{fact.cents}:{fact.currency}:{len(fact.transactions)}")
