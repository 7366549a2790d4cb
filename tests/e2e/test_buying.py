"""A purchase through the whole chain: page's calls, Stripe, webhook, Pub/Sub, ledger."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from local.stack import Stack
from tests.e2e.buyer import DECLINES, Buyer, StripeSide, eventually
from topology.topics import DEAD_LETTERS, STRIPE_EVENTS

POPULAR_TOKENS = 110
OUTAGE_PURCHASES = 30


def test_buying_popular_makes_a_balance_of_110_with_one_entry(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    assert buyer.balance() == 0
    session_id = buyer.checkout("popular")

    assert stripe_side.pay(session_id).is_success

    eventually(lambda: buyer.balance() == POPULAR_TOKENS)
    [entry] = buyer.transactions()
    assert entry["id"] == f"purchase:{session_id}"
    assert (entry["type"], entry["amount"], entry["balanceAfter"]) == ("purchase", POPULAR_TOKENS, POPULAR_TOKENS)
    assert entry["userId"] == buyer.uid
    assert datetime.fromisoformat(entry["timestamp"]).tzinfo is not None
    details = entry["details"]
    assert (details["packageId"], details["stripeSessionId"], details["paymentAmountUSD"]) == (
        "popular",
        session_id,
        9.99,
    )
    assert details["stripeCustomerId"].startswith("cus_")
    account = database.document(f"users/{buyer.uid}").get().to_dict() or {}
    assert account["tokenBalance"] == account["totalTokensPurchased"] == POPULAR_TOKENS
    assert account["stripeCustomerId"] == details["stripeCustomerId"]
    assert database.document(f"transactions/purchase:{session_id}").get().exists


def test_a_purchase_has_a_receipt_for_its_buyer_alone(
    sign_up: Callable[[], Buyer], stripe_side: StripeSide, stack: Stack
) -> None:
    buyer, stranger = sign_up(), sign_up()
    session_id = buyer.checkout("popular")
    before = buyer.receipt(session_id)
    stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == POPULAR_TOKENS)

    address = buyer.receipt(session_id).raise_for_status().json()["url"]

    assert address.startswith(f"{stack.endpoints.stripe}/receipts/")
    assert "$9.99 paid." in httpx.get(address).text
    for refused in (before, stranger.receipt(session_id)):
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_purchase")


def test_an_event_delivered_71_times_is_credited_once(
    buyer: Buyer, stripe_side: StripeSide, stack: Stack, database: firestore.Client
) -> None:
    session_id = _bought(buyer, stripe_side)
    event = stripe_side.completed_event(session_id)

    one_by_one = [status for _ in range(20) for status in stripe_side.resend(event["id"])]
    at_once = stripe_side.resend(event["id"], times_at_once=50)

    assert [*one_by_one, *at_once] == [200] * 70
    eventually(lambda: stack.log("credit_tokens").count(f"Session {session_id} already processed") >= 70)
    assert buyer.balance() == POPULAR_TOKENS
    assert len(buyer.transactions()) == 1
    assert database.document(f"users/{buyer.uid}").get().get("totalTokensPurchased") == POPULAR_TOKENS


def test_a_declined_card_gives_no_tokens(buyer: Buyer, stripe_side: StripeSide) -> None:
    session_id = buyer.checkout()

    answer = stripe_side.pay(session_id, DECLINES)

    assert answer.status_code == httpx.codes.PAYMENT_REQUIRED
    eventually(stripe_side.has_delivered_everything)
    assert buyer.balance() == 0
    assert buyer.transactions() == []


def test_who_was_deleted_in_stripe_can_buy_again(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    buyer.checkout()
    stripe_side.delete_customer(database.document(f"users/{buyer.uid}").get().get("stripeCustomerId"))

    stripe_side.pay(buyer.checkout()).raise_for_status()

    eventually(lambda: buyer.balance() == 110)


def test_metadata_with_raised_tokens_is_held_with_an_alert(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    session_id = stripe_side.session_with_metadata(
        {
            "firebase_uid": buyer.uid,
            "package_id": "popular",
            "tokens": "99999",
            "purchase_type": "token_package",
        }
    )

    assert stripe_side.pay(session_id).is_success

    held = database.document(f"held_purchases/{session_id}")
    eventually(lambda: held.get().exists)
    assert held.get().get("userId") == buyer.uid
    assert len(_alerts(database, buyer)) == 1
    assert buyer.balance() == 0
    assert buyer.transactions() == []


def test_of_20_purchases_paid_at_once_5_are_credited_and_15_held(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    sessions = [buyer.checkout("popular") for _ in range(20)]

    with ThreadPoolExecutor(len(sessions)) as at_once:
        assert all(answer.is_success for answer in at_once.map(stripe_side.pay, sessions))

    def held() -> list[str]:
        references = [database.document(f"held_purchases/{session_id}") for session_id in sessions]
        return [found.id for found in database.get_all(references) if found.exists]

    eventually(lambda: len(held()) + len(buyer.transactions(limit=100)) == len(sessions))
    entries = buyer.transactions(limit=100)
    assert len(entries) == 5
    assert {entry["details"]["stripeSessionId"] for entry in entries}.isdisjoint(held())
    assert len(_alerts(database, buyer)) == 15
    assert buyer.balance() == sum(entry["amount"] for entry in entries) == 5 * POPULAR_TOKENS
    assert sorted(entry["balanceAfter"] for entry in entries) == [POPULAR_TOKENS * n for n in range(1, 6)]

    refused = buyer.order("popular")
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


def test_purchases_that_arrive_while_credit_tokens_is_down_are_all_credited_once(
    sign_up: Callable[[], Buyer], stripe_side: StripeSide, stack: Stack
) -> None:
    buyers = [sign_up() for _ in range(OUTAGE_PURCHASES)]
    sessions = [buyer.checkout() for buyer in buyers]
    stack.stop("credit_tokens")
    try:
        with ThreadPoolExecutor(10) as at_once:
            assert all(answer.is_success for answer in at_once.map(stripe_side.pay, sessions))
        eventually(stripe_side.has_delivered_everything)
        assert [buyer.balance() for buyer in buyers] == [0] * OUTAGE_PURCHASES
    finally:
        stack.start("credit_tokens")

    eventually(lambda: all(buyer.balance() == POPULAR_TOKENS for buyer in buyers))
    assert [len(buyer.transactions()) for buyer in buyers] == [1] * OUTAGE_PURCHASES


def test_replaying_the_whole_topic_changes_nothing(
    buyer: Buyer, stripe_side: StripeSide, stack: Stack, database: firestore.Client
) -> None:
    _bought(buyer, stripe_side)
    # Other tests leave reservations, which expire meanwhile.
    waiting = {one.id for one in database.collection("accounts").stream() if (one.to_dict() or {}).get("due")}
    before = _everything(database, but=waiting)
    told = {session_id: stack.log("credit_tokens").count(session_id) for session_id in _credited_sessions(database)}

    here = stack.endpoints
    subscription = f"http://{here.pubsub}/v1/projects/{here.project}/subscriptions/credit-tokens"
    httpx.post(f"{subscription}:seek", json={"time": "2020-01-01T00:00:00Z"}).raise_for_status()

    def all_were_seen_again() -> bool:
        log = stack.log("credit_tokens")
        return all(log.count(session_id) > count for session_id, count in told.items())

    eventually(all_were_seen_again)
    assert _everything(database, but=waiting) == before


@pytest.mark.parametrize("name", ["credit-tokens"])
def test_the_subscription_is_as_the_table_says(stack: Stack, name: str) -> None:
    here = stack.endpoints
    project = f"http://{here.pubsub}/v1/projects/{here.project}"

    found = httpx.get(f"{project}/subscriptions/{name}").raise_for_status().json()

    assert found["topic"].endswith(f"/topics/{STRIPE_EVENTS}")
    assert found["pushConfig"]["pushEndpoint"] == here.functions["credit_tokens"]
    assert found["deadLetterPolicy"]["deadLetterTopic"].endswith(f"/topics/{DEAD_LETTERS}")


def _bought(buyer: Buyer, stripe_side: StripeSide) -> str:
    session_id = buyer.checkout("popular")
    stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == POPULAR_TOKENS)
    return session_id


def _alerts(database: firestore.Client, buyer: Buyer) -> list[str]:
    return [
        alert.id
        for alert in database.collection("security_alerts")
        .where(filter=FieldFilter("userId", "==", buyer.uid))
        .stream()
    ]


def _credited_sessions(database: firestore.Client) -> list[str]:
    purchases = database.collection("transactions").where(filter=FieldFilter("type", "==", "purchase"))
    return [entry.get("details.stripeSessionId") for entry in purchases.stream()]


def _everything(database: firestore.Client, *, but: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Return every document by its path, without those of these users."""
    found = (one for collection in database.collections() for one in collection.stream())
    documents = {one.reference.path: one.to_dict() or {} for one in found}
    return {
        path: fields
        for path, fields in documents.items()
        if path.partition("/")[2] not in but and fields.get("userId") not in but
    }
