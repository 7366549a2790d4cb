"""Topic administration for operators: replay the topic, look at its dead letters, put them back.

It is apart from shared/adapters/pubsub.py because functions only ever publish.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import grpc
from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient, PubsubMessage, ReceivedMessage, SeekRequest, SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared.adapters import pubsub
from shared.domain.errors import BadInput, NotFound, Unavailable
from topology.topics import DEAD_LETTERS, STRIPE_EVENTS

_CALL_TIMEOUT_S = 10.0
_PULL_TIMEOUT_S = 3.0
_RETRY = Retry(
    if_exception_type(google_errors.ServiceUnavailable, google_errors.InternalServerError, google_errors.Aborted),
    initial=0.1,
    maximum=1.0,
    timeout=_CALL_TIMEOUT_S,
)
_PULL_MAX = 50
# What Pub/Sub adds to a message that it gives up on. Source: https://cloud.google.com/pubsub/docs/dead-letter-topics
_DEAD_LETTER_MARK = "CloudPubSubDeadLetterSource"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be delivered: the Stripe event it carries, and the subscription that gave up on it."""

    message_id: str
    event_id: str
    event_type: str
    subscription: str
    given_up_at: datetime

    @classmethod
    def of(cls, message: PubsubMessage) -> Self:
        """Return what an operator wants to know about a message; what it lacks is empty."""
        attributes = message.attributes
        return cls(
            message_id=message.message_id,
            event_id=attributes.get("event_id", ""),
            event_type=attributes.get("event_type", ""),
            subscription=attributes.get(f"{_DEAD_LETTER_MARK}Subscription", ""),
            given_up_at=message.publish_time,
        )


class TopicAdmin:
    """The project's topic and subscriptions.

    Raises, from every method: Unavailable when Pub/Sub does not answer in time.
    """

    def __init__(self, publisher: PublisherClient, subscriber: SubscriberClient, project: str) -> None:
        self._publisher = publisher
        self._subscriber = subscriber
        self._project = project
        self._dead_letters = self._subscription(DEAD_LETTERS)

    def check_subscription(self, name: str) -> None:
        """Check that a subscription exists and belongs to the events' topic.

        Raises:
            NotFound: there is none with this name.
            BadInput: it belongs to another topic.
        """
        with _pubsub_faults():
            try:
                found = self._subscriber.get_subscription(
                    subscription=self._subscription(name), retry=_RETRY, timeout=_CALL_TIMEOUT_S
                )
            except google_errors.NotFound as error:
                raise NotFound("unknown_subscription", f"There is no subscription {name}") from error
        if found.topic != self._topic():
            raise BadInput("other_topic", f"The subscription {name} does not belong to the topic {STRIPE_EVENTS}")

    def replay(self, name: str, since: datetime) -> None:
        """Have a subscription deliver again all that was published since a time; the topic retains 31 days.

        Source: https://cloud.google.com/pubsub/docs/replay-overview
        """
        request = SeekRequest(subscription=self._subscription(name), time=since)
        with _pubsub_faults():
            self._subscriber.seek(request, retry=_RETRY, timeout=_CALL_TIMEOUT_S)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return dead letters, and leave them where they are."""
        received: dict[str, ReceivedMessage] = {}
        with _pubsub_faults():
            while len(received) < limit:
                # What was pulled stays ours until it is released: each pull brings others.
                page = self._pull(limit - len(received))
                if not page:
                    break
                received |= {pulled.message.message_id: pulled for pulled in page}
            if received:
                self._release([pulled.ack_id for pulled in received.values()])
        return [DeadLetter.of(pulled.message) for pulled in received.values()]

    def redrive(self, limit: int) -> Iterator[DeadLetter]:
        """Put dead letters back on the topic, and yield each one that is.

        Each is removed from the dead letters only after it was published: interrupted in between, it is in both, which
        the ledger makes harmless.
        """
        done = 0
        while done < limit:
            with _pubsub_faults():
                page = self._pull(limit - done)
            if not page:
                return
            pending = [received.ack_id for received in page]
            try:
                for received in page:
                    with _pubsub_faults():
                        self._publish(received.message)
                        self._acknowledge(received.ack_id)
                    pending.remove(received.ack_id)
                    done += 1
                    yield DeadLetter.of(received.message)
            finally:
                if pending:
                    with _pubsub_faults():
                        self._release(pending)

    def _publish(self, dead: PubsubMessage) -> None:
        attributes = {name: value for name, value in dead.attributes.items() if not name.startswith(_DEAD_LETTER_MARK)}
        message = PubsubMessage(data=dead.data, attributes=attributes)
        self._publisher.publish(topic=self._topic(), messages=[message], retry=_RETRY, timeout=_CALL_TIMEOUT_S)

    def _pull(self, most: int) -> list[ReceivedMessage]:
        """Receive some dead letters; none when none arrive for some seconds."""
        try:
            answer = self._subscriber.pull(
                subscription=self._dead_letters, max_messages=min(most, _PULL_MAX), retry=None, timeout=_PULL_TIMEOUT_S
            )
        except google_errors.DeadlineExceeded:
            return []
        return list(answer.received_messages)

    def _acknowledge(self, ack_id: str) -> None:
        self._subscriber.acknowledge(
            subscription=self._dead_letters, ack_ids=[ack_id], retry=_RETRY, timeout=_CALL_TIMEOUT_S
        )

    def _release(self, ack_ids: list[str]) -> None:
        self._subscriber.modify_ack_deadline(
            subscription=self._dead_letters,
            ack_ids=ack_ids,
            ack_deadline_seconds=0,
            retry=_RETRY,
            timeout=_CALL_TIMEOUT_S,
        )

    def _topic(self) -> str:
        return f"projects/{self._project}/topics/{STRIPE_EVENTS}"

    def _subscription(self, name: str) -> str:
        return f"projects/{self._project}/subscriptions/{name}"


def connect_topic(project: str) -> TopicAdmin:
    """Return the administration of a project's topic; of the emulator's when PUBSUB_EMULATOR_HOST names one."""
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    subscriber = (
        SubscriberClient(transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(emulator)))
        if emulator
        else SubscriberClient()
    )
    return TopicAdmin(pubsub.connect(), subscriber, project)


@contextmanager
def _pubsub_faults() -> Iterator[None]:
    try:
        yield
    except (google_errors.ServiceUnavailable, google_errors.DeadlineExceeded, google_errors.RetryError) as error:
        raise Unavailable("pubsub_unavailable", "Pub/Sub does not answer - try again") from error
    except google_errors.NotFound as error:
        raise NotFound("unknown_resource", f"Pub/Sub: {error.message}") from error
