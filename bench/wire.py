"""The requests that the product accepts: Stripe's webhooks, Pub/Sub's pushes, browsers' and backends' calls."""

import base64
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import stripe

from bench.client import Request
from topology.functions import ROOT

WEBHOOK_SECRET = "whsec_bench"  # noqa: S105 - for this machine only
SECRET_KEY = "sk_test_bench"  # noqa: S105 - for this machine only
TOKENS = 110
"""The tokens of each purchase: the package `popular`."""

_JSON = {"Content-Type": "application/json"}
_DAY_S = 86_400
_DAYS = 25  # an event may be 31 days old


def purchase(uid: str, number: int) -> dict[str, Any]:
    """Return the event of a user's purchase number n.

    Purchases are spread over days, so that the account remembers as few of them as a real one does.
    """
    event = _template("completed_paid")
    session = event["data"]["object"]
    event.update(id=f"evt_purchase_{uid}_{number}", created=int(time.time()) - _DAY_S * (1 + number % _DAYS))
    session.update(
        id=session_id(uid, number), payment_intent=payment_id(uid, number), created=event["created"] - 60, customer=None
    )
    session["metadata"]["firebase_uid"] = session["client_reference_id"] = uid
    return event


def refund(uid: str, number: int) -> dict[str, Any]:
    """Return the event of a purchase's full refund."""
    event = _template("charge_refunded")
    charge = event["data"]["object"]
    event.update(id=f"evt_refund_{uid}_{number}", created=int(time.time()))
    charge.update(id=f"ch_{uid}_{number}", payment_intent=payment_id(uid, number))
    charge["metadata"]["firebase_uid"] = uid
    return event


def subscription(subscription_id: str) -> dict[str, Any]:
    """Return the event of a changed subscription."""
    event = _template("subscription_updated")
    event.update(id=f"evt_{subscription_id}", created=int(time.time()))
    event["data"]["object"]["id"] = subscription_id
    return event


def session_id(uid: str, number: int) -> str:
    """Return the id of the Checkout Session of a user's purchase."""
    return f"cs_test_{uid}_{number}"


def payment_id(uid: str, number: int) -> str:
    """Return the id of the PaymentIntent of a user's purchase."""
    return f"pi_{uid}_{number}"


def webhook(event: Mapping[str, Any], path: str = "/") -> Request:
    """Return Stripe's request to the webhook."""
    body = json.dumps(event, indent=2)
    signature: str = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET)
    return Request("POST", path, {**_JSON, "Stripe-Signature": signature}, body.encode())


def push(event: Mapping[str, Any]) -> Request:
    """Return Pub/Sub's request to the subscriber."""
    message = {
        "data": base64.b64encode(json.dumps(event, indent=2).encode()).decode(),
        "attributes": {"event_id": event["id"], "event_type": event["type"], "purchase_type": "token_package"},
        "messageId": event["id"],
        "publishTime": "2026-11-21T10:00:00.123Z",
    }
    return _post("/", {"message": message, "subscription": "projects/demo/subscriptions/credit-tokens"})


def spend(uid: str, key: str, amount: int = 1) -> Request:
    """Return a trusted backend's request to spend tokens."""
    return _post("/", {"user_id": uid, "amount": amount, "reason": "bench", "idempotency_key": key})


def grant(uid: str, key: str, amount: int, **more: int) -> Request:
    """Return a trusted backend's request to give tokens."""
    return _post("/", {"user_id": uid, "amount": amount, "reason": "bench", "idempotency_key": key, **more})


def reserve(uid: str, key: str, amount: int = 1) -> Request:
    """Return a trusted backend's request to reserve tokens."""
    return _post("/reservations", {"user_id": uid, "amount": amount, "reason": "bench", "idempotency_key": key})


def capture(uid: str, key: str, amount: int = 1) -> Request:
    """Return a trusted backend's request to capture a reservation."""
    return _post("/reservations/capture", {"user_id": uid, "amount": amount, "idempotency_key": key})


def checkout(uid: str, project: str) -> Request:
    """Return a signed-in user's request to buy a package."""
    request = _post("/", {"package": "popular"})
    return Request(request.method, request.path, {**request.headers, **authorization(uid, project)}, request.body)


def claim_welcome(uid: str, project: str) -> Request:
    """Return a signed-in user's request for welcome tokens."""
    request = _post("/", {})
    return Request(request.method, request.path, {**request.headers, **authorization(uid, project)}, request.body)


def get(uid: str, project: str, path: str = "/") -> Request:
    """Return a signed-in user's GET request."""
    return Request("GET", path, authorization(uid, project))


def profile(uid: str, project: str, name: str) -> Request:
    """Return an app's request to write its user's profile, which is subject to the rules."""
    path = f"/v1/projects/{project}/databases/(default)/documents/users/{uid}?updateMask.fieldPaths=displayName"
    body = json.dumps({"fields": {"displayName": {"stringValue": name}}}).encode()
    return Request("PATCH", path, {**_JSON, **authorization(uid, project)}, body)


def authorization(uid: str, project: str) -> dict[str, str]:
    """Return the header of a signed-in user. The emulators accept unsigned tokens.

    Source: https://firebase.google.com/docs/emulator-suite/connect_auth
    """
    now = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "user_id": uid,
        "iat": now - 60,
        "auth_time": now - 60,
        "exp": now + 3600,
    }
    parts = (_base64url({"alg": "none", "typ": "JWT"}), _base64url(claims), "")
    return {"Authorization": f"Bearer {'.'.join(parts)}"}


def _post(path: str, fields: Mapping[str, Any]) -> Request:
    return Request("POST", path, _JSON, json.dumps(fields).encode())


def _base64url(fields: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def _template(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(_event_file(name))
    return event


@cache
def _event_file(name: str) -> str:
    """Return an event as Stripe sends it, from the tests."""
    return (ROOT / "tests" / "events" / f"{name}.json").read_text(encoding="utf-8")
