"""POST /api/stripe/webhook: verify what Stripe sends and put it on the topic. The work is done elsewhere."""

from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters import pubsub
from shared.adapters.pubsub import EventPublisher
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_signature import verify_webhook
from shared.domain.errors import BadInput
from shared.domain.stripe_events import purchase_type_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_WEBHOOK_SECRET")
_BODY_MAX_BYTES = 512 * 1024


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def stripe_webhook(request: Request) -> dict[str, Any]:
    """Answer 200 once Pub/Sub has the event, or when the event is nobody's here."""
    return handle(request, *parts())


def handle(request: Request, secrets: SecretStore, bus: EventPublisher) -> dict[str, Any]:
    """Verify, route, publish."""
    payload = http.read_body(request, _BODY_MAX_BYTES)
    try:
        event = _verified(payload, request.headers.get("Stripe-Signature"), secrets)
        if event["livemode"] is not SETTINGS.livemode:
            raise BadInput("wrong_livemode", "The event is of the other mode")
    except BadInput as error:
        logs.warning("webhook.rejected", f"Webhook rejected: {error.message}", reason=error.code)
        raise
    ids = {"event_id": event["id"], "event_type": event["type"], "object_id": event["data"]["object"].get("id")}
    logs.info("webhook.verified", "Webhook signature verified successfully", **ids)
    purchase_type = purchase_type_of(event)
    if purchase_type is None:
        logs.info("webhook.ignored", f"Nothing to do for {event['type']}", **ids)
        return {"received": True}
    logs.info("webhook.processing", f"Processing {event['type']} event", **ids)
    message_id = bus.publish(payload, event, purchase_type)
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


@cache
def parts() -> tuple[SecretStore, EventPublisher]:
    """Build what the handler needs, at the first request."""
    return SecretStore(), EventPublisher(pubsub.connect(), SETTINGS.project)
