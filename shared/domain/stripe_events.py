"""Which Stripe events concern us, and whose they are. Pure.

The answer becomes the message's `purchase_type` attribute, by which each Pub/Sub subscription filters.
"""

from collections.abc import Mapping
from typing import Any

from shared.domain.purchase import TOKEN_PACKAGE, is_ours, sells_something_else

# An event's shape follows the endpoint's API version: this is the one the code was written against.
API_VERSION = "2026-10-28.endive"

SUBSCRIPTION = "subscription"

_BY_METADATA = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    }
)
# These objects may carry no metadata of ours: only the ledger knows whether their payment was a token purchase.
_BY_PAYMENT = frozenset(
    {
        "charge.refunded",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.closed",
    }
)
SUBSCRIPTION_EVENTS = frozenset(
    {
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "invoice.payment_failed",
    }
)
TOKEN_EVENTS = _BY_METADATA | _BY_PAYMENT
# What the webhook endpoint in Stripe is asked to send.
HANDLED_EVENTS = TOKEN_EVENTS | SUBSCRIPTION_EVENTS


def purchase_type_of(event: Mapping[str, Any]) -> str | None:
    """Return the purchase type that an event is routed by, or None when nobody here handles it.

    A Stripe account may sell other things too: a session that does not carry our purchase type is somebody else's.
    """
    if event["type"] in SUBSCRIPTION_EVENTS:
        return SUBSCRIPTION
    if event["type"] in _BY_PAYMENT:
        told = event["data"]["object"]
        return TOKEN_PACKAGE if told.get("payment_intent") and not sells_something_else(told) else None
    if event["type"] in _BY_METADATA:
        return TOKEN_PACKAGE if is_ours(event["data"]["object"]) else None
    return None
