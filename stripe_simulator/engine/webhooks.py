"""Webhooks: signed as Stripe signs them, delivered at least once, retried with growing pauses.

3xx is a failure: https://docs.stripe.com/webhooks#retries. Stripe keeps trying for three days; here the pauses are
short enough for a laptop.
"""

import heapq
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
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

import httpx

from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.signatures import sign
from stripe_simulator.settings import Settings

Mode = Literal["deliver", "drop", "duplicate", "shuffle", "delay"]
Outcome = Literal["pending", "delivered", "failed", "dropped"]

_SENDERS = 16
_RESENDERS_MAX = 64
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to new events: `mode` applies to those whose type matches one of `types`, the rest is delivered."""

    mode: Mode = "deliver"
    types: tuple[str, ...] = ("*",)
    delay_s: float = 1.0
    """How late `delay` delivers."""
    connected: bool = False
    """Whether every endpoint gets connected accounts' events too, as if it had been created with `connect`."""

    def mode_for(self, event_type: str) -> Mode:
        """Return what happens to an event of this type."""
        return self.mode if any(fnmatchcase(event_type, pattern) for pattern in self.types) else "deliver"


@dataclass(slots=True)
class _Listener:
    """An endpoint, with what its object does not show."""

    endpoint: StripeObject
    secrets: tuple[str, ...]
    account: str | None
    connect: bool

    def hears(self, event: StripeObject, *, connected: bool) -> bool:
        """Whether the endpoint gets this event; `connected` lets it hear connected accounts as well."""
        source = event.get("account")
        own = source == self.account and not (self.connect and self.account is None)
        foreign = source is not None and self.account is None and (self.connect or connected)
        types = self.endpoint["enabled_events"]
        return (own or foreign) and self.endpoint["status"] == "enabled" and ("*" in types or event["type"] in types)


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
    """Delivers events to the registered webhook endpoints, on its own threads."""

    def __init__(self, lock: threading.RLock, settings: Settings) -> None:
        self.plan = Plan()
        self._settings = settings
        self._listeners: dict[str, _Listener] = {}
        self._changed = threading.Condition(lock)
        self._deliveries: dict[str, list[Delivery]] = {}
        self._pending: dict[int, Delivery] = {}
        self._outcomes: Counter[Outcome] = Counter()
        self._attempts = 0
        self._queue: list[_Due] = []
        self._order = itertools.count()
        self._http = httpx.Client(timeout=settings.webhook_timeout_s, verify=_certificates())
        self._senders = ThreadPoolExecutor(max_workers=_SENDERS, thread_name_prefix="webhook")
        self._stopped = False
        self._scheduler = threading.Thread(target=self._run, name="webhook-scheduler", daemon=True)
        self._scheduler.start()

    def register(
        self, endpoint: StripeObject, secrets: tuple[str, ...], *, account: str | None = None, connect: bool = False
    ) -> None:
        """Deliver to an endpoint from now on. Stripe shows a secret only once, so the object does not hold it."""
        self._listeners[endpoint["id"]] = _Listener(endpoint, secrets, account, connect)

    def unregister(self, endpoint_id: str) -> None:
        """Forget an endpoint: deliveries on their way to it fail."""
        del self._listeners[endpoint_id]

    def publish(self, event: StripeObject) -> None:
        """Send a new event to every endpoint that listens to it, as the plan says. The lock is held."""
        endpoints = self._endpoints_for(event)
        event["pending_webhooks"] = len(endpoints)
        payload = json.dumps(event, indent=2)
        mode = self.plan.mode_for(event["type"])
        copies = 2 if mode == "duplicate" else 1
        deliveries = [Delivery(event, endpoint, payload) for endpoint in endpoints for _ in range(copies)]
        self._deliveries[event["id"]] = deliveries
        for delivery in deliveries:
            if mode == "drop":
                self._end(delivery, "dropped")
            else:
                self._pending[id(delivery)] = delivery
                self._schedule(delivery, self._first_pause_s(mode))

    def delivered(self, event: StripeObject) -> bool:
        """Whether every endpoint has the event: Stripe's `delivery_success`."""
        return all(delivery.outcome == "delivered" for delivery in self._deliveries[event["id"]])

    def wait_for_answer(self, event: StripeObject, timeout_s: float) -> None:
        """Wait until each endpoint has answered the event once, or until the time is up."""
        with self._changed:
            deliveries = self._deliveries[event["id"]]
            self._changed.wait_for(
                lambda: all(delivery.attempts or delivery.outcome == "dropped" for delivery in deliveries), timeout_s
            )

    def resend(self, event: StripeObject, times: int) -> list[dict[str, Any]]:
        """Send an event again, all copies at once; return `[{"endpoint", "url", "status"}]`."""
        with self._changed:
            payload = json.dumps(event, indent=2)
            copies = [Delivery(event, endpoint, payload) for endpoint in self._endpoints_for(event)] * times
        if not copies:
            return []
        with ThreadPoolExecutor(max_workers=min(_RESENDERS_MAX, len(copies))) as senders:
            statuses = list(senders.map(self._post, copies))
        with self._changed:
            for copy, status in zip(copies, statuses, strict=True):
                if _accepted(status):
                    self._recover(event, copy.endpoint)
        return [
            {"endpoint": copy.endpoint["id"], "url": copy.endpoint["url"], "status": status}
            for copy, status in zip(copies, statuses, strict=True)
        ]

    def summary(self) -> dict[str, Any]:
        """Return the plan, whether nothing is on its way, and how many deliveries there are of each outcome."""
        with self._changed:
            return {
                "mode": self.plan.mode,
                "types": list(self.plan.types),
                "delay_s": self.plan.delay_s,
                "connected": self.plan.connected,
                "idle": not self._pending,
                "attempts": self._attempts,
                "pending": len(self._pending),
                "delivered": self._outcomes["delivered"],
                "failed": self._outcomes["failed"],
                "dropped": self._outcomes["dropped"],
                "pending_deliveries": [
                    {
                        "event": delivery.event["id"],
                        "type": delivery.event["type"],
                        "endpoint": delivery.endpoint["id"],
                        "attempts": delivery.attempts,
                        "last_status": delivery.last_status,
                    }
                    for delivery in self._pending.values()
                ],
            }

    def stop(self) -> None:
        """Stop delivering: attempts in progress finish, the rest is abandoned."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._scheduler.join()
        self._senders.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    def _endpoints_for(self, event: StripeObject) -> list[StripeObject]:
        return [
            listener.endpoint
            for listener in self._listeners.values()
            if listener.hears(event, connected=self.plan.connected)
        ]

    def _first_pause_s(self, mode: Mode) -> float:
        if mode == "shuffle":
            return random.uniform(0, self._settings.shuffle_window_s)  # noqa: S311 - an order, not a secret
        return self.plan.delay_s if mode == "delay" else 0.0

    def _schedule(self, delivery: Delivery, pause_s: float) -> None:
        heapq.heappush(self._queue, _Due(time.monotonic() + pause_s, next(self._order), delivery))
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
            elif delivery.attempts >= self._settings.attempts_max or delivery.endpoint["id"] not in self._listeners:
                self._end(delivery, "failed")
            else:
                self._schedule(delivery, self._retry_pause_s(delivery.attempts))
            self._changed.notify_all()

    def _end(self, delivery: Delivery, outcome: Outcome) -> None:
        """Record a delivery's outcome, and keep the event's `pending_webhooks` in step."""
        self._pending.pop(id(delivery), None)
        if delivery.outcome != "pending":
            self._outcomes[delivery.outcome] -= 1
        self._outcomes[outcome] += 1
        delivery.outcome = outcome
        siblings = self._deliveries[delivery.event["id"]]
        waiting = {sibling.endpoint["id"] for sibling in siblings if sibling.outcome != "delivered"}
        delivery.event["pending_webhooks"] = len(waiting)

    def _recover(self, event: StripeObject, endpoint: StripeObject) -> None:
        """Count what an endpoint missed as delivered, now that it has been sent again."""
        for delivery in self._deliveries[event["id"]]:
            if delivery.endpoint is endpoint and delivery.outcome in ("dropped", "failed"):
                self._end(delivery, "delivered")

    def _retry_pause_s(self, attempts: int) -> float:
        doublings = min(attempts - 1, 30)
        longest = min(self._settings.retry_first_s * 2.0**doublings, self._settings.retry_longest_s)
        return longest * random.uniform(0.8, 1.0)  # noqa: S311 - jitter, not a secret

    def _post(self, delivery: Delivery) -> int | None:
        """Make one attempt with a fresh signature; return the status, or None if nobody answered."""
        with self._changed:
            listener = self._listeners.get(delivery.endpoint["id"])
            if listener is None:
                return None
            self._attempts += 1
            url, secrets = listener.endpoint["url"], listener.secrets
        headers = {**_HEADERS, "Stripe-Signature": sign(delivery.payload, secrets, int(time.time()))}
        try:
            return self._http.post(url, content=delivery.payload, headers=headers).status_code
        except httpx.HTTPError as error:
            _log.info("webhook %s not delivered: %s", delivery.event["id"], error)
            return None


@cache
def _certificates() -> ssl.SSLContext:
    """Return the trusted authorities, loaded once: that takes longer than the rest of a start."""
    return httpx.create_ssl_context()


def _accepted(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - what HTTP calls success
