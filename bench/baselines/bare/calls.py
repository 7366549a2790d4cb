"""The calls that a credit and a webhook cannot avoid, made with the same clients as the product's."""

import uuid

import grpc
from google.cloud import firestore
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport


def credit(database: firestore.Client, uid: str) -> None:
    """Read the account; create an entry, and write the account and what its owner sees, in one commit."""
    account = database.document(f"accounts/{uid}")
    read = account.get()
    balance = (read.to_dict() or {}).get("balance", 0) + 110
    batch = database.batch()
    entry = {"userId": uid, "amount": 110, "balanceAfter": balance, "timestamp": firestore.SERVER_TIMESTAMP}
    batch.create(database.document(f"transactions/{uuid.uuid4().hex}"), entry)
    if read.exists:
        unmoved = database.write_option(last_update_time=read.update_time)
        batch.update(account, {"balance": balance}, option=unmoved)
    else:
        batch.create(account, {"balance": balance})
    batch.set(database.document(f"users/{uid}"), {"tokenBalance": balance}, merge=True)
    batch.commit()


def publisher(emulator: str) -> PublisherClient:
    """Return a client of the same kind as the webhook's."""
    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(emulator)))


def publish(client: PublisherClient, topic: str, data: bytes) -> None:
    """Publish one message to a topic (projects/…/topics/…)."""
    client.publish(topic=topic, messages=[PubsubMessage(data=data)])
