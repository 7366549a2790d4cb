"""functions/sync_subscription: users/{uid}.subscription is what Stripe says, in whatever order events arrive."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.subscription import Subject, Subscription, current_subscription, subject_of
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase

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


def session(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    """Return a completed session in subscription mode, as another part of the shop sells subscriptions."""
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "mode": "subscription",
        "payment_status": "paid",
        "subscription": "sub_1",
        "customer": "cus_new",
        "client_reference_id": None,
        "metadata": {},
        **changes,
    }


def event(stripe_object: dict[str, Any], type_: str = "customer.subscription.updated") -> dict[str, Any]:
    data = {"object": stripe_object}
    return {"id": "evt_1", "type": type_, "created": 1_795_000_000, "livemode": False, "data": data}


class FakeStripe:
    """Answers with the subscription as it is now; `meanwhile` happens while it is asked."""

    def __init__(self) -> None:
        self.now: Subscription | None = current_subscription([subscription()])
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.meanwhile: list[Callable[[], None]] = []

    def current_subscription(
        self, subscription_id: str, *, saved_id: str | None, customer_id: str | None
    ) -> Subscription | None:
        self.asked.append((subscription_id, saved_id, customer_id))
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


def deliver(function: Deployed, event: dict[str, Any]) -> str:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    answer = function.post({"message": {"data": data, "messageId": "1"}})
    assert answer.status_code == 200
    assert answer.json is not None
    return str(answer.json["outcome"])


def saved(firestore: FakeFirestore, uid: str = "ada") -> dict[str, Any] | None:
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
def test_what_is_saved_is_what_stripe_says_now_not_what_the_event_says(
    function: Deployed, firestore: FakeFirestore, type_: str
) -> None:
    assert deliver(function, event(subscription("incomplete", **BY_UID), f"customer.subscription.{type_}")) == "synced"
    assert saved(firestore) == ACTIVE


def test_the_balance_stays_as_it_is(function: Deployed, firestore: FakeFirestore) -> None:
    ledger = ledger_of(firestore.as_client())
    ledger.credit(purchase(), NO_LIMITS)
    firestore.put("users/ada", {**(firestore.fields_of("users/ada") or {}), "displayName": "Ada"})

    deliver(function, event(subscription(**BY_UID)))

    fields = firestore.fields_of("users/ada")
    assert fields is not None
    assert (fields["tokenBalance"], fields["displayName"]) == (110, "Ada")
    assert ledger.account("ada").balance == 110
    assert len(firestore.paths("transactions")) == 1


def test_the_user_is_found_by_the_stripe_customer_too(function: Deployed, firestore: FakeFirestore) -> None:
    ledger = ledger_of(firestore.as_client())
    ledger.save_customer("bob", "cus_bob")
    ledger.save_customer("ada", "cus_ada")

    assert deliver(function, event(subscription())) == "synced"
    assert deliver(function, event(invoice(), "invoice.payment_failed")) == "synced"
    assert saved(firestore) == ACTIVE
    assert saved(firestore, "bob") is None


@pytest.mark.parametrize(
    "stripe_object",
    [
        invoice(parent={"subscription_details": {"subscription": "sub_1", **BY_UID}}),
        invoice(parent=None, subscription="sub_1", subscription_details=BY_UID),
    ],
    ids=["since API 2025-03-31", "before"],
)
def test_an_invoice_names_its_subscription_and_its_user(stripe_object: dict[str, Any]) -> None:
    assert subject_of(event(stripe_object, "invoice.payment_failed")) == Subject("sub_1", "cus_ada", "ada")


@pytest.mark.parametrize(
    "named",
    [BY_UID, {"client_reference_id": "ada"}, {**BY_UID, "client_reference_id": "mallory"}],
    ids=["by metadata", "by client_reference_id", "metadata counts first"],
)
@pytest.mark.parametrize("type_", ["completed", "async_payment_succeeded", "async_payment_failed"])
def test_a_session_in_subscription_mode_names_its_user(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, named: dict[str, Any], type_: str
) -> None:
    """Whoever opens a payment link chooses its client_reference_id; only the shop writes metadata."""
    assert deliver(function, event(session(**named), f"checkout.session.{type_}")) == "synced"

    assert saved(firestore) == ACTIVE
    assert stripe.asked == [("sub_1", None, None)]


def test_a_subscription_whose_session_alone_named_the_user_is_followed_to_its_end(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    deliver(function, event(session(client_reference_id="ada"), "checkout.session.completed"))
    stripe.now = current_subscription([subscription("canceled")])

    unnamed = subscription("canceled", customer="cus_new")
    assert deliver(function, event(unnamed, "customer.subscription.deleted")) == "synced"

    assert saved(firestore) == {**ACTIVE, "status": "canceled"}


def test_a_session_that_names_nobody_is_acknowledged(function: Deployed, firestore: FakeFirestore) -> None:
    assert deliver(function, event(session(client_reference_id="x/y"), "checkout.session.completed")) == "unknown_user"
    assert firestore.paths("users") == []


def test_what_is_saved_for_the_user_is_compared_with_the_events_subscription(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    """A former customer's late event must not end the subscription of the present one."""
    ledger_of(firestore.as_client()).save_customer("ada", "cus_ada")
    deliver(function, event(subscription(**BY_UID)))

    deliver(function, event(subscription("canceled", id="sub_0", customer="cus_former", **BY_UID)))

    assert stripe.asked == [("sub_1", None, "cus_ada"), ("sub_0", "sub_1", "cus_ada")]


def test_a_subscription_of_nobody_here_is_acknowledged(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver(function, event(subscription())) == "unknown_user"
    assert deliver(function, event(subscription(customer=None))) == "unknown_user"
    assert (firestore.paths("users"), stripe.asked) == ([], [])
    assert {json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()} == {"subscription.unknown_user"}


@pytest.mark.parametrize(
    "other",
    [
        event(session(mode="payment", subscription=None, **BY_UID), "checkout.session.completed"),
        event(session(subscription=None, **BY_UID), "checkout.session.completed"),
        event(invoice(parent=None), "invoice.payment_failed"),
        event(subscription(**BY_UID), "customer.subscription.trial_will_end"),
        {**event(subscription(**BY_UID)), "account": "acct_connected"},
    ],
    ids=["a payment", "not begun", "an invoice without subscription", "another event", "a connected account's"],
)
def test_other_events_are_left_alone(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, other: dict[str, Any]
) -> None:
    """The Pub/Sub emulator ignores filters."""
    assert deliver(function, other) == "ignored"
    assert (firestore.paths("users"), stripe.asked) == ([], [])


def test_a_subscription_that_stripe_does_not_know_changes_nothing(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe
) -> None:
    stripe.now = None

    assert deliver(function, event(subscription(**BY_UID))) == "missing"
    assert firestore.paths("users") == []


def test_a_message_without_an_event_is_recorded_and_acknowledged(
    function: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = function.post({"message": {"data": "e30="}})

    assert (answer.status_code, json.loads(capsys.readouterr().out)["event"]) == (200, "event.malformed")


@pytest.mark.parametrize("then", ["canceled", "active"], ids=["another state", "back to the state saved before"])
def test_an_older_answer_never_replaces_a_newer_one(
    function: Deployed, firestore: FakeFirestore, stripe: FakeStripe, then: str
) -> None:
    """One delivery asks Stripe and is slow; the subscription changes, and another delivery saves that meanwhile."""
    deliver(function, event(subscription(**BY_UID)))

    def overtake() -> None:
        """In another instance."""
        stripe.now = current_subscription([subscription(then)])
        ledger_of(firestore.as_client()).save_subscription("ada", lambda _: stripe.now)

    stripe.now = current_subscription([subscription("past_due")])
    stripe.meanwhile = [overtake]
    deliver(function, event(subscription(**BY_UID)))

    assert saved(firestore) == {**ACTIVE, "status": then}


def test_a_replayed_end_of_a_former_subscription_does_not_end_the_one_after_it() -> None:
    former = subscription("canceled", id="sub_0", created=1_790_000_000)

    for order in ([former, subscription()], [subscription(), former]):
        assert current_subscription(order).id == "sub_1"


@pytest.mark.parametrize(
    ("counts", "other"), [("trialing", "past_due"), ("past_due", "canceled"), ("incomplete", "incomplete_expired")]
)
def test_a_subscription_that_runs_counts_before_one_that_waits_before_one_that_ended(counts: str, other: str) -> None:
    newer = subscription(other, id="sub_2", created=1_796_000_000)

    assert current_subscription([newer, subscription(counts)]).id == "sub_1"


def test_among_equals_the_newest_counts() -> None:
    newer = subscription("canceled", id="sub_2", created=1_796_000_000, items={"data": []})

    found = current_subscription([subscription("canceled"), newer])

    assert (found.id, found.price_id, found.current_period_end) == ("sub_2", None, None)
