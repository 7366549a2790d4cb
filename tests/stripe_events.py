"""The events of tests/events/, as Stripe sends them, to be read, varied, signed and delivered."""

import base64
import copy
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import stripe

EVENTS = Path(__file__).with_name("events")
SECRET = "whsec_test"
CLI_SECRET = "whsec_cli"
"""With it, `stripe listen` would sign for the running stack."""
_NEWEST = 1_795_259_200  # when the newest event of the files was created


def load(name: str) -> dict[str, Any]:
    """Return the event of tests/events/<name>.json, to be changed at will."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def session_event(
    name: str = "completed_paid",
    *,
    metadata: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - JSON
) -> dict[str, Any]:
    """Return an event whose session has these fields changed; a metadata key of None is taken away."""
    event = load(name)
    session = event["data"]["object"]
    session.update(changes)
    merged = {**session["metadata"], **(metadata or {})}
    session["metadata"] = {key: value for key, value in merged.items() if value is not None}
    return event


def session_of(name: str = "completed_paid", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return only the session of `session_event`."""
    session: dict[str, Any] = session_event(name, **changes)["data"]["object"]
    return session


def raw(event: Mapping[str, Any]) -> bytes:
    """Return an event's body as Stripe lays it out."""
    return json.dumps(event, indent=2, ensure_ascii=False).encode()


def signature(body: bytes, secret: str = SECRET, *, at: int | None = None) -> str:
    """Return the Stripe-Signature header of a body, made now unless said otherwise."""
    header: str = stripe.WebhookSignature.generate_signature_header(body.decode("utf-8", "replace"), secret, at)
    return header


def recent(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of tests/events/ as if it had been created just now: functions hold old ones.

    All of them are moved by the same time, so that what was later stays later.
    """
    moved = copy.deepcopy(dict(event))
    data = moved.get("data")
    for stripe_object in (moved, data.get("object") if isinstance(data, dict) else None):
        if isinstance(stripe_object, dict) and stripe_object.get("object") in ("event", "checkout.session"):
            created = stripe_object.get("created")
            if type(created) is int and 0 < created <= _NEWEST:
                stripe_object["created"] = created + int(time.time()) - _NEWEST
    return moved


def push_of(event: Mapping[str, Any], **message: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the body of Pub/Sub's push request for an event, made recent."""
    data = base64.b64encode(raw(recent(event))).decode()
    attributes = {"event_id": str(event.get("id")), "event_type": str(event.get("type"))}
    return {
        "message": {
            "data": data,
            "attributes": attributes,
            "messageId": "1",
            "publishTime": "2026-11-21T10:00:00.123Z",
            **message,
        },
        "subscription": "projects/demo/subscriptions/credit-tokens",
    }
