"""Webhooks: signed as Stripe signs, delivered at least once, retried with growing pauses.

Signature: https://docs.stripe.com/webhooks#verify-manually. Retries, and that 3xx is a failure:
https://docs.stripe.com/webhooks#retries. Stripe goes on for three days; here the pauses are short, for a laptop.
"""

import hashlib
import heapq
import hmac
import itertools
import json
import logging
import random
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import httpx

from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.store import Store
from stripe_simulator.settings import Settings

Mode = Literal["deliver", "drop", "duplicate", "shuffle"]
Outcome = Literal["pending", "delivered", "failed", "dropped"]

_SENDERS = 16
_RESENDERS_MAX = 64
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
}
_log = logging.getLogger(__name__)


def sign(payload: str, secrets: tuple[str, ...], timestamp: int) -> str:
    """Make the Stripe-Signature header: `t=<seconds>,v1=<HMAC-SHA256 of "t.payload">`, one v1 for each secret."""
    message = f"{timestamp}.{payload}".encode()
    signatures = [hmac.new(secret.encode(), message, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    event: StripeObject
    endpoint: StripeObject
    payload: str
    attempts: int = 0
    outcome: Outcome = "pending"
    last_status: int | None = None


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    delivery: Delivery = field(compare=False)


class Dispatcher:
    """Delivers events to the webhook endpoints in the store, on its own threads."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.mode: Mode = "deliver"
        self._store = store
        self._settings = settings
        self._secrets: dict[str, tuple[str, ...]] = {}
        self._changed = threading.Condition(store.lock)
        self._deliveries: dict[str, list[Delivery]] = {}
        self._pending: dict[int, Delivery] = {}
        self._outcomes: Counter[Outcome] = Counter()
        self._attempts = 0
        self._queue: list[_Due] = []
        self._order = itertools.count()
        self._http = httpx.Client(timeout=settings.webhook_timeout_s, verify=_certificates())
        self._senders = ThreadPoolExecutor(max_workers=_SENDERS, thread_name_prefix="webhook")
        self._stopped = False
        self._clock = threading.Thread(target=self._run, name="webhook-clock", daemon=True)
        self._clock.start()

    def register(self, endpoint: StripeObject, secrets: tuple[str, ...]) -> None:
        """Remember what to sign an endpoint's webhooks with: Stripe shows a secret only once, so no object has it."""
        self._secrets[endpoint["id"]] = secrets

    def publish(self, event: StripeObject) -> None:
        """Send a new event to every endpoint that listens to its type, as the mode says. The lock is held."""
        endpoints = self._listeners(event)
        event["pending_webhooks"] = len(endpoints)
        payload = json.dumps(event, indent=2)
        copies = 2 if self.mode == "duplicate" else 1
        deliveries = [Delivery(event, endpoint, payload) for endpoint in endpoints for _ in range(copies)]
        self._deliveries[event["id"]] = deliveries
        for delivery in deliveries:
            if self.mode == "drop":
                self._end(delivery, "dropped")
            else:
                self._pending[id(delivery)] = delivery
                window_s = self._settings.shuffle_window_s if self.mode == "shuffle" else 0.0
                self._schedule(delivery, random.uniform(0, window_s))  # noqa: S311 - an order, not a secret

    def delivered(self, event: StripeObject) -> bool:
        """Whether every endpoint has the event: Stripe's `delivery_success`."""
        return all(delivery.outcome == "delivered" for delivery in self._deliveries[event["id"]])

    def wait_for_answer(self, event: StripeObject, timeout_s: float) -> None:
        """Wait until each endpoint has answered the event once, or until the time is up."""
        with self._changed:
            deliveries = self._deliveries[event["id"]]
            self._changed.wait_for(
                lambda: all(sent.attempts or sent.outcome == "dropped" for sent in deliveries), timeout_s
            )

    def resend(self, event: StripeObject, times: int) -> list[dict[str, Any]]:
        """Send an event again, all copies at the same moment; answer `[{"endpoint", "url", "status"}]`."""
        with self._store.lock:
            again = [Delivery(event, listener, json.dumps(event, indent=2)) for listener in self._listeners(event)]
        if not again:
            return []
        copies = again * times
        with ThreadPoolExecutor(max_workers=min(_RESENDERS_MAX, len(copies))) as together:
            statuses = list(together.map(self._post, copies))
        with self._store.lock:
            for sent, status in zip(copies, statuses, strict=True):
                if _accepted(status):
                    self._heal(event, sent.endpoint)
        return [
            {"endpoint": sent.endpoint["id"], "url": sent.endpoint["url"], "status": status}
            for sent, status in zip(copies, statuses, strict=True)
        ]

    def summary(self) -> dict[str, Any]:
        """The mode, whether nothing is under way, and how many deliveries there are of each outcome."""
        with self._store.lock:
            return {
                "mode": self.mode,
                "idle": not self._pending,
                "attempts": self._attempts,
                "pending": len(self._pending),
                "delivered": self._outcomes["delivered"],
                "failed": self._outcomes["failed"],
                "dropped": self._outcomes["dropped"],
                "pending_deliveries": [
                    {
                        "event": sent.event["id"],
                        "type": sent.event["type"],
                        "endpoint": sent.endpoint["id"],
                        "attempts": sent.attempts,
                        "last_status": sent.last_status,
                    }
                    for sent in self._pending.values()
                ],
            }

    def stop(self) -> None:
        """Stop delivering; what is under way ends, what waits is dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._clock.join()
        self._senders.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    def _listeners(self, event: StripeObject) -> list[StripeObject]:
        return list(self._store.newest("webhook_endpoint", lambda endpoint: _listens(endpoint, event["type"])))

    def _schedule(self, delivery: Delivery, delay_s: float) -> None:
        heapq.heappush(self._queue, _Due(time.monotonic() + delay_s, next(self._order), delivery))
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._queue or self._queue[0].at > time.monotonic()):
                    self._changed.wait(self._queue[0].at - time.monotonic() if self._queue else None)
                if self._stopped:
                    return
                due = heapq.heappop(self._queue)
            self._senders.submit(self._attempt, due.delivery)

    def _attempt(self, delivery: Delivery) -> None:
        status = self._post(delivery)
        with self._changed:
            delivery.attempts += 1
            delivery.last_status = status
            if _accepted(status):
                self._end(delivery, "delivered")
            elif delivery.attempts >= self._settings.attempts_max or self._is_deleted(delivery.endpoint):
                self._end(delivery, "failed")
            else:
                self._schedule(delivery, self._pause_s(delivery.attempts))
            self._changed.notify_all()

    def _end(self, delivery: Delivery, outcome: Outcome) -> None:
        """Record what became of a delivery; the event's `pending_webhooks` follows."""
        self._pending.pop(id(delivery), None)
        if delivery.outcome != "pending":
            self._outcomes[delivery.outcome] -= 1
        self._outcomes[outcome] += 1
        delivery.outcome = outcome
        siblings = self._deliveries[delivery.event["id"]]
        waiting = {sent.endpoint["id"] for sent in siblings if sent.outcome != "delivered"}
        delivery.event["pending_webhooks"] = len(waiting)

    def _heal(self, event: StripeObject, endpoint: StripeObject) -> None:
        """What could not be delivered to an endpoint has now been resent."""
        for delivery in self._deliveries[event["id"]]:
            if delivery.endpoint is endpoint and delivery.outcome in ("dropped", "failed"):
                self._end(delivery, "delivered")

    def _is_deleted(self, endpoint: StripeObject) -> bool:
        return self._store.find("webhook_endpoint", endpoint["id"]) is None

    def _pause_s(self, attempts: int) -> float:
        doublings = min(attempts - 1, 30)
        longest = min(self._settings.retry_first_s * 2.0**doublings, self._settings.retry_longest_s)
        return longest * random.uniform(0.8, 1.0)  # noqa: S311 - jitter, not a secret

    def _post(self, delivery: Delivery) -> int | None:
        """Make one attempt with a fresh signature; answer the status, or None when nobody answered."""
        with self._store.lock:
            self._attempts += 1
            url = delivery.endpoint["url"]
            secrets = self._secrets[delivery.endpoint["id"]]
        headers = {**_HEADERS, "Stripe-Signature": sign(delivery.payload, secrets, int(time.time()))}
        try:
            return self._http.post(url, content=delivery.payload, headers=headers).status_code
        except httpx.HTTPError as error:
            _log.info("webhook %s not delivered: %s", delivery.event["id"], error)
            return None


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities to trust, read once: it takes longer than all the rest of a start."""
    return httpx.create_ssl_context()


def _accepted(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - what HTTP calls success


def _listens(endpoint: StripeObject, event_type: str) -> bool:
    events = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in events or event_type in events)
