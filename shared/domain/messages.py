"""The wire format of the topic `stripe-events`. Pure.

A message's data is the verified event, byte for byte as Stripe sent it; its attributes are what subscriptions filter
by.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.errors import MalformedMessage
from shared.domain.times import YEAR_10000_S

# Safe in a document path; every Stripe id matches.
_STRIPE_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")

SCHEMA = "1"
READ_FROM_STRIPE = "stripe_api"
"""The attribute `source` of an event that reconcile read from Stripe. A forger has no access to attributes."""
PUSH_MAX_BYTES = 1024 * 1024  # the webhook's 512 KiB, grown by base64 and the envelope


@dataclass(frozen=True, slots=True)
class Message:
    """A delivered message: the Stripe event, its attributes, and when it was published (None if absent)."""

    event: Mapping[str, Any]
    attributes: Mapping[str, str]
    message_id: str
    published_at: datetime | None

    @property
    def is_genuine(self) -> bool:
        """Whether the event was read from Stripe itself, not received: nobody can have forged it."""
        return self.attributes.get("source") == READ_FROM_STRIPE


def attributes_of(event: Mapping[str, Any], purchase_type: str, *, source: str | None = None) -> dict[str, str]:
    """Return a message's attributes; all are strings, as Pub/Sub requires."""
    attributes = {
        "event_id": event["id"],
        "event_type": event["type"],
        "purchase_type": purchase_type,
        "livemode": "true" if event["livemode"] else "false",
        "api_version": event.get("api_version") or "",
        "schema": SCHEMA,
    }
    return attributes | ({"source": source} if source else {})


def read_push(body: bytes) -> Message:
    """Read the body of a push request.

    Raises:
        MalformedMessage: it carries no Stripe event.

    Source: https://cloud.google.com/pubsub/docs/push#receive_push
    """
    try:
        envelope = json.loads(body)["message"]
        event = json.loads(base64.b64decode(envelope["data"], validate=True))
        published = envelope.get("publishTime")
        message = Message(
            event=event,
            attributes=dict(envelope.get("attributes") or {}),
            message_id=str(envelope.get("messageId", "")),
            published_at=datetime.fromisoformat(published) if published else None,
        )
        well_formed = (
            bool(_STRIPE_ID.fullmatch(event["id"]))
            and isinstance(event["type"], str)
            and type(event["created"]) is int
            and 0 <= event["created"] < YEAR_10000_S
            and bool(_STRIPE_ID.fullmatch(event["data"]["object"]["id"]))
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error) as error:
        raise MalformedMessage(f"No Stripe event in the message: {type(error).__name__}") from error
    if not well_formed:
        raise MalformedMessage("The message's event lacks an id, a type, a time or an object")
    return message
