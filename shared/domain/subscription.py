"""A user's subscription: which event tells of one, whose it is, and which one counts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.domain.entry import is_uid
from shared.domain.stripe_events import SUBSCRIPTION_EVENTS

# Source: https://docs.stripe.com/api/subscriptions/object#subscription_object-status
_RUNNING = frozenset({"active", "trialing"})
_ENDED = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about; `uid` is None when the subscription's metadata does not name its user."""

    subscription_id: str
    customer_id: str | None
    uid: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Stripe knows it; `current_period_end` is UTC, None when there is nothing subscribed to."""

    id: str
    status: str
    price_id: str | None
    current_period_end: datetime | None
    cancel_at_period_end: bool


def subject_of(event: Mapping[str, Any]) -> Subject | None:
    """Return what an event tells of a subscription, None when it tells of none.

    An invoice names its subscription under `parent` since API version 2025-03-31; before that, in a field of its own.
    Source: https://docs.stripe.com/changelog/basil/2025-03-18/adds-new-parent-field-to-invoicing-objects
    """
    if event["type"] not in SUBSCRIPTION_EVENTS:
        return None
    told: Mapping[str, Any] = event["data"]["object"]
    id_, metadata = told.get("id"), told.get("metadata")
    if event["type"].startswith("invoice."):
        parent = (told.get("parent") or {}).get("subscription_details") or {}
        former = told.get("subscription_details") or {}
        id_ = parent.get("subscription") or told.get("subscription")
        metadata = parent.get("metadata") or former.get("metadata")
    if not isinstance(id_, str):
        return None
    customer, uid = told.get("customer"), (metadata or {}).get("firebase_uid")
    return Subject(id_, customer if isinstance(customer, str) else None, uid if is_uid(uid) else None)


def standing(subscriptions: Iterable[Mapping[str, Any]]) -> Subscription:
    """Return the one of a customer's subscriptions (Stripe's objects, at least one) that counts.

    One that runs before one that waits for money, that before one that ended; among equals the newest. So a late or
    replayed event of a subscription that was replaced does not end the one that replaced it.
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
