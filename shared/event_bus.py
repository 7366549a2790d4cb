"""The topic `stripe-events`: its wire format, and publishing to it. The only module that imports Pub/Sub.

A message's data is the verified event, byte for byte as Stripe sent it; its attributes are what subscriptions filter
by. The plain `google.pubsub_v1` client is used: the batching one of `google.cloud.pubsub_v1` waits to fill a batch of
one.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.errors import MalformedMessage, Unavailable

# What may stand in a document's path: every id of Stripe's does.
_STRIPE_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_YEAR_10000_S = 253_402_300_800

TOPIC = "stripe-events"
SCHEMA = "1"
PUSH_MAX_BYTES = 1024 * 1024  # the webhook's 512 KiB, grown by base64 and the envelope

# Stripe holds the buyer's redirect for at most 10 s while the webhook answers.
_PUBLISH_TIMEOUT_S = 5.0
_RETRY = Retry(
    if_exception_type(google_errors.ServiceUnavailable, google_errors.InternalServerError, google_errors.Aborted),
    initial=0.1,
    maximum=1.0,
    timeout=_PUBLISH_TIMEOUT_S,
)


@dataclass(frozen=True, slots=True)
class Message:
    """A delivered message: the Stripe event, its attributes, and when it was published (None if unsaid)."""

    event: Mapping[str, Any]
    attributes: Mapping[str, str]
    message_id: str
    published_at: datetime | None


class EventBus:
    """Publishes verified Stripe events."""

    def __init__(self, client: PublisherClient, project: str) -> None:
        self._client = client
        self._topic = f"projects/{project}/topics/{TOPIC}"

    def publish(self, payload: bytes, event: Mapping[str, Any], purchase_type: str) -> str:
        """Put an event on the topic and return the message id once Pub/Sub has it.

        Raises:
            Unavailable: Pub/Sub did not take it in time; whether it has it is then unknown, and a second message is
            harmless.
        """
        message = PubsubMessage(data=payload, attributes=attributes_of(event, purchase_type))
        try:
            response = self._client.publish(
                topic=self._topic, messages=[message], retry=_RETRY, timeout=_PUBLISH_TIMEOUT_S
            )
        except google_errors.GoogleAPIError as error:
            raise Unavailable("not_published") from error
        return str(response.message_ids[0])


def connect() -> PublisherClient:
    """Return a publisher, of the emulator when PUBSUB_EMULATOR_HOST names one."""
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    if emulator:
        return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(emulator)))
    return PublisherClient()


def attributes_of(event: Mapping[str, Any], purchase_type: str) -> dict[str, str]:
    """Return a message's attributes; all are strings, as Pub/Sub wants them."""
    return {
        "event_id": event["id"],
        "event_type": event["type"],
        "purchase_type": purchase_type,
        "livemode": "true" if event["livemode"] else "false",
        "api_version": event.get("api_version") or "",
        "schema": SCHEMA,
    }


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
            and isinstance(event["created"], int)
            and 0 <= event["created"] < _YEAR_10000_S
            and bool(_STRIPE_ID.fullmatch(event["data"]["object"]["id"]))
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error) as error:
        raise MalformedMessage(f"No Stripe event in the message: {type(error).__name__}") from error
    if not well_formed:
        raise MalformedMessage("The message's event lacks an id, a type, a time or an object")
    return message
