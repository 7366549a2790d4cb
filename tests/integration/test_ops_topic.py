"""replay and dead-letters on the official Pub/Sub emulator."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from click.testing import Result
from google.api_core import exceptions as google_errors
from google.cloud import firestore
from google.pubsub_v1 import PublisherClient, PubsubMessage, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from ops.topic_admin import TopicAdmin
from tests.operators import WHO_AND_WHY, Operator
from topology.topics import DEAD_LETTERS, STRIPE_EVENTS

CREDIT_TOKENS = "credit-tokens"
MARKS = {"CloudPubSubDeadLetterSourceSubscription": CREDIT_TOKENS, "CloudPubSubDeadLetterSourceDeliveryCount": "5"}
YES = (*WHO_AND_WHY, "--yes")


class Events:
    """The topics and subscriptions of a project of their own, and the command line over them."""

    def __init__(self, emulator: str, database: firestore.Client) -> None:
        self.project = str(database.project)
        self.database = database
        self._channel = grpc.insecure_channel(emulator)
        self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=self._channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))
        for topic in (STRIPE_EVENTS, DEAD_LETTERS):
            self.publisher.create_topic(
                {"name": self.topic(topic), "message_retention_duration": {"seconds": 31 * 86_400}}
            )
        for name, topic in ((CREDIT_TOKENS, STRIPE_EVENTS), (DEAD_LETTERS, DEAD_LETTERS)):
            self.subscriber.create_subscription(name=self.subscription(name), topic=self.topic(topic))

    def close(self) -> None:
        self._channel.close()

    def topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        return f"projects/{self.project}/subscriptions/{name}"

    def publish(self, topic: str, *numbers: int, **attributes: str) -> None:
        messages = [
            PubsubMessage(
                data=f'{{"id": "evt_{number}"}}'.encode(),
                attributes={"event_id": f"evt_{number}", "event_type": "charge.refunded", **attributes},
            )
            for number in numbers
        ]
        self.publisher.publish(topic=self.topic(topic), messages=messages)

    def take(self, count: int) -> list[PubsubMessage]:
        """Take so many messages off the subscription of credit_tokens."""
        taken: list[PubsubMessage] = []
        while len(taken) < count:
            name = self.subscription(CREDIT_TOKENS)
            page = self.subscriber.pull(subscription=name, max_messages=100, timeout=10).received_messages
            self.subscriber.acknowledge(subscription=name, ack_ids=[one.ack_id for one in page])
            taken += [one.message for one in page]
        return taken

    def operator(self, publisher: Any = None) -> Operator:  # noqa: ANN401 - a stand-in for the client
        topic = TopicAdmin(publisher or self.publisher, self.subscriber, self.project)
        return Operator(emulated=self.database, topic=lambda: topic)

    def run(self, *words: str) -> Result:
        return self.operator().run(*words)

    def read(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        return self.operator().read(*words)

    def dead(self, *words: str) -> list[str]:
        """Return the dead letters' events, sorted: Pub/Sub gives them in any order."""
        return sorted(one["eventId"] for one in self.read("dead-letters", "list", *words))

    def actions(self) -> list[str]:
        return [one["evidence"]["action"] for one in self.read("alerts", "list", "--status", "closed")]


@pytest.fixture
def events(pubsub_emulator: str, firestore_client: firestore.Client) -> Iterator[Events]:
    made = Events(pubsub_emulator, firestore_client)
    yield made
    made.close()


# --- dead letters


def test_looking_at_dead_letters_leaves_them_there(events: Events) -> None:
    events.publish(DEAD_LETTERS, 1, 2, 3, **MARKS)

    assert events.dead() == ["evt_1", "evt_2", "evt_3"]
    assert events.dead() == ["evt_1", "evt_2", "evt_3"]
    assert len(events.dead("--limit", "2")) == 2
    shown = events.run("dead-letters", "list").stdout
    assert "charge.refunded" in shown
    assert CREDIT_TOKENS in shown


def test_a_redriven_message_is_on_the_topic_as_it_was_and_off_the_dead_letters(events: Events) -> None:
    events.publish(DEAD_LETTERS, 1, 2, purchase_type="token_package", **MARKS)

    done = events.read("dead-letters", "redrive", *YES)

    assert (done["before"]["deadLetters"], done["after"]["deadLetters"]) == (2, 0)
    taken = sorted(events.take(2), key=lambda message: message.data)
    assert [message.data for message in taken] == [b'{"id": "evt_1"}', b'{"id": "evt_2"}']
    assert dict(taken[0].attributes) == {
        "event_id": "evt_1",
        "event_type": "charge.refunded",
        "purchase_type": "token_package",
    }
    assert events.actions() == ["dead-letters redrive"]


def test_a_redrive_goes_no_further_than_its_limit(events: Events) -> None:
    events.publish(DEAD_LETTERS, *range(5), **MARKS)

    events.read("dead-letters", "redrive", "--limit", "2", *YES)

    assert len(events.take(2)) == 2
    assert len(events.dead()) == 3


def test_what_could_not_be_published_stays_a_dead_letter(events: Events) -> None:
    class Refusing:
        def publish(self, **_: object) -> None:
            raise google_errors.DeadlineExceeded("no")

    events.publish(DEAD_LETTERS, 1, **MARKS)

    result = events.operator(Refusing()).run("dead-letters", "redrive", *YES)

    assert result.exit_code == 1
    assert "Pub/Sub does not answer" in result.stderr
    assert events.dead("--limit", "1") == ["evt_1"]


def test_without_dead_letters_nothing_is_done(events: Events) -> None:
    assert "nothing changed" in events.read("dead-letters", "redrive", *YES)["outcome"]
    assert events.actions() == []


# --- replay


def test_a_replay_delivers_again_what_came_since(events: Events) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    events.publish(STRIPE_EVENTS, 1, 2)
    events.take(2)

    events.read("replay", "--from", before.isoformat(), *YES)

    assert sorted(message.attributes["event_id"] for message in events.take(2)) == ["evt_1", "evt_2"]
    assert events.actions() == ["replay"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "yesterday"), "is not a time such as"),
        (("--from", "2026-11-20T00:00:00"), "lacks its time zone"),
        (("--from", "2999-01-01T00:00:00Z"), "is in the future"),
        (("--from", "2020-01-01T00:00:00Z"), "more than 31 days ago"),
        ((), "Missing option '--from'"),
        (("--from", "NOW", "--subscription", "none"), "There is no subscription none"),
        (("--from", "NOW", "--subscription", DEAD_LETTERS), f"does not belong to the topic {STRIPE_EVENTS}"),
    ],
)
def test_a_replay_that_makes_no_sense_is_refused(events: Events, words: tuple[str, ...], message: str) -> None:
    now = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()

    result = events.run("replay", *(now if word == "NOW" else word for word in words), *YES)

    assert result.exit_code != 0
    [line] = result.stderr.splitlines()
    assert message in line
    assert events.actions() == []
