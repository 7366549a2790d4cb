"""The part of Pub/Sub between the webhook and credit_tokens: at least once, in any order, until it is acknowledged.

The official emulator delivers two messages at a time, in order, and repeats once per second: it is too kind, and too
slow. Here the harness chooses order, copies and delays, and can replay everything. tests/e2e uses the emulator.
Source: https://cloud.google.com/pubsub/docs/push
"""

import base64
import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import grpc
import httpx
from google.pubsub_v1.types import PublishRequest, PublishResponse

_PUSHERS = 16
_RETRY_FIRST_S = 0.1
_RETRY_LONGEST_S = 1.0
_PUSH_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Disorder:
    """How kind delivery is: copies per message, and the longest random delay of each copy, in seconds."""

    copies: int = 1
    delay_max_s: float = 0.0


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    body: Mapping[str, Any] = field(compare=False)
    attempts: int = field(default=0, compare=False)


class Topic:
    """Takes messages over gRPC, and pushes each to one of the subscriber's instances until that acknowledges it."""

    def __init__(self, subscribers: Callable[[], list[str]], seed: int) -> None:
        self.disorder = Disorder()
        self._subscribers = subscribers
        self._random = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._changed = threading.Condition()
        self._queue: list[_Due] = []
        self._log: list[Mapping[str, Any]] = []
        self._order = itertools.count()
        self._on_the_way = 0
        self._stopped = False
        self._http = httpx.Client(timeout=_PUSH_TIMEOUT_S)
        self._pushers = ThreadPoolExecutor(_PUSHERS)
        for _ in range(_PUSHERS):
            self._pushers.submit(self._push_messages)

    def publish(self, path: str, request: bytes, _context: grpc.ServicerContext) -> list[bytes]:
        """Answer the method Publish: the message is kept, whatever becomes of the answer."""
        if not path.endswith("/Publish"):
            raise NotImplementedError(path)
        ids = [self.add(message.data, message.attributes) for message in PublishRequest.deserialize(request).messages]
        return [PublishResponse.serialize(PublishResponse(message_ids=ids))]

    def add(self, data: bytes, attributes: Mapping[str, str]) -> str:
        """Put a message on the topic and return its id."""
        with self._changed:
            message_id = str(len(self._log) + 1)
            body = {
                "message": {
                    "data": base64.b64encode(data).decode(),
                    "attributes": dict(attributes),
                    "messageId": message_id,
                    "publishTime": datetime.now(UTC).isoformat(),
                },
                "subscription": "projects/demo/subscriptions/credit-tokens",
            }
            self._log.append(body)
            self._schedule(body)
        return message_id

    def replay(self) -> int:
        """Deliver everything again, from the topic's beginning; return how many messages that is."""
        with self._changed:
            for body in self._log:
                self._schedule(body)
            return len(self._log)

    @property
    def unacknowledged(self) -> int:
        """How many messages still have to be delivered."""
        with self._changed:
            return len(self._queue) + self._on_the_way

    def stop(self) -> None:
        """Deliver no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._pushers.shutdown()
        self._http.close()

    def _schedule(self, body: Mapping[str, Any]) -> None:
        for _ in range(self.disorder.copies):
            at = time.monotonic() + self._random.uniform(0, self.disorder.delay_max_s)
            heapq.heappush(self._queue, _Due(at, next(self._order), body))
        self._changed.notify_all()

    def _push_messages(self) -> None:
        while (due := self._next()) is not None:
            acknowledged = self._push(due)
            with self._changed:
                self._on_the_way -= 1
                if not acknowledged:
                    pause_s = min(_RETRY_FIRST_S * 2.0**due.attempts, _RETRY_LONGEST_S)
                    due.at, due.attempts = time.monotonic() + pause_s, due.attempts + 1
                    heapq.heappush(self._queue, due)
                self._changed.notify_all()

    def _next(self) -> _Due | None:
        with self._changed:
            while not self._stopped and (not self._queue or self._queue[0].at > time.monotonic()):
                self._changed.wait(self._queue[0].at - time.monotonic() if self._queue else None)
            if self._stopped:
                return None
            self._on_the_way += 1
            return heapq.heappop(self._queue)

    def _push(self, due: _Due) -> bool:
        """Push a message once; tell whether it was acknowledged. Nobody may answer: the instance was killed."""
        url = self._random.choice(self._subscribers())
        try:
            return self._http.post(url, json=due.body).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False
