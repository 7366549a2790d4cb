"""Called by Pub/Sub for each event of a subscription: keep users/{uid}.subscription as Stripe knows it now.

The event only says whose subscription to look at. What is kept is read from Stripe, so order does not matter.
"""

from functools import cache, partial
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore

from shared.adapters.firestore.ledger import Ledger
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_api import StripeGateway
from shared.domain import messages
from shared.domain.errors import MalformedMessage
from shared.domain.subscription import subject_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY")


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def sync_subscription(request: Request) -> dict[str, Any]:
    """Take one push delivery of the subscription `sync-subscription`."""
    return handle(request, *parts())


def handle(request: Request, ledger: Ledger, gateway: StripeGateway) -> dict[str, Any]:
    """Find whose subscription the event is about, and keep how it stands."""
    try:
        event = messages.read_push(http.read_body(request, messages.PUSH_MAX_BYTES)).event
    except MalformedMessage as error:
        logs.error("event.malformed", "Dropped a message that is no Stripe event", cause=error)
        return {"outcome": "malformed"}
    subject = subject_of(event)
    if subject is None:
        return {"outcome": "ignored"}
    ids = {"event_id": event["id"], "subscription_id": subject.subscription_id}
    uid = subject.uid or (subject.customer_id and ledger.uid_of_customer(subject.customer_id))
    if not uid:
        logs.warning("subscription.unknown_user", f"Nobody here has {subject.subscription_id}", **ids)
        return {"outcome": "unknown_user"}
    kept = ledger.keep_subscription(uid, lambda: gateway.standing_subscription(subject.subscription_id))
    if kept is None:
        logs.warning("subscription.missing", f"Stripe does not know {subject.subscription_id}", user_id=uid, **ids)
        return {"outcome": "missing"}
    sentence = f"The subscription of user {uid} is {kept.status}"
    logs.info("subscription.synced", sentence, user_id=uid, status=kept.status, kept_id=kept.id, **ids)
    return {"outcome": "synced"}


@cache
def parts() -> tuple[Ledger, StripeGateway]:
    """Build what the handler needs, at the first delivery."""
    key = partial(SecretStore().get, SETTINGS.stripe_secret_key)
    return Ledger(firestore.Client(project=SETTINGS.project)), StripeGateway(key, api_base=SETTINGS.stripe_api_base)
