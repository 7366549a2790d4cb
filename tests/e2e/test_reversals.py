"""Refunds, disputes and delayed payments through the whole chain."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.cloud import firestore

from local.stack import Stack
from tests.e2e.buyer import PURCHASE_COMPLETED, Buyer, StripeSide, eventually

POPULAR_TOKENS = 110
POPULAR_CENTS = 999
HALF_CENTS = 500
LEFT_AFTER_HALF = POPULAR_TOKENS - POPULAR_TOKENS * HALF_CENTS // POPULAR_CENTS


@pytest.fixture
def undelivered(stripe_side: StripeSide) -> Iterator[None]:
    """Webhooks are dropped for as long as the test lasts: it delivers them itself, in its own order."""
    eventually(stripe_side.has_delivered_everything)
    stripe_side.deliver_webhooks("drop")
    yield
    stripe_side.deliver_webhooks("deliver")


@pytest.fixture
def charge(buyer: Buyer, stripe_side: StripeSide) -> str:
    """The charge of a credited purchase of `popular`."""
    session_id = buyer.checkout("popular")
    assert stripe_side.pay(session_id).is_success
    _balance_becomes(buyer, POPULAR_TOKENS)
    return stripe_side.charge_of(session_id)


def test_a_partial_refund_takes_its_share_and_the_rest_takes_all(
    buyer: Buyer, stripe_side: StripeSide, charge: str
) -> None:
    stripe_side.refund(charge, HALF_CENTS)
    _balance_becomes(buyer, LEFT_AFTER_HALF)

    stripe_side.refund(charge)
    _balance_becomes(buyer, 0)

    assert [entry["type"] for entry in buyer.transactions()] == ["refund", "refund", "purchase"]


def test_a_refund_that_fails_later_gives_back_what_it_took(buyer: Buyer, stripe_side: StripeSide, charge: str) -> None:
    refund = stripe_side.refund(charge, HALF_CENTS)
    _balance_becomes(buyer, LEFT_AFTER_HALF)

    stripe_side.fail_refund(refund)

    _balance_becomes(buyer, POPULAR_TOKENS)


@pytest.mark.usefixtures("undelivered")
def test_a_refund_that_arrives_before_its_purchase_ends_in_the_same_balance(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    session_id = buyer.checkout("popular")
    assert stripe_side.pay(session_id).is_success
    stripe_side.refund(stripe_side.charge_of(session_id), HALF_CENTS)

    assert stripe_side.resend(stripe_side.latest_event("charge.refunded")) == [200]
    eventually(lambda: bool(_account(database, buyer).get("reversedEarly")))
    assert stripe_side.resend(stripe_side.latest_event(PURCHASE_COMPLETED)) == [200]

    _balance_becomes(buyer, LEFT_AFTER_HALF)
    assert [entry["amount"] for entry in buyer.transactions()] == [LEFT_AFTER_HALF - POPULAR_TOKENS, POPULAR_TOKENS]


def test_a_won_dispute_gives_back_exactly_what_it_took(
    buyer: Buyer, stripe_side: StripeSide, charge: str, database: firestore.Client
) -> None:
    dispute = stripe_side.dispute(charge)
    _balance_becomes(buyer, 0)
    alert = database.document(f"security_alerts/dispute:{dispute}").get().to_dict() or {}
    assert (alert["type"], alert["userId"], alert["status"]) == ("dispute", buyer.uid, "open")

    stripe_side.close_dispute(dispute, "won")

    _balance_becomes(buyer, POPULAR_TOKENS)
    assert [entry["type"] for entry in buyer.transactions()] == ["dispute_reversal", "dispute", "purchase"]


def test_a_lost_dispute_stays_taken(buyer: Buyer, stripe_side: StripeSide, charge: str, stack: Stack) -> None:
    dispute = stripe_side.dispute(charge)
    _balance_becomes(buyer, 0)

    stripe_side.close_dispute(dispute, "lost")

    event = stripe_side.latest_event("charge.dispute.closed")
    eventually(lambda: event in stack.log("credit_tokens"))
    assert buyer.balance() == 0
    assert [entry["type"] for entry in buyer.transactions()] == ["dispute", "purchase"]


def test_a_debt_does_not_stop_a_purchase_which_pays_it_first(
    buyer: Buyer, stripe_side: StripeSide, charge: str, stack: Stack
) -> None:
    _spend(stack, buyer, POPULAR_TOKENS)
    stripe_side.refund(charge)
    _balance_becomes(buyer, -POPULAR_TOKENS)

    assert stripe_side.pay(buyer.checkout("pro")).is_success

    _balance_becomes(buyer, 250 - POPULAR_TOKENS)


def test_a_delayed_payment_is_credited_once_when_it_settles(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    session_id = buyer.checkout("popular")
    stripe_side.pay_later(session_id)
    eventually(lambda: _open_purchases(database, buyer) == {session_id: "waiting"})
    assert buyer.balance() == 0

    stripe_side.settle(session_id, "succeeded")

    _balance_becomes(buyer, POPULAR_TOKENS)
    assert _open_purchases(database, buyer) == {}
    assert len(buyer.transactions()) == 1


def test_a_delayed_payment_that_fails_is_never_credited_and_the_page_can_say_so(
    buyer: Buyer, stripe_side: StripeSide, database: firestore.Client
) -> None:
    session_id = buyer.checkout("popular")
    stripe_side.pay_later(session_id)

    stripe_side.settle(session_id, "failed")

    eventually(lambda: _open_purchases(database, buyer) == {session_id: "failed"})
    assert buyer.balance() == 0
    assert buyer.transactions() == []


def _balance_becomes(buyer: Buyer, tokens: int) -> None:
    eventually(lambda: buyer.balance() == tokens)


def _account(database: firestore.Client, buyer: Buyer) -> dict[str, Any]:
    return database.document(f"accounts/{buyer.uid}").get().to_dict() or {}


def _open_purchases(database: firestore.Client, buyer: Buyer) -> dict[str, str]:
    view = database.document(f"users/{buyer.uid}").get().to_dict() or {}
    return dict(view.get("openPurchases", {}))


def _spend(stack: Stack, buyer: Buyer, amount: int) -> None:
    body = {"user_id": buyer.uid, "amount": amount, "reason": "a picture", "idempotency_key": "picture-1"}
    httpx.post(stack.endpoints.functions["spend_tokens"], json=body).raise_for_status()
