"""spend_tokens in the running product, as a backend calls it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from google.cloud import firestore

from local.stack import Stack
from shared.domain.entry import NewEntry
from tests.e2e.buyer import Buyer, StripeSide, eventually, spend
from tests.ledgers import ledger_of


@pytest.fixture
def rich(buyer: Buyer, database: firestore.Client) -> Buyer:
    """A user with 500 tokens."""
    gift = NewEntry(f"grant:{buyer.uid}", "grant", 500, {"reason": "test"})
    ledger_of(database).post(buyer.uid, gift, create_account=True)
    return buyer


def at_once(stack: Stack, uid: str, keys: list[str]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(lambda key: spend(stack, uid, 10, key=key), keys))


def test_bought_tokens_are_spent_and_shown(stack: Stack, buyer: Buyer, stripe_side: StripeSide) -> None:
    stripe_side.pay(buyer.checkout("popular")).raise_for_status()
    eventually(lambda: buyer.balance() == 110)

    answer = spend(stack, buyer.uid, 30, key="job-1")

    assert answer.status_code == 200
    shown: dict[str, Any] = buyer.transactions()[0]
    assert answer.json() == {"success": True, "transaction": shown, "balance": 80, "available": 80}
    assert buyer.balance() == 80


def test_of_a_hundred_spends_at_once_as_many_succeed_as_there_are_tokens_for(stack: Stack, rich: Buyer) -> None:
    answers = at_once(stack, rich.uid, [f"job-{number}" for number in range(100)])

    assert Counter(answer.status_code for answer in answers) == {200: 50, 402: 50}
    assert rich.balance() == 0
    assert len(rich.transactions(limit=100)) == 51


def test_one_key_fifty_times_at_once_spends_once(stack: Stack, rich: Buyer) -> None:
    answers = at_once(stack, rich.uid, ["job-1"] * 50)

    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert rich.balance() == 490


def test_a_user_that_nobody_knows_has_nothing_to_spend(stack: Stack) -> None:
    assert spend(stack, "nobody", 10).status_code == 404


def test_it_has_no_public_path(stack: Stack, web: httpx.Client) -> None:
    assert stack.endpoints.functions["spend_tokens"]
    assert not web.post("/api/tokens/spend", json={}).is_success
