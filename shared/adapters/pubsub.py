"""Publishing to the topic `stripe-events`. The only module of the functions that imports Pub/Sub.

The plain `google.pubsub_v1` client is used: the batching one of `google.cloud.pubsub_v1` waits to fill a batch of one.
"""

import os
from collections.abc import Mapping
from typing import Any

import grpc
from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from shared.domain.errors import Unavailable
from shared.domain.messages import attributes_of
from topology.topics import STRIPE_EVENTS

# Stripe holds the buyer's redirect for at most 10 s while the webhook answers.
_PUBLISH_TIMEOUT_S = 5.0
_RETRY = Retry(
    if_exception_type(google_errors.ServiceUnavailable, google_errors.InternalServerError, google_errors.Aborted),
    initial=0.1,
    maximum=1.0,
    timeout=_PUBLISH_TIMEOUT_S,
)


class EventPublisher:
    """Publishes verified Stripe events."""

    def __init__(self, client: PublisherClient, project: str) -> None:
        self._client = client
        self._topic = f"projects/{project}/topics/{STRIPE_EVENTS}"

    def publish(
        self, payload: bytes, event: Mapping[str, Any], purchase_type: str, *, source: str | None = None
    ) -> str:
        """Publish an event and return the message id once Pub/Sub has it.

        Raises:
            Unavailable: Pub/Sub did not take it in time. It may have it nevertheless; a second message is harmless.
        """
        message = PubsubMessage(data=payload, attributes=attributes_of(event, purchase_type, source=source))
        try:
            response = self._client.publish(
                topic=self._topic, messages=[message], retry=_RETRY, timeout=_PUBLISH_TIMEOUT_S
            )
        except google_errors.GoogleAPIError as error:
            raise Unavailable("not_published") from error
        return str(response.message_ids[0])


def connect() -> PublisherClient:
    """Return a publisher, for the emulator when PUBSUB_EMULATOR_HOST names one."""
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    if emulator:
        return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(emulator)))
    return PublisherClient()
