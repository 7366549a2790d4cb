"""functions/get_balance and functions/list_transactions: what a signed-in user may see of their own account."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.adapters.firestore.ledger import Ledger
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "demo", "ALLOWED_ORIGINS": "https://app.example"}
AT = datetime(2025, 10, 25, 10, 30, tzinfo=UTC)


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client(), clock=lambda: AT)


@pytest.fixture
def balance(ledger: Ledger) -> Iterator[Deployed]:
    with deployed("get_balance", ENVIRON, parts=(FakeIdentity(), ledger)) as function:
        yield function


@pytest.fixture
def history(ledger: Ledger) -> Iterator[Deployed]:
    with deployed("list_transactions", ENVIRON, parts=(FakeIdentity(), ledger)) as function:
        yield function


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


# --- balance


def owner_views() -> list[dict[str, Any]]:
    """Return documents as the pages settle them too: web/tests/expiry.test.ts."""
    loaded: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "owner_views.json").read_text())
    return loaded


@pytest.mark.parametrize("case", owner_views(), ids=lambda case: case["name"])
def test_what_time_has_changed_is_told_before_it_is_swept(firestore: FakeFirestore, case: dict[str, Any]) -> None:
    firestore.put("users/ada", case["fields"])
    ledger = ledger_of(firestore.as_client(), clock=lambda: datetime.fromtimestamp(case["now"], UTC))

    with deployed("get_balance", ENVIRON, parts=(FakeIdentity(), ledger)) as function:
        told = function.get(headers=ADA).json

    assert told is not None
    assert (told["balance"], told["reserved"]) == (case["balance"], case["reserved"])
    assert told["available"] == case["balance"] - case["reserved"]


def test_a_new_user_has_nothing(balance: Deployed) -> None:
    answer = balance.get(headers=ADA)

    assert answer.json == {
        "success": True,
        "balance": 0,
        "reserved": 0,
        "available": 0,
        "expiring": [],
        "totalTokensPurchased": 0,
        "totalTokensEarned": 0,
        "totalTokensSpent": 0,
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_buyer_sees_the_tokens(balance: Deployed, ledger: Ledger) -> None:
    ledger.credit(purchase(), NO_LIMITS)

    answer = balance.get(headers=ADA)

    assert answer.json is not None
    assert (answer.json["balance"], answer.json["totalTokensPurchased"]) == (110, 110)


def test_nobody_sees_another_users_balance(balance: Deployed, ledger: Ledger) -> None:
    ledger.credit(purchase(uid="bob"), NO_LIMITS)

    answer = balance.get("?uid=bob&user_id=bob", headers=ADA)

    assert answer.json is not None
    assert answer.json["balance"] == 0


@pytest.mark.parametrize("name", ["balance", "history"])
def test_without_a_token_nothing_is_seen(request: pytest.FixtureRequest, name: str) -> None:
    answer = request.getfixturevalue(name).get()

    assert refused(answer) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["balance", "history"])
def test_only_reading_is_allowed(request: pytest.FixtureRequest, name: str) -> None:
    answer = request.getfixturevalue(name).post({}, headers=ADA)

    assert refused(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("name", ["balance", "history"])
def test_firestore_away_is_503(request: pytest.FixtureRequest, firestore: FakeFirestore, name: str) -> None:
    firestore.away = True

    answer = request.getfixturevalue(name).get(headers=ADA)

    assert refused(answer) == (503, "ledger_unavailable")
    assert answer.headers["Retry-After"] == "5"


# --- history


def test_a_transaction_is_shown_as_the_contract_says(history: Deployed, ledger: Ledger) -> None:
    ledger.credit(purchase("cs_1", payment_intent_id="pi_1"), NO_LIMITS)

    answer = history.get(headers=ADA)

    assert answer.json == {
        "success": True,
        "transactions": [
            {
                "id": "purchase:cs_1",
                "userId": "ada",
                "type": "purchase",
                "amount": 110,
                "timestamp": "2025-10-25T10:30:00Z",
                "balanceAfter": 110,
                "details": {
                    "packageId": "popular",
                    "bonus": 10,
                    "stripeSessionId": "cs_1",
                    "stripeCustomerId": "cus_ada",
                    "stripePaymentIntentId": "pi_1",
                    "paymentAmount": 999,
                    "paymentAmountCents": 999,
                    "subtotalCents": 999,
                    "currency": "usd",
                    "paymentAmountUSD": 9.99,
                },
            }
        ],
        "limit": 20,
        "offset": 0,
        "next_cursor": None,
    }


@pytest.fixture
def thirty(ledger: Ledger) -> list[str]:
    """Return the ids of ada's 30 entries, newest first, with bob's among them."""
    bought = [purchase() for _ in range(30)]
    for one in bought:
        ledger.credit(one, NO_LIMITS)
        ledger.credit(purchase(uid="bob"), NO_LIMITS)
    return [one.entry_id for one in reversed(bought)]


def ids(answer: TestResponse) -> list[str]:
    assert answer.json is not None
    return [transaction["id"] for transaction in answer.json["transactions"]]


def test_twenty_are_shown_unless_said_otherwise(history: Deployed, thirty: list[str]) -> None:
    assert ids(history.get(headers=ADA)) == thirty[:20]


def test_limit_and_offset_are_taken_and_told(history: Deployed, thirty: list[str]) -> None:
    answer = history.get("?limit=5&offset=10", headers=ADA)

    assert ids(answer) == thirty[10:15]
    assert answer.json is not None
    assert (answer.json["limit"], answer.json["offset"]) == (5, 10)


def test_cursors_lead_to_the_end(history: Deployed, thirty: list[str]) -> None:
    answer = history.get("?limit=12", headers=ADA)
    read = ids(answer)
    while answer.json is not None and answer.json["next_cursor"]:
        answer = history.get(f"?limit=12&cursor={answer.json['next_cursor']}", headers=ADA)
        read += ids(answer)

    assert read == thirty


@pytest.mark.parametrize("limit", ["1", "100", "007"])
def test_every_limit_in_range_is_taken(history: Deployed, limit: str) -> None:
    assert history.get(f"?limit={limit}", headers=ADA).status_code == 200


@pytest.mark.parametrize("value", ["0", "101", "-1", "", "ten", "1.5", "1e1", "+5", " 5", "%D9%A5", "9" * 5000])
def test_a_limit_out_of_range_is_refused(history: Deployed, value: str) -> None:
    assert refused(history.get(f"?limit={value}", headers=ADA)) == (400, "invalid_limit")


@pytest.mark.parametrize("value", ["-1", "", "x", "10001", "9" * 5000])
def test_an_offset_out_of_range_is_refused(history: Deployed, value: str) -> None:
    assert refused(history.get(f"?offset={value}", headers=ADA)) == (400, "invalid_offset")


@pytest.mark.parametrize("cursor", ["x", "***", "dDA9", "%C3%A9", "dC0x", "A" * 5000])
def test_a_cursor_that_is_not_ours_is_refused(history: Deployed, cursor: str) -> None:
    assert refused(history.get(f"?cursor={cursor}", headers=ADA)) == (400, "bad_cursor")


def test_a_cursor_and_an_offset_contradict_each_other(history: Deployed) -> None:
    assert refused(history.get("?cursor=dDA&offset=0", headers=ADA)) == (400, "cursor_and_offset")
