"""reconcile in the running product: lost webhooks heal, drift is noticed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from local.stack import Stack
from tests.e2e.buyer import Buyer, StripeSide, eventually
from tests.stripe_events import raw, signature


@pytest.fixture
def lost_webhooks(stripe_side: StripeSide) -> Iterator[Callable[[], None]]:
    """Webhooks get lost until the test calls this."""
    eventually(stripe_side.has_delivered_everything)
    stripe_side.deliver_webhooks("drop")
    yield lambda: stripe_side.deliver_webhooks("deliver")
    stripe_side.deliver_webhooks("deliver")


@pytest.fixture
def reconcile(stack: Stack) -> Callable[..., dict[str, Any]]:
    """Reconciles until a pass is done, and returns the sums of its calls."""

    def run(**wanted: int) -> dict[str, Any]:
        total = {"events": 0, "republished": 0, "drifted": [], "unknown_purchases": []}
        while True:
            answer = httpx.post(stack.endpoints.functions["reconcile"], json=wanted, timeout=300).raise_for_status()
            for name in total:
                total[name] += answer.json()[name]
            if answer.json()["done"]:
                return total

    return run


def test_ten_purchases_whose_webhooks_got_lost_are_credited_once(
    sign_up: Callable[[], Buyer],
    stripe_side: StripeSide,
    lost_webhooks: Callable[[], None],
    reconcile: Callable[..., dict[str, Any]],
) -> None:
    buyers = [sign_up() for _ in range(10)]
    for buyer in buyers:
        stripe_side.pay(buyer.checkout("popular")).raise_for_status()
    lost_webhooks()

    assert reconcile()["republished"] >= 10
    eventually(lambda: all(buyer.balance() == 110 for buyer in buyers))

    assert reconcile()["republished"] == 0
    assert [len(buyer.transactions()) for buyer in buyers] == [1] * 10


def test_a_lost_refund_and_a_lost_dispute_are_found(
    sign_up: Callable[[], Buyer],
    stripe_side: StripeSide,
    lost_webhooks: Callable[[], None],
    reconcile: Callable[..., dict[str, Any]],
) -> None:
    refunded, disputed = sign_up(), sign_up()
    sessions = {buyer: buyer.checkout("popular") for buyer in (refunded, disputed)}
    for session in sessions.values():
        stripe_side.pay(session).raise_for_status()
    stripe_side.refund(stripe_side.charge_of(sessions[refunded]), 500)
    stripe_side.dispute(stripe_side.charge_of(sessions[disputed]))
    lost_webhooks()

    reconcile()

    eventually(lambda: [entry["type"] for entry in refunded.transactions()] == ["refund", "purchase"])
    eventually(lambda: [entry["type"] for entry in disputed.transactions()] == ["dispute", "purchase"])
    assert (refunded.balance(), disputed.balance()) == (55, 0)


def test_a_balance_that_somebody_wrote_by_hand_raises_an_alert(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client, reconcile: Callable[..., dict[str, Any]]
) -> None:
    stripe_side.pay(buyer.checkout("popular")).raise_for_status()
    eventually(lambda: buyer.balance() == 110)
    user = database.document(f"users/{buyer.uid}")
    user.update({"tokenBalance": 1110})

    drifted = reconcile()["drifted"]
    user.update({"tokenBalance": 110})

    assert buyer.uid in drifted
    [found] = database.collection("security_alerts").where(filter=FieldFilter("userId", "==", buyer.uid)).get()
    alert = found.to_dict() or {}
    assert found.id.startswith(f"drift:{buyer.uid}:")
    assert (alert["severity"], alert["seen"]) == (
        "critical",
        {"balance": 110, "sumOfEntries": 110, "shown": 1110, "faults": []},
    )
    assert buyer.uid not in reconcile()["drifted"]


def test_a_forged_purchase_is_found_and_a_genuine_one_is_not_suspected(
    buyer: Buyer, stripe_side: StripeSide, stack: Stack, web: httpx.Client, reconcile: Callable[..., dict[str, Any]]
) -> None:
    """Whoever has the signing secret can credit tokens, but not make Stripe know the session."""
    genuine = buyer.checkout("popular")
    stripe_side.pay(genuine).raise_for_status()
    event = stripe_side.completed_event(genuine)
    event["id"] += "forged"
    event["data"]["object"]["id"] += "forged"
    body = raw(event)
    headers = {"Stripe-Signature": signature(body, stack.endpoints.webhook_secret), "Content-Type": "application/json"}
    web.post("/api/stripe/webhook", content=body, headers=headers).raise_for_status()
    eventually(lambda: buyer.balance() == 220)

    unknown = reconcile()["unknown_purchases"]

    assert event["data"]["object"]["id"] in unknown
    assert genuine not in unknown


def test_the_days_report_says_what_was_done(
    database: firestore.Client, reconcile: Callable[..., dict[str, Any]]
) -> None:
    reconcile(days=1)

    report = database.document(f"reconciliation_reports/{datetime.now(UTC):%Y-%m-%d}").get().to_dict() or {}
    assert report["startedAt"] <= report["finishedAt"] == report["savedAt"]
    assert report["days"] == 1
    assert report["eventsDone"] is True
