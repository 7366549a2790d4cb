"""The operator's command line as it is called, on the running stack."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from local.stack import Stack
from tests.e2e.buyer import Buyer, StripeSide, eventually
from topology.functions import ROOT

POPULAR_TOKENS = 110
WHO_AND_WHY = ("--operator", "Grace", "--reason", "ticket 7", "--yes", "--json")

Operator = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ops(stack: Stack) -> Operator:
    """Runs a command on the stack."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops", "--local", "--endpoints", str(stack.endpoints_file), *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def held_session(buyer: Buyer, stripe_side: StripeSide, database: firestore.Client) -> str:
    """A session that was paid for `popular` and claims 99999 tokens."""
    session_id = stripe_side.session_with_metadata(
        {
            "firebase_uid": buyer.uid,
            "package_id": "popular",
            "tokens": "99999",
            "purchase_type": "token_package",
        }
    )
    assert stripe_side.pay(session_id).is_success
    eventually(lambda: bool(database.document(f"held_purchases/{session_id}").get().exists))
    return session_id


@pytest.fixture
def undelivered(stripe_side: StripeSide) -> Iterator[None]:
    """Webhooks are dropped for as long as the test lasts."""
    eventually(stripe_side.has_delivered_everything)
    stripe_side.deliver_webhooks("drop")
    yield
    stripe_side.deliver_webhooks("deliver")


def answer(result: subprocess.CompletedProcess[str]) -> Any:  # noqa: ANN401 - JSON
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_held_purchase_is_released_at_the_terms_of_what_was_paid(
    ops: Operator, buyer: Buyer, stripe_side: StripeSide, stack: Stack, held_session: str
) -> None:
    done = answer(ops("held", "release", held_session, *WHO_AND_WHY))

    assert (done["before"]["balance"], done["after"]["balance"]) == (0, POPULAR_TOKENS)
    assert buyer.balance() == POPULAR_TOKENS
    # Its event comes again, and is nothing new.
    assert stripe_side.resend(stripe_side.completed_event(held_session)["id"]) == [httpx.codes.OK]
    eventually(lambda: f"Session {held_session} already processed" in stack.log("credit_tokens"))
    assert buyer.balance() == POPULAR_TOKENS
    assert answer(ops("audit", buyer.uid, "--json"))["faulty"] == []


def test_a_rejected_purchase_is_refunded_and_its_refund_changes_no_balance(
    ops: Operator, buyer: Buyer, stripe_side: StripeSide, database: firestore.Client, held_session: str
) -> None:
    done = answer(ops("held", "reject", held_session, *WHO_AND_WHY))

    assert "refunded as re_" in done["outcome"]
    refunded = stripe_side.latest_event("charge.refunded")
    by_buyer = FieldFilter("userId", "==", buyer.uid)
    assert stripe_side.resend(refunded) == [httpx.codes.OK]
    eventually(lambda: bool(database.collection("payments").where(filter=by_buyer).get()))
    assert buyer.balance() == 0
    assert buyer.transactions() == []
    assert "nothing changed" in answer(ops("held", "reject", held_session, *WHO_AND_WHY))["outcome"]


def test_a_held_purchase_that_was_refunded_already_is_rejected_without_another_refund(
    ops: Operator, stripe_side: StripeSide, held_session: str
) -> None:
    stripe_side.refund(stripe_side.charge_of(held_session))

    done = answer(ops("held", "reject", held_session, *WHO_AND_WHY))

    assert done["outcome"] == f"{held_session} rejected, it was refunded before"


@pytest.mark.usefixtures("undelivered")
def test_a_paid_session_whose_webhook_was_lost_is_credited_by_hand_once(
    ops: Operator, buyer: Buyer, stripe_side: StripeSide, stack: Stack
) -> None:
    session_id = buyer.checkout()
    unpaid = ops("credit", session_id, *WHO_AND_WHY)
    assert (unpaid.returncode, unpaid.stderr) == (1, f"Error: {session_id} is not paid\n")
    assert stripe_side.pay(session_id).is_success

    answer(ops("credit", session_id, *WHO_AND_WHY))

    assert buyer.balance() == POPULAR_TOKENS
    assert stripe_side.resend(stripe_side.completed_event(session_id)["id"]) == [httpx.codes.OK]
    eventually(lambda: f"Session {session_id} already processed" in stack.log("credit_tokens"))
    assert buyer.balance() == POPULAR_TOKENS


def test_a_replay_of_everything_changes_no_balance(
    ops: Operator, buyer: Buyer, stripe_side: StripeSide, stack: Stack
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    session_id = buyer.checkout()
    assert stripe_side.pay(session_id).is_success
    eventually(lambda: buyer.balance() == POPULAR_TOKENS)

    answer(ops("replay", "--from", since.isoformat(), *WHO_AND_WHY))

    eventually(lambda: f"Session {session_id} already processed" in stack.log("credit_tokens"))
    assert buyer.balance() == POPULAR_TOKENS
    assert len(buyer.transactions()) == 1


def test_a_user_is_found_by_the_address_that_they_signed_up_with(
    ops: Operator, buyer: Buyer, stripe_side: StripeSide, stack: Stack
) -> None:
    lookup = f"http://{stack.endpoints.auth}/identitytoolkit.googleapis.com/v1/projects/{stack.endpoints.project}"
    found = httpx.post(
        f"{lookup}/accounts:lookup", json={"localId": [buyer.uid]}, headers={"Authorization": "Bearer owner"}
    )
    email = found.raise_for_status().json()["users"][0]["email"]
    never_bought = ops("user", "show", email)
    assert never_bought.stderr == f"Error: The address {email} belongs to user {buyer.uid}, who has no account yet\n"
    session_id = buyer.checkout()
    assert stripe_side.pay(session_id).is_success
    eventually(lambda: buyer.balance() == POPULAR_TOKENS)

    assert [answer(ops("user", "show", who, "--json"))["userId"] for who in (email, session_id)] == [buyer.uid] * 2
    unknown = ops("user", "show", "nobody@example.com")
    assert unknown.stderr == "Error: There is no user with the address nobody@example.com\n"


def test_a_grant_is_in_the_users_own_history_and_its_reason_in_the_operators_record(
    ops: Operator, buyer: Buyer, stripe_side: StripeSide
) -> None:
    unknown = ops("grant", "nobody", "5", *WHO_AND_WHY)
    assert (unknown.returncode, unknown.stderr) == (1, "Error: There is no user nobody\n")
    answer(ops("grant", buyer.uid, "5", *WHO_AND_WHY))  # who has only signed up
    assert buyer.balance() == 5

    assert stripe_side.pay(buyer.checkout()).is_success
    eventually(lambda: buyer.balance() == POPULAR_TOKENS + 5)
    assert [entry["type"] for entry in buyer.transactions()] == ["purchase", "grant"]
    assert "ticket 7" not in str(buyer.transactions())
    assert "ticket 7" in ops("alerts", "list", "--status", "closed", "--user", buyer.uid, "--json").stdout
