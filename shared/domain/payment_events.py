"""What an event of Stripe says of a payment's refunds and disputes. Pure.

Sources: https://docs.stripe.com/api/events/types and the objects' own pages, named in payment_facts.py.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.errors import MalformedMessage
from shared.domain.payment_facts import BalanceTransaction, DisputeState, Fact, RefundedTotal, RefundFailed, RefundMade

CHARGE_EVENTS = frozenset({"charge.refunded"})
REFUND_EVENTS = frozenset({"refund.created", "refund.updated", "refund.failed"})
DISPUTE_EVENTS = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    }
)

_WORD = re.compile(r"[A-Za-z0-9_]{1,255}")  # Stripe's ids, statuses and currencies; an id may become a document's name
_CENTS_MAX = 10**15


def fact_of(event: Mapping[str, Any]) -> tuple[str, Fact] | None:
    """Return the id of the PaymentIntent that an event is about, and what it says.

    None for events of another type, and for charges that were made without a PaymentIntent.

    Raises:
        MalformedMessage: a field is missing or of the wrong kind, which no delivery can fix.
    """
    type_ = event["type"]
    if type_ not in CHARGE_EVENTS | REFUND_EVENTS | DISPUTE_EVENTS:
        return None
    data = event.get("data")
    stripe_object = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(stripe_object, Mapping):
        raise MalformedMessage(f"{type_}: data.object is not an object")
    if stripe_object.get("payment_intent") is None:
        return None
    return _word(stripe_object, "payment_intent"), _fact(type_, stripe_object)


def _fact(type_: str, stripe_object: Mapping[str, Any]) -> Fact:
    if type_ in CHARGE_EVENTS:
        return RefundedTotal(_word(stripe_object, "id"), _cents(stripe_object, "amount_refunded"))
    if type_ in REFUND_EVENTS:
        return fact_of_refund(stripe_object)
    return fact_of_dispute(stripe_object)


def fact_of_dispute(dispute: Mapping[str, Any]) -> DisputeState:
    """Return what a dispute says. Raises MalformedMessage as `fact_of` does."""
    return DisputeState(
        dispute_id=_word(dispute, "id"),
        cents=_cents(dispute, "amount"),
        currency=_word(dispute, "currency"),
        status=_word(dispute, "status"),
        case_type=_case_type(dispute.get("payment_method_details")),
        transactions=frozenset(map(_transaction, _list_or_nothing(dispute, "balance_transactions"))),
    )


def fact_of_refund(refund: Mapping[str, Any]) -> RefundMade | RefundFailed:
    """Return what a refund says. Raises MalformedMessage as `fact_of` does."""
    id_, cents, status = _word(refund, "id"), _cents(refund, "amount"), refund.get("status")
    if status in ("failed", "canceled"):
        return RefundFailed(id_, cents, status)
    return RefundMade(id_, cents)  # the API allows a refund without a status


def _transaction(transaction: object) -> BalanceTransaction:
    if not isinstance(transaction, Mapping):
        raise MalformedMessage("balance_transactions holds something that is not an object")
    cents = _cents(transaction, "amount", at_least=-_CENTS_MAX)
    return BalanceTransaction(_word(transaction, "id"), cents, _word(transaction, "currency"))


def _case_type(details: object) -> str | None:
    """Return chargeback, inquiry, block, resolution …, which only card disputes have: operators read it."""
    card = details.get("card") if isinstance(details, Mapping) else None
    return _word(card, "case_type") if isinstance(card, Mapping) and card.get("case_type") is not None else None


def _word(stripe_object: Mapping[str, Any], field: str) -> str:
    value = stripe_object.get(field)
    if not (isinstance(value, str) and _WORD.fullmatch(value)):
        raise _wrong(stripe_object, field)
    return value


def _cents(stripe_object: Mapping[str, Any], field: str, *, at_least: int = 0) -> int:
    value = stripe_object.get(field)
    if type(value) is not int or not at_least <= value <= _CENTS_MAX:
        raise _wrong(stripe_object, field)
    return value


def _list_or_nothing(stripe_object: Mapping[str, Any], field: str) -> Sequence[object]:
    value = stripe_object.get(field) or []
    if not isinstance(value, list):
        raise _wrong(stripe_object, field)
    return value


def _wrong(stripe_object: Mapping[str, Any], field: str) -> MalformedMessage:
    return MalformedMessage(f"{stripe_object.get('object', 'object')}.{field} is missing or of the wrong kind")
