"""What the webhook refuses changes nothing."""

import copy
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest
from google.cloud import firestore

from local.stack import Stack
from tests.e2e.buyer import Buyer, StripeSide, eventually
from tests.stripe_events import CLI_SECRET

WEBHOOK = "/api/stripe/webhook"
MINUTE_S = 60


@pytest.fixture
def purchase(buyer: Buyer, stripe_side: StripeSide) -> dict[str, Any]:
    """The event of a purchase that is credited."""
    session_id = buyer.checkout("popular")
    stripe_side.pay(session_id).raise_for_status()
    eventually(lambda: buyer.balance() == 110)
    return stripe_side.completed_event(session_id)


def signed(body: bytes, secret: str, *, at: float) -> dict[str, str]:
    """Headers as Stripe makes them: https://docs.stripe.com/webhooks#verify-manually."""
    signature = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={int(at)},v1={signature}", "Content-Type": "application/json"}


def another_purchase(event: dict[str, Any]) -> bytes:
    """The same event about a session that was never paid."""
    forged = copy.deepcopy(event)
    forged["id"] += "forged"
    forged["data"]["object"]["id"] += "forged"
    return json.dumps(forged).encode()


@pytest.mark.parametrize("age_s", [-6 * MINUTE_S, 6 * MINUTE_S], ids=["from_the_future", "stale"])
def test_a_true_signature_of_another_time_is_refused(
    purchase: dict[str, Any], stack: Stack, web: httpx.Client, database: firestore.Client, age_s: int
) -> None:
    body = another_purchase(purchase)

    answer = web.post(
        WEBHOOK, content=body, headers=signed(body, stack.endpoints.webhook_secret, at=time.time() - age_s)
    )

    assert_refused(answer, database, body)


def test_a_signature_by_another_secret_is_refused(
    purchase: dict[str, Any], web: httpx.Client, database: firestore.Client
) -> None:
    body = another_purchase(purchase)

    answer = web.post(WEBHOOK, content=body, headers=signed(body, "whsec_guessed", at=time.time()))

    assert_refused(answer, database, body)


def test_what_the_stripe_cli_forwards_is_taken(purchase: dict[str, Any], web: httpx.Client) -> None:
    body = json.dumps(purchase).encode()

    answer = web.post(WEBHOOK, content=body, headers=signed(body, CLI_SECRET, at=time.time()))

    assert answer.status_code == httpx.codes.OK


def test_a_body_altered_after_signing_is_refused(
    purchase: dict[str, Any], stack: Stack, web: httpx.Client, database: firestore.Client
) -> None:
    body = another_purchase(purchase)
    headers = signed(json.dumps(purchase).encode(), stack.endpoints.webhook_secret, at=time.time())

    answer = web.post(WEBHOOK, content=body, headers=headers)

    assert_refused(answer, database, body)


@pytest.mark.parametrize("headers", [{}, {"Stripe-Signature": ""}, {"Stripe-Signature": "t=1,v1=00"}])
def test_a_missing_or_empty_signature_is_refused(
    purchase: dict[str, Any], web: httpx.Client, database: firestore.Client, headers: dict[str, str]
) -> None:
    body = another_purchase(purchase)

    assert_refused(web.post(WEBHOOK, content=body, headers=headers), database, body)


def test_bytes_that_are_no_text_are_refused(stack: Stack, web: httpx.Client) -> None:
    body = b"\xff\xfe{}"

    answer = web.post(WEBHOOK, content=body, headers=signed(body, stack.endpoints.webhook_secret, at=time.time()))

    assert answer.status_code == httpx.codes.BAD_REQUEST


def test_a_body_of_more_than_512_kib_is_too_large(stack: Stack, web: httpx.Client) -> None:
    body = b'{"padding": "%s"}' % (b"x" * 512 * 1024)

    answer = web.post(WEBHOOK, content=body, headers=signed(body, stack.endpoints.webhook_secret, at=time.time()))

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


def assert_refused(answer: httpx.Response, database: firestore.Client, body: bytes) -> None:
    """400, and neither an entry nor a hold: nothing was published that could still make one."""
    session_id = json.loads(body)["data"]["object"]["id"]
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["success"] is False
    assert not database.document(f"transactions/purchase:{session_id}").get().exists
    assert not database.document(f"held_purchases/{session_id}").get().exists
