"""What happens to the product, with the records that it leaves in the log, and the metrics that count them."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google_errors

from shared.adapters.firestore.ledger import Ledger
from shared.adapters.pubsub import EventPublisher
from shared.domain.entry import NewEntry
from shared.domain.errors import StripeRefused
from tests.deployed import deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.fakes.pubsub import FakePublisher
from tests.fakes.secret_manager import FakeSecretManager
from tests.purchases import NO_LIMITS, purchase
from tests.stripe_events import SECRET, load, push_of, raw, recent, session_event, signature

PROJECT = {"GOOGLE_CLOUD_PROJECT": "demo"}
STRIPE = {**PROJECT, "STRIPE_SECRET_KEY": "sk_test_1"}

Act = Callable[[Ledger, FakeFirestore], None]


@dataclass(frozen=True)
class Scenario:
    """Something that happens: the service that logs it, and how often each metric counts it."""

    act: Act
    service: str
    counted: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.act.__name__


SCENARIOS: list[Scenario] = []


def scenario(service: str, **counted: int) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        SCENARIOS.append(Scenario(act, service, counted))
        return act

    return register


def credit(ledger: Ledger, *events: Mapping[str, Any]) -> None:
    with deployed("credit_tokens", STRIPE, parts=(ledger, None)) as function:
        for event in events:
            function.post(push_of(event))


@scenario("credit-tokens", purchase_outcomes=1, webhook_to_credit_seconds=1)
def credited(ledger: Ledger, _firestore: FakeFirestore) -> None:
    credit(ledger, load("completed_paid"))


@scenario("credit-tokens", purchase_outcomes=1, failed_purchases=1)
def failed(ledger: Ledger, firestore: FakeFirestore) -> None:
    firestore.away = True
    credit(ledger, load("completed_paid"))


@scenario("credit-tokens", purchase_outcomes=1, security_alerts=1, held_purchases=1)
def held_for_its_terms(ledger: Ledger, _firestore: FakeFirestore) -> None:
    credit(ledger, session_event(metadata={"tokens": "99999"}))


@scenario(
    "credit-tokens",
    purchase_outcomes=6,
    webhook_to_credit_seconds=5,
    security_alerts=1,
    rate_limit_triggers=1,
    held_purchases=1,
)
def held_for_the_limit(ledger: Ledger, _firestore: FakeFirestore) -> None:
    events = [session_event(id=f"cs_test_{number}", payment_intent=f"pi_{number}") for number in range(6)]
    credit(ledger, *events)


@scenario("create-checkout", security_alerts=1, rate_limit_triggers=1)
def limited_before_paying(ledger: Ledger, _firestore: FakeFirestore) -> None:
    now = int(time.time())
    for number in range(5):
        ledger.credit(purchase(f"cs_test_{number}", uid="ada", paid_at=now), NO_LIMITS)
    environ = {**STRIPE, "APP_BASE_URL": "https://app.example", "STRIPE_TOKEN_POPULAR_PRICE_ID": "price_1"}
    with deployed("create_checkout", environ, parts=(FakeIdentity(), ledger, None)) as function:
        for _ in range(3):  # one buyer, who is counted once, however often they try
            answer = function.post({"package": "popular"}, headers=ADA)
            assert answer.status_code == 429


def deliver(body: bytes, header: str, publisher: FakePublisher | None = None) -> int:
    environ = {**PROJECT, "STRIPE_WEBHOOK_SECRET": SECRET}
    bus = EventPublisher((publisher or FakePublisher()).as_client(), "demo")
    with deployed("stripe_webhook", environ, parts=(FakeSecretManager().store(), bus)) as function:
        headers = {"Stripe-Signature": header}
        return function.post(data=body, content_type="application/json", headers=headers).status_code


@scenario("stripe-webhook", webhook_rejections=1)
def forged(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    assert deliver(raw(load("completed_paid")), "t=1,v1=00") == 400


@scenario("stripe-webhook", webhook_rejections=2)
def from_a_stranger(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    """Nobody can page whoever is on call, or lower the success rate, by requests that Stripe never signed."""
    assert deliver(b"\xff", "t=1,v1=00") == 400
    assert deliver(b"{" + b" " * 524_288, "t=1,v1=00") == 413


@scenario("stripe-webhook", webhook_verifications=1)
def verified(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    body = raw(load("completed_paid"))
    assert deliver(body, signature(body)) == 200


@scenario("stripe-webhook", webhook_rejections=1, purchase_outcomes=1)
def of_the_other_mode(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    body = raw({**load("completed_paid"), "livemode": True})
    assert deliver(body, signature(body)) == 400


@scenario("stripe-webhook", webhook_verifications=1, purchase_outcomes=1)
def not_published(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    """The whole intake is down, and credit_tokens never hears of it."""
    body = raw(load("completed_paid"))
    away = FakePublisher(google_errors.ServiceUnavailable("away"))
    assert deliver(body, signature(body), away) == 503


@scenario("credit-tokens", malformed_events=1)
def malformed(ledger: Ledger, _firestore: FakeFirestore) -> None:
    with deployed("credit_tokens", STRIPE, parts=(ledger, None)) as function:
        function.post({"message": {"data": "bm90IGFuIGV2ZW50", "attributes": {}}})


@scenario("get-balance", unexpected_errors=1)
def crashed(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    with deployed("get_balance", PROJECT, parts=(FakeIdentity(), None)) as function:
        assert function.get(headers=ADA).status_code == 500


@scenario("credit-tokens", security_alerts=1)
def disputed(ledger: Ledger, _firestore: FakeFirestore) -> None:
    ledger.credit(purchase("cs_test_popular", uid="ada"), NO_LIMITS)
    dispute = {
        "id": "du_1",
        "object": "dispute",
        "amount": 999,
        "charge": "ch_1",
        "payment_intent": "pi_cs_test_popular",
        "currency": "usd",
        "status": "needs_response",
        "balance_transactions": [{"id": "txn_1", "amount": -999, "currency": "usd"}],
        "metadata": {},
    }
    credit(ledger, {**load("completed_paid"), "type": "charge.dispute.created", "data": {"object": dispute}})


@scenario("credit-tokens", security_alerts=1)
def refund_failed(ledger: Ledger, _firestore: FakeFirestore) -> None:
    refund = {
        "id": "re_1",
        "object": "refund",
        "amount": 999,
        "payment_intent": "pi_1",
        "status": "failed",
        "metadata": load("completed_paid")["data"]["object"]["metadata"],
    }
    event = {**load("completed_paid"), "type": "refund.failed", "data": {"object": refund}}
    credit(ledger, event, event)


@scenario("credit-tokens", purchase_outcomes=1, webhook_to_credit_seconds=1, security_alerts=1, unexpected_errors=1)
def contradicted(ledger: Ledger, _firestore: FakeFirestore) -> None:
    credit(ledger, load("completed_paid"), session_event(metadata={"tokens": "99999"}))


class Stripe:
    """A Stripe account with these events, newest first, and without sessions."""

    def __init__(self, *events: Mapping[str, Any]) -> None:
        self._events = events

    def events(self, *_args: object, **_options: object) -> Iterator[Mapping[str, Any]]:
        return iter(self._events)

    def session(self, _session_id: str) -> None:
        return None

    def metadata_of_payment(self, _payment_id: str) -> Mapping[str, str]:
        raise StripeRefused


class Topic:
    """Takes everything."""

    def publish(self, *_args: object, **_options: object) -> str:
        return "1"


def reconcile(ledger: Ledger, *events: Mapping[str, Any]) -> None:
    with deployed("reconcile", STRIPE, parts=(ledger, Stripe(*events), Topic())) as function:
        assert function.post({}).status_code == 200


@scenario("reconcile", reconcile_runs=1, republished_events=1)
def lost(ledger: Ledger, _firestore: FakeFirestore) -> None:
    """A purchase whose webhook never came."""
    reconcile(ledger, recent(load("completed_paid")))


@scenario("reconcile", reconcile_runs=1, unexpected_errors=1)
def undecidable(ledger: Ledger, _firestore: FakeFirestore) -> None:
    event = recent(load("completed_paid"))
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount_refunded": 500, "metadata": {}}
    reconcile(ledger, {**event, "type": "charge.refunded", "data": {"object": charge}})


@scenario("reconcile", security_alerts=1, ledger_drift=1, reconcile_runs=1)
def drifted(ledger: Ledger, firestore: FakeFirestore) -> None:
    ledger.post("ada", NewEntry("grant:1", "grant", 110, {}), create_account=True)
    firestore.put("accounts/ada", {**(firestore.fields_of("accounts/ada") or {}), "balance": 111})
    reconcile(ledger)


@scenario("reconcile", security_alerts=1, reconcile_runs=1, unexpected_errors=1)
def unknown_to_stripe(ledger: Ledger, _firestore: FakeFirestore) -> None:
    ledger.credit(purchase("cs_forged", uid="ada"), NO_LIMITS)
    reconcile(ledger)
