"""A purchase's way through the official emulators: signed webhook → topic → subscription → ledger → history."""

import base64
import socket
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared.adapters.firestore import database
from shared.adapters.firestore.client import Client
from shared.adapters.pubsub import EventPublisher
from shared.adapters.secret_manager import SecretStore
from shared.domain.errors import Unavailable
from tests.deployed import Deployed, deployed
from tests.fakes.identity import ADA, FakeIdentity
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.stripe_events import SECRET, load, raw, session_event, signature
from topology.topics import STRIPE_EVENTS

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_SECRET_KEY": "sk_test_1"}


class Subscription:
    """A topic `stripe-events` and a subscription to it, in a project of their own."""

    def __init__(self, emulator: str, project: str) -> None:
        self._channel = grpc.insecure_channel(emulator)
        transport = PublisherGrpcTransport(channel=self._channel)
        self.publisher = PublisherClient(transport=transport)
        self._subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))
        topic = f"projects/{project}/topics/{STRIPE_EVENTS}"
        self._name = f"projects/{project}/subscriptions/test"
        self.publisher.create_topic(name=topic)
        self._subscriber.create_subscription(name=self._name, topic=topic)

    def pull(self) -> list[dict[str, Any]]:
        """Return what is there as Pub/Sub would push it, and take it off."""
        received = self._subscriber.pull(subscription=self._name, max_messages=100, timeout=10).received_messages
        self._subscriber.acknowledge(subscription=self._name, ack_ids=[one.ack_id for one in received])
        return [
            {
                "message": {
                    "data": base64.b64encode(one.message.data).decode(),
                    "attributes": dict(one.message.attributes),
                    "messageId": one.message.message_id,
                }
            }
            for one in received
        ]

    def close(self) -> None:
        self._channel.close()


@pytest.fixture
def subscription(pubsub_emulator: str, firestore_client: firestore.Client) -> Iterator[Subscription]:
    made = Subscription(pubsub_emulator, firestore_client.project)
    yield made
    made.close()


@pytest.fixture
def project(firestore_client: firestore.Client) -> str:
    return str(firestore_client.project)


def send(webhook: Deployed, event: dict[str, Any]) -> int:
    body = raw(event)
    return webhook.post(data=body, headers={"Stripe-Signature": signature(body)}).status_code


def test_a_signed_event_ends_in_the_buyers_history(
    subscription: Subscription, firestore_client: firestore.Client, project: str
) -> None:
    books = ledger_of(firestore_client)
    with deployed(
        "stripe_webhook", ENVIRON, parts=(SecretStore(), EventPublisher(subscription.publisher, project))
    ) as hook:
        assert send(hook, load("completed_paid")) == 200
        assert send(hook, load("completed_paid")) == 200
        assert send(hook, load("completed_other_product")) == 200
    pushes = subscription.pull()
    assert [push["message"]["attributes"]["purchase_type"] for push in pushes] == ["token_package"] * 2

    with deployed("credit_tokens", ENVIRON, parts=(books, None)) as credit:
        outcomes = [credit.post(push).get_json()["outcome"] for push in pushes]
    assert outcomes == ["credited", "duplicate"]

    with deployed("get_balance", ENVIRON, parts=(FakeIdentity(), books)) as balance:
        assert balance.get(headers=ADA).get_json()["balance"] == 110
    with deployed("list_transactions", ENVIRON, parts=(FakeIdentity(), books)) as history:
        [transaction] = history.get(headers=ADA).get_json()["transactions"]
    assert (transaction["id"], transaction["balanceAfter"]) == ("purchase:cs_test_popular", 110)


def test_a_raised_claim_with_a_good_signature_is_held(
    subscription: Subscription, firestore_client: firestore.Client, project: str
) -> None:
    books = ledger_of(firestore_client)
    with deployed(
        "stripe_webhook", ENVIRON, parts=(SecretStore(), EventPublisher(subscription.publisher, project))
    ) as hook:
        assert send(hook, session_event(metadata={"tokens": "99999"})) == 200
    with deployed("credit_tokens", ENVIRON, parts=(books, None)) as credit:
        outcomes = [credit.post(push).get_json()["outcome"] for push in subscription.pull()]

    assert outcomes == ["held"]
    assert books.account("ada").balance == 0
    assert firestore_client.document("held_purchases/cs_test_popular").get().exists
    assert firestore_client.document("security_alerts/held:cs_test_popular").get().exists


def test_what_the_topic_does_not_take_is_not_acknowledged(subscription: Subscription) -> None:
    with deployed(
        "stripe_webhook", ENVIRON, parts=(SecretStore(), EventPublisher(subscription.publisher, "no-such-project"))
    ) as hook:
        assert send(hook, load("completed_paid")) == 503


@pytest.mark.parametrize("value", ["\x00", "a" * 500, "Zoë ✓", "__x__"])
def test_a_hold_of_strange_claims_is_kept(firestore_client: firestore.Client, value: str) -> None:
    with deployed("credit_tokens", ENVIRON, parts=(ledger_of(firestore_client), None)) as credit:
        event = session_event(metadata={"package_id": value, "tokens": value})
        data = base64.b64encode(raw(event)).decode()
        answer = credit.post({"message": {"data": data}})

    assert (answer.status_code, answer.get_json()["outcome"]) == (200, "held")


@pytest.fixture
def unserved_port() -> Iterator[int]:
    """A port that is taken, where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_database_that_nobody_serves_is_unavailable(unserved_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client against a closed port, with its patience cut short."""
    brief = Retry(if_exception_type(*database._TRANSIENT), initial=0.05, maximum=0.1, timeout=0.3)
    monkeypatch.setattr(database, "_RETRY_READ", brief)
    monkeypatch.setattr(database, "_RETRY_COMMIT", brief)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{unserved_port}")
    away = ledger_of(Client(project="demo"))

    for call in (lambda: away.account("ada"), lambda: away.credit(purchase(), NO_LIMITS)):
        with pytest.raises(Unavailable):
            call()
    with pytest.raises(Unavailable):
        away.transactions("ada", limit=1)
