"""functions/sync_subscription: users/{uid}.subscription is what Stripe says, in whatever order events come."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.subscription import Subject, Subscription, standing, subject_of
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of

PERIOD_END = datetime(2026, 12, 21, tzinfo=UTC)
SETTINGS = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}


def subscription(status: str = "active", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    """Return what of Stripe's subscription object is read, as the pinned API version shapes it."""
    item = {"current_period_end": int(PERIOD_END.timestamp()), "price": {"id": "price_pro"}}
    return {
        "id": "sub_1",
        "object": "subscription",
        "status": status,
        "created": 1_795_000_000,
        "customer": "cus_ada",
        "cancel_at_period_end": False,
        "items": {"data": [item]},
        "metadata": {},
        **changes,
    }


def invoice(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    parent = {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": {}}}
    return {"id": "in_1", "object": "invoice", "customer": "cus_ada", "metadata": {}, "parent": parent, **changes}


def event(seen: dict[str, Any], type_: str = "customer.subscription.updated") -> dict[str, Any]:
    return {"id": "evt_1", "type": type_, "created": 1_795_000_000, "livemode": False, "data": {"object": seen}}


class FakeStripe:
    """Answers with how the subscription stands now; `meanwhile` happens while it is asked."""

    def __init__(self) -> None:
        self.now: Subscription | None = standing([subscription()])
        self.asked: list[str] = []
        self.meanwhile: list[Callable[[], None]] = []

    def current_subscription(self, subscription_id: str) -> Subscription | None:
        self.asked.append(subscription_id)
        answer = self.now
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return answer


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def function(firestore: FakeFirestore, stripe: FakeStripe) -> Iterator[Deployed]:
    with deployed("sync_subscription", SETTINGS, parts=(ledger_of(firestore.as_client()), stripe)) as function:
        yield function


def deliver(function: Deployed, told: dict[str, Any]) -> str:
    data = base64.b64encode(json.dumps(told).encode()).decode()
    answer = function.post({"message": {"data": data, "messageId": "1"}})
    assert answer.status_code == 200
    assert answer.json is not None
    return str(answer.json["outcome"])


def kept(firestore: FakeFirestore, uid: str = "ada") -> dict[str, Any] | None:
    found = (firestore.fields_of(f"users/{uid}") or {}).get("subscription")
    return None if found is None else {name: found[name] for name in found if name != "syncedAt"}


ACTIVE = {
    "id": "sub_1",
    "status": "active",
    "priceId": "price_pro",
    "currentPeriodEnd": PERIOD_END,
    "cancelAtPeriodEnd": False,
}
BY_UID: dict[str, Any] = {"metadata": {"firebase_uid": "ada"}}


@pytest.mark.parametrize("type_", ["created", "updated", "deleted"])
def test_what_is_kept_is_what_stripe_says_now_not_what_the_event_says(
    function: Deployed, firestore: FakeFirestore, type_: str
) -> None:
    told = event(subscription("incomplete", **BY_UID), f"customer.subscription.{type_}")

    assert deliver(function, told) == "synced"
    assert kept(firestore) == ACTIVE


def test_the_balance_stays_as_it_is(function: Deployed, firestore: FakeFirestore) -> None:
    firestore.put("users/ada", {"tokenBalance": 110, "displayName": "Ada"})

    deliver(function, event(subscription(**BY_UID)))

    fields = firestore.fields_of("users/ada")
    assert fields is not None
    assert (fields["tokenBalance"], fields["displayName"]) == (110, "Ada")
    assert firestore.paths("transactions") == []


def test_the_user_is_found_by_the_stripe_customer_too(function: Deployed, firestore: FakeFirestore) -> None:
    firestore.put("users/bob", {"stripeCustomerId": "cus_bob"})
    firestore.put("users/ada", {"stripeCustomerId": "cus_ada"})

    assert deliver(function, event(subscription())) == "synced"
    assert deliver(function, event(invoice(), "invoice.payment_failed")) == "synced"
    assert kept(firestore) == ACTIVE
    assert kept(firestore, "bob") is None


@pytest.mark.parametrize(
    "told",
    [
        invoice(parent={"subscription_details": {"subscription": "sub_1", **BY_UID}}),
        invoice(parent=None, subscription="sub_1", subscription_details=BY_UID),
    ],
    ids=["since API 2025-03-31", "before"],
)
def test_an_invoice_names_its_subscription_and_its_user(told: dict[str, Any]) -> None:
    assert subject_of(event(told, "invoice.payment_failed")) == Subject("sub_1", "cus_ada", "ada")


def test_nobody_s_subscription_is_acknowledged(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver(function, event(subscription())) == "unknown_user"
    assert deliver(function, event(subscription(customer=None))) == "unknown_user"
    assert (firestore.paths("users"), stripe.asked) == ([], [])
    assert {json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()} == {"subscription.unknown_user"}


@pytest.mark.parametrize(
    "told",
    [
        event({"id": "cs_1", "object": "checkout.session", **BY_UID}, "checkout.session.completed"),
        event(invoice(parent=None), "invoice.payment_failed"),
        event(subscription(**BY_UID), "customer.subscription.trial_will_end"),
    ],
    ids=["a token purchase", "an invoice without subscription", "another event of a subscription"],
)
def test_other_events_are_left_alone(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, told: dict[str, Any]
) -> None:
    """The Pub/Sub emulator ignores filters."""
    assert deliver(function, told) == "ignored"
    assert (firestore.paths("users"), stripe.asked) == ([], [])


def test_a_subscription_that_stripe_does_not_know_changes_nothing(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    stripe.now = None

    assert deliver(function, event(subscription(**BY_UID))) == "missing"
    assert firestore.paths("users") == []


def test_no_event_is_dropped_and_said(function: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    answer = function.post({"message": {"data": "e30="}})

    assert (answer.status_code, json.loads(capsys.readouterr().out)["event"]) == (200, "event.malformed")


@pytest.mark.parametrize("then", ["canceled", "active"], ids=["another state", "back to the state kept before"])
def test_an_older_answer_never_replaces_a_newer_one(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, then: str
) -> None:
    """One delivery asks Stripe and dawdles; the subscription changes, and another delivery keeps that meanwhile."""
    deliver(function, event(subscription(**BY_UID)))

    def overtake() -> None:
        """In another instance."""
        stripe.now = standing([subscription(then)])
        ledger_of(firestore.as_client()).save_subscription("ada", lambda: stripe.now)

    stripe.now = standing([subscription("past_due")])
    stripe.meanwhile = [overtake]
    deliver(function, event(subscription(**BY_UID)))

    assert kept(firestore) == {**ACTIVE, "status": then}


def test_a_replayed_end_of_a_former_subscription_does_not_end_the_one_after_it() -> None:
    former = subscription("canceled", id="sub_0", created=1_790_000_000)

    for order in ([former, subscription()], [subscription(), former]):
        assert standing(order).id == "sub_1"


@pytest.mark.parametrize(
    ("counts", "other"), [("trialing", "past_due"), ("past_due", "canceled"), ("incomplete", "incomplete_expired")]
)
def test_a_subscription_that_runs_counts_before_one_that_waits_before_one_that_ended(counts: str, other: str) -> None:
    newer = subscription(other, id="sub_2", created=1_796_000_000)

    assert standing([newer, subscription(counts)]).id == "sub_1"


def test_among_equals_the_newest_counts() -> None:
    newer = subscription("canceled", id="sub_2", created=1_796_000_000, items={"data": []})

    found = standing([subscription("canceled"), newer])

    assert (found.id, found.price_id, found.current_period_end) == ("sub_2", None, None)
