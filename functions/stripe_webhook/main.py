"""POST /api/stripe/webhook: verify what Stripe sends and put it on the topic. The work is done elsewhere."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters import pubsub
from shared.adapters.pubsub import EventPublisher
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_signature import verify_webhook
from shared.domain.errors import BadInput, BodyIncomplete, TooLarge, Unsigned
from shared.domain.stripe_events import SESSION_EVENTS, purchase_type_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_WEBHOOK_SECRET")
_BODY_MAX_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    secrets: SecretStore
    publisher: EventPublisher


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def stripe_webhook(request: Request) -> dict[str, Any]:
    """Answer 200 once Pub/Sub has the event, or when nothing here handles it."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Verify, route, publish."""
    try:
        payload = http.read_body(request, _BODY_MAX_BYTES)
        event = _verified(payload, request.headers.get("Stripe-Signature"), using.secrets)
        if event["livemode"] is not SETTINGS.livemode:
            raise BadInput("wrong_livemode", "The event's livemode does not match this deployment")
    except (BadInput, TooLarge, BodyIncomplete) as error:
        # Anybody can be rejected: alerts look only at what Stripe signed.
        sender = "stripe" if isinstance(error, BadInput) and not isinstance(error, Unsigned) else "unknown"
        logs.warning("webhook.rejected", f"Webhook rejected: {error.message}", reason=error.code, sender=sender)
        raise
    ids = _ids(event)
    logs.info("webhook.verified", "Webhook signature verified successfully", **ids)
    purchase_type = purchase_type_of(event)
    if purchase_type is None:
        logs.info("webhook.ignored", f"Nothing to do for {event['type']}", **ids)
        return {"received": True}
    logs.info("webhook.processing", f"Processing {event['type']} event", **ids)
    message_id = using.publisher.publish(payload, event, purchase_type)
    logs.info("webhook.published", _routed(purchase_type), **ids, message_id=message_id)
    return {"received": True}


def _verified(payload: bytes, signature: str | None, secrets: SecretStore) -> dict[str, Any]:
    """Return the event; when its signature fails, try once more with the secret as it is now."""
    setting = SETTINGS.stripe_webhook_secret
    try:
        return verify_webhook(payload, signature, secrets.get(setting))
    except BadInput as error:
        current = secrets.fresh(setting) if error.code == "invalid_signature" else None
        if current is None or current == setting:
            raise
        return verify_webhook(payload, signature, current)


def _routed(purchase_type: str) -> str:
    if purchase_type == "token_package":
        return "Detected token purchase - routing to token handler"
    return f"Detected {purchase_type} - routing to its handler"


def _ids(event: dict[str, Any]) -> dict[str, Any]:
    """Return what finds an event in the logs; a session's id has the same name at every step of its purchase."""
    stripe_object = event["data"]["object"]
    ids = {"event_id": event["id"], "event_type": event["type"], "object_id": stripe_object.get("id")}
    if event["type"] in SESSION_EVENTS:
        ids["session_id"] = stripe_object.get("id")
    return ids


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(SecretStore(), EventPublisher(pubsub.connect(), SETTINGS.project))
