"""Which Stripe events concern us, and which subscription handles them. Pure.

The answer becomes the message's `purchase_type` attribute, by which each Pub/Sub subscription filters.
"""

from collections.abc import Mapping
from typing import Any

from shared.domain.payment_events import CHARGE_EVENTS, DISPUTE_EVENTS, REFUND_EVENTS
from shared.domain.purchase import TOKEN_PACKAGE, is_other_product, is_ours

# An event's shape follows the endpoint's API version: this is the one the code was written against.
API_VERSION = "2026-10-28.endive"

SUBSCRIPTION = "subscription"

SESSION_EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    }
)
# These objects may carry no metadata of ours: only the ledger knows whether their payment was a token purchase.
_PAYMENT_EVENTS = CHARGE_EVENTS | REFUND_EVENTS | DISPUTE_EVENTS
SUBSCRIPTION_EVENTS = frozenset(
    {
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "invoice.payment_failed",
    }
)
TOKEN_EVENTS = SESSION_EVENTS | _PAYMENT_EVENTS
HANDLED_EVENTS = TOKEN_EVENTS | SUBSCRIPTION_EVENTS
"""What the webhook endpoint in Stripe is asked to send."""


def purchase_type_of(event: Mapping[str, Any]) -> str | None:
    """Return the purchase type that an event is routed by, or None when nothing here handles it.

    A Stripe account may sell other things too: a session without our purchase type is ours only as a subscription. The
    events of connected accounts are not ours: their money does not reach this account.
    """
    stripe_object = event["data"]["object"]
    if event.get("account"):
        return None
    if event["type"] in SUBSCRIPTION_EVENTS:
        return SUBSCRIPTION
    if event["type"] in _PAYMENT_EVENTS:
        return TOKEN_PACKAGE if stripe_object.get("payment_intent") and not is_other_product(stripe_object) else None
    if event["type"] in SESSION_EVENTS:
        if is_ours(stripe_object):
            return TOKEN_PACKAGE
        return SUBSCRIPTION if stripe_object.get("mode") == "subscription" else None
    return None
