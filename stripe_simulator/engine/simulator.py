"""The whole simulator: the accounts, and what they share."""

import copy
import threading
from contextvars import ContextVar
from typing import Any

from stripe_simulator.engine.behavior import Behavior
from stripe_simulator.engine.clock import Clock
from stripe_simulator.engine.faults import Faults
from stripe_simulator.engine.idempotency import IdempotencyKeys
from stripe_simulator.engine.objects import StripeObject, build
from stripe_simulator.engine.store import Store
from stripe_simulator.engine.webhooks import Dispatcher
from stripe_simulator.settings import API_VERSION, Settings

request_cause: ContextVar[StripeObject | None] = ContextVar("request_cause", default=None)
"""The current API request, `{"id", "idempotency_key"}`: the events that it causes carry it."""


class Simulator:
    """Everything behind the HTTP interface; `lock` guards all of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.clock = Clock()
        self.behavior = Behavior()
        self.faults = Faults()
        self.webhooks = Dispatcher(self.lock, settings)
        self._accounts: dict[str | None, Account] = {}
        own = self.account(None)
        for url in settings.webhook_urls:
            endpoint = own.create("webhook_endpoint", url=url, api_version=API_VERSION)
            self.webhooks.register(endpoint, settings.webhook_secrets)

    def account(self, account_id: str | None) -> "Account":
        """Return a connected account, which exists from its first use on; None is the shop's own account."""
        with self.lock:
            if account_id not in self._accounts:
                self._accounts[account_id] = Account(self, account_id)
            return self._accounts[account_id]

    @property
    def accounts(self) -> list["Account"]:
        """Every account in use, the shop's own first."""
        return list(self._accounts.values())

    def stop(self) -> None:
        """Stop the webhook threads."""
        self.webhooks.stop()


class Account:
    """One Stripe account: its objects, and the events about them. Resources work on this."""

    def __init__(self, simulator: Simulator, account_id: str | None) -> None:
        self.id = account_id
        self.simulator = simulator
        self.clock = simulator.clock
        self.webhooks = simulator.webhooks
        self.store = Store()
        self.idempotency = IdempotencyKeys(simulator.clock)

    @property
    def behavior(self) -> Behavior:
        """What Stripe does now where it varies; the same for every account."""
        return self.simulator.behavior

    def url(self, path: str) -> str:
        """Return the address of one of the simulator's own pages."""
        return self.simulator.settings.base_url + path

    def build(self, kind: str, **values: object) -> StripeObject:
        """Build an object created now; it is not stored."""
        built = build(kind, **values)
        if "created" in built:
            built["created"] = self.clock.now()
        return built

    def create(self, kind: str, **values: object) -> StripeObject:
        """Build an object and store it."""
        return self.store.add(self.build(kind, **values))

    def emit(
        self, event_type: str, subject: StripeObject, previous_attributes: dict[str, Any] | None = None
    ) -> StripeObject:
        """Record an event with a snapshot of its object, and send it to the webhook endpoints. The lock is held."""
        data: StripeObject = {"object": copy.deepcopy(subject)}
        if previous_attributes is not None:
            data["previous_attributes"] = copy.deepcopy(previous_attributes)
        cause = request_cause.get() or {"id": None, "idempotency_key": None}
        event = self.create("event", api_version=API_VERSION, data=data, request=dict(cause), type=event_type)
        if self.id is not None:
            event["account"] = self.id
        self.webhooks.publish(event)
        return event

    def change(self, event_type: str, subject: StripeObject, **values: object) -> StripeObject | None:
        """Set fields of an object and emit its event with `previous_attributes`, if anything changed."""
        previous = {name: subject.get(name) for name, value in values.items() if subject.get(name) != value}
        if not previous:
            return None
        subject.update(values)
        return self.emit(event_type, subject, previous)
