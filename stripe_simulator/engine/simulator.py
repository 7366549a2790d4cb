"""The whole simulator as one object: the store, what it emits, and how it may be made to fail."""

import copy
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from stripe_simulator.engine.faults import Faults
from stripe_simulator.engine.idempotency import IdempotencyKeys
from stripe_simulator.engine.objects import StripeObject, build
from stripe_simulator.engine.store import Store
from stripe_simulator.engine.webhooks import Dispatcher
from stripe_simulator.settings import API_VERSION, Settings

request_cause: ContextVar[StripeObject | None] = ContextVar("request_cause", default=None)
"""The API request under way, `{"id", "idempotency_key"}`: the events that it causes carry it."""


class Simulator:
    """What every operation works on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store()
        self.webhooks = Dispatcher(self.store, settings)
        self.idempotency = IdempotencyKeys()
        self.faults = Faults()
        self.tax_percent = Decimal(0)
        """What a session with `automatic_tax[enabled]` adds."""
        for url in settings.webhook_urls:
            endpoint = build("webhook_endpoint", url=url, api_version=API_VERSION)
            self.webhooks.register(self.store.add(endpoint), settings.webhook_secrets)

    def emit(
        self, event_type: str, subject: StripeObject, previous_attributes: dict[str, Any] | None = None
    ) -> StripeObject:
        """Record an event with a snapshot of its object, and send it to the webhook endpoints. The lock is held."""
        data: StripeObject = {"object": copy.deepcopy(subject)}
        if previous_attributes is not None:
            data["previous_attributes"] = copy.deepcopy(previous_attributes)
        cause = request_cause.get() or {"id": None, "idempotency_key": None}
        event = build("event", api_version=API_VERSION, data=data, request=dict(cause), type=event_type)
        self.store.add(event)
        self.webhooks.publish(event)
        return event

    def change(self, event_type: str, subject: StripeObject, **values: object) -> StripeObject | None:
        """Set fields of an object and emit its event with `previous_attributes`, if anything changed."""
        previous = {name: subject[name] for name, value in values.items() if subject[name] != value}
        if not previous:
            return None
        subject.update(values)
        return self.emit(event_type, subject, previous)

    def stop(self) -> None:
        """Stop the webhook threads."""
        self.webhooks.stop()
