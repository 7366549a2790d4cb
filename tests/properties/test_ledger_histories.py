"""The ledger over histories of refunds and disputes: as many tokens and alerts as a toy Stripe says, in any order.

HISTORIES and SEED choose how many random histories are checked and which; a failure names its history.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.adapters.firestore.documents import SECURITY_ALERTS
from shared.domain.crediting import Credited
from shared.domain.payment_alerts import alerts_of
from shared.domain.payment_events import fact_of
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.properties.toy_stripe import PAYMENT, Json, ToyStripe
from tests.purchases import NO_LIMITS, purchase
from tests.stripe_events import push_of, recent, session_event

HISTORIES = int(os.environ.get("HISTORIES", "1500"))
SEED = os.environ.get("SEED", "1")


def delivered(stripe: ToyStripe) -> list[Json | None]:
    """Return the events as they are delivered: in any order, some twice, and the purchase, None, among them."""
    again = stripe.random.choices(stripe.events, k=2) if stripe.events else []
    deliveries: list[Json | None] = [None, None, *stripe.events, *again]
    stripe.random.shuffle(deliveries)
    return deliveries


def test_the_ledger_ends_as_a_toy_stripe_says() -> None:
    for number in range(HISTORIES // 10):
        stripe = ToyStripe(Random(f"{SEED}: ledger {number}"), paid=1082, tax=83)
        stripe.live(8)
        bought = purchase("cs_1", paid_cents=1082, tax_cents=83, payment_intent_id=PAYMENT)
        store = FakeFirestore()
        ledger = ledger_of(store.as_client())

        credited = 0
        for event in delivered(stripe):
            if event is None:
                credited += isinstance(ledger.credit(bought, NO_LIMITS), Credited)
            else:
                fact = fact_of(event)
                assert fact is not None
                ledger.reverse("ada", *fact)

        entries = ledger.transactions("ada", limit=100).entries
        assert credited == 1
        assert ledger.account("ada").balance == sum(entry.amount for entry in entries)
        assert ledger.account("ada").balance == 110 - stripe.tokens_gone(110), f"history {number}: {stripe.events}"
        raised = {path: store.fields_of(f"{SECURITY_ALERTS}/{path}") for path in alert_ids(store)}
        called_for = {alert.id: alert for alert in alerts_of("ada", PAYMENT, ledger.facts_of_payment(PAYMENT))}
        assert raised.keys() == called_for.keys()
        for id_, fields in raised.items():
            assert fields is not None
            assert (fields["seen"], fields["severity"]) == (called_for[id_].evidence, called_for[id_].severity)


def alert_ids(store: FakeFirestore) -> list[str]:
    return [path.removeprefix(f"{SECURITY_ALERTS}/") for path in store.paths(SECURITY_ALERTS)]


# --- with losses that a reconciliation repairs

SETTINGS = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}


@dataclass
class EventList:
    """Stripe's API, as far as a reconciliation asks it: its events, newest first."""

    events_oldest_first: list[Json]

    def events(self, types: Iterable[str], *, since: int, after: str | None = None) -> Iterator[Json]:
        newest_first = [event for event in reversed(self.events_oldest_first) if event["type"] in set(types)]
        ids = [event["id"] for event in newest_first]
        return iter(newest_first[ids.index(after) + 1 if after else 0 :])

    def session(self, session_id: str) -> Json:
        return {"id": session_id}

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        return {"purchase_type": "token_package", "firebase_uid": "ada"}


@dataclass
class Topic:
    """Takes what is published straight to credit_tokens."""

    credit: Deployed

    def publish(self, payload: bytes, event: Mapping[str, Any], purchase_type: str, *, source: str) -> str:
        self.deliver(json.loads(payload), source=source)
        return "1"

    def deliver(self, event: Json, *, source: str = "") -> None:
        message = push_of(event)
        message["message"]["attributes"] |= {"source": source} if source else {}
        assert self.credit.post(message).status_code == 200


def as_stripe_lists(stripe: ToyStripe) -> list[Json]:
    """Return the purchase's event and the toy's, each with an id and a time; several are of one second."""
    totals = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 83}
    bought = session_event("completed_paid", payment_intent=PAYMENT, amount_total=1082, total_details=totals)
    begun = int(time.time()) - 60
    numbered = enumerate([recent(bought), *stripe.events])
    return [
        {**event, "id": f"evt_{number}", "object": "event", "created": begun + number // 3, "livemode": False}
        for number, event in numbered
    ]


def test_what_is_lost_on_the_way_is_found_by_a_reconciliation() -> None:
    """Whatever is lost, doubled or late: once reconcile finds nothing more, the account is as the toy Stripe says."""
    with deployed("credit_tokens", SETTINGS) as credit, deployed("reconcile", SETTINGS) as reconcile:
        for number in range(HISTORIES // 25):
            assert_losses_are_repaired(f"{SEED}: lost {number}", credit, reconcile)


def assert_losses_are_repaired(history: str, credit: Deployed, reconcile: Deployed) -> None:
    stripe = ToyStripe(Random(history), paid=1082, tax=83)
    stripe.live(8)
    ledger = ledger_of(FakeFirestore().as_client())
    events, topic = as_stripe_lists(stripe), Topic(credit)
    gateway = EventList(events)
    credit.use(ledger, lambda: gateway)
    reconcile.use(ledger, gateway, topic)

    arriving = [event for event in events if stripe.random.random() < 0.6]
    stripe.random.shuffle(arriving)
    for event in arriving:
        topic.deliver(event)
    passes = [reconcile.post().get_json() for _ in range(3)]

    assert [one["republished"] for one in passes[1:]] == [0, 0], f"history {history} does not come to rest"
    assert ledger.account("ada").balance == 110 - stripe.tokens_gone(110), f"history {history}: {stripe.events}"
    assert passes[-1]["drifted"] == passes[-1]["unknown_purchases"] == []
