"""A user's subscription: which event is about one, whose it is, and which one counts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.domain.entry import is_uid
from shared.domain.session_fields import metadata_of
from shared.domain.stripe_events import SESSION_EVENTS, SUBSCRIPTION_EVENTS

# Source: https://docs.stripe.com/api/subscriptions/object#subscription_object-status
_RUNNING = frozenset({"active", "trialing"})
_ENDED = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about; `uid` is None when neither metadata nor client_reference_id names the user."""

    subscription_id: str
    customer_id: str | None
    uid: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Stripe reported it at `synced_at`, which is None until it is saved.

    `current_period_end` is UTC, None when the subscription has no items.
    """

    id: str
    status: str
    price_id: str | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    synced_at: datetime | None = None


def subject_of(event: Mapping[str, Any]) -> Subject | None:
    """Return the subscription that an event is about, None when it is about none.

    An invoice names its subscription under `parent` since API version 2025-03-31; before that, in a field of its own.
    Sources: https://docs.stripe.com/changelog/basil/2025-03-18/adds-new-parent-field-to-invoicing-objects,
    https://docs.stripe.com/api/checkout/sessions/object (subscription, client_reference_id).
    """
    stripe_object: Mapping[str, Any] = event["data"]["object"]
    id_, metadata = stripe_object.get("id"), metadata_of(stripe_object)
    uid = metadata.get("firebase_uid")
    if event["type"] in SESSION_EVENTS:
        id_, uid = stripe_object.get("subscription"), uid or stripe_object.get("client_reference_id")
    elif event["type"].startswith("invoice."):
        parent = _mapping(_mapping(stripe_object.get("parent")).get("subscription_details"))
        former = _mapping(stripe_object.get("subscription_details"))
        id_ = parent.get("subscription") or stripe_object.get("subscription")
        uid = (metadata_of(parent) or metadata_of(former)).get("firebase_uid")
    elif event["type"] not in SUBSCRIPTION_EVENTS:
        return None
    if not isinstance(id_, str):
        return None
    customer = stripe_object.get("customer")
    return Subject(id_, customer if isinstance(customer, str) else None, uid if is_uid(uid) else None)


def current_subscription(subscriptions: Iterable[Mapping[str, Any]]) -> Subscription:
    """Return the one of a user's subscriptions (Stripe's objects, at least one) that counts.

    A running one counts before one that waits for money, that before one that ended; among equals the newest. So a late
    or replayed event of a former subscription does not end its successor.
    """
    counting = max(
        subscriptions,
        key=lambda one: (one["status"] in _RUNNING, one["status"] not in _ENDED, one["created"], one["id"]),
    )
    items = counting["items"]["data"]
    # Since API version 2025-03-31 the period belongs to the items.
    period_end = items[0]["current_period_end"] if items else None
    return Subscription(
        id=counting["id"],
        status=counting["status"],
        price_id=items[0]["price"]["id"] if items else None,
        current_period_end=datetime.fromtimestamp(period_end, UTC) if period_end is not None else None,
        cancel_at_period_end=counting["cancel_at_period_end"],
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
