"""Called by Pub/Sub for each event of a subscription: save users/{uid}.subscription as Stripe reports it now.

The event only says whose subscription to look at. What is saved is read from Stripe, so order does not matter.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.google_identity import Admission
from shared.adapters.stripe_api import StripeGateway, connect_stripe
from shared.adapters.time_limit import STRIPE_S, time_limit
from shared.domain import messages
from shared.domain.account import Account
from shared.domain.errors import MalformedMessage
from shared.domain.stripe_events import SUBSCRIPTION, purchase_type_of
from shared.domain.subscription import Subject, Subscription, subject_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY", private=True)
ADMISSION = Admission(SETTINGS.callers, on_cloud_run=SETTINGS.on_cloud_run)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    ledger: Ledger
    gateway: StripeGateway


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project, admit=ADMISSION.check)
def sync_subscription(request: Request) -> dict[str, Any]:
    """Handle one push delivery of the subscription `sync-subscription`."""
    with time_limit(STRIPE_S):
        return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Find whose subscription the event is about, and save its current state."""
    try:
        event = messages.read_push(http.read_body(request, messages.PUSH_MAX_BYTES)).event
    except MalformedMessage as error:
        logs.error("event.malformed", f"Dropped a message that cannot be read: {error}", cause=error)
        return {"outcome": "malformed"}
    subject = subject_of(event) if purchase_type_of(event) == SUBSCRIPTION else None
    if subject is None:
        return {"outcome": "ignored"}
    ids = {"event_id": event["id"], "subscription_id": subject.subscription_id}
    uid = subject.uid or _uid_in(using.ledger, subject)
    if uid is None:
        logs.warning("subscription.unknown_user", f"{subject.subscription_id} belongs to no user here", **ids)
        return {"outcome": "unknown_user"}

    def ask(account: Account) -> Subscription | None:
        return using.gateway.current_subscription(
            subject.subscription_id,
            saved_id=account.subscription.id if account.subscription else None,
            customer_id=account.stripe_customer_id,
        )

    saved = using.ledger.save_subscription(uid, ask)
    if saved is None:
        logs.warning("subscription.missing", f"Stripe does not know {subject.subscription_id}", user_id=uid, **ids)
        return {"outcome": "missing"}
    sentence = f"The subscription of user {uid} is {saved.status}"
    logs.info("subscription.synced", sentence, user_id=uid, status=saved.status, saved_id=saved.id, **ids)
    return {"outcome": "synced"}


def _uid_in(ledger: Ledger, subject: Subject) -> str | None:
    """Return the user of an event that names none.

    A subscription sold by a Checkout Session may name its user only there: later events find it by its saved id.
    """
    by_customer = ledger.uid_of_customer(subject.customer_id) if subject.customer_id else None
    return by_customer or ledger.uid_of_subscription(subject.subscription_id)


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first delivery."""
    gateway = connect_stripe(SETTINGS.stripe_secret_key, api_base=SETTINGS.stripe_api_base)
    return Dependencies(connect_ledger(SETTINGS.project), gateway)
