"""A Pub/Sub publisher in memory."""

from types import SimpleNamespace
from typing import cast

from google.pubsub_v1 import PublisherClient, PubsubMessage


class FakePublisher:
    """Takes messages as Pub/Sub's publisher does, or fails as it does."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.published: list[tuple[str, PubsubMessage]] = []
        self.timeout: float | None = None

    def publish(self, *, topic: str, messages: list[PubsubMessage], retry: object, timeout: float) -> SimpleNamespace:
        self.timeout = timeout
        if self.error:
            raise self.error
        self.published += [(topic, message) for message in messages]
        return SimpleNamespace(message_ids=[str(len(self.published))])

    def as_client(self) -> PublisherClient:
        return cast("PublisherClient", self)
