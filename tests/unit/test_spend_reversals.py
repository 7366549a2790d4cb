"""functions/spend_tokens at /reversals: tokens of a spend go back to where they came from, never more than it took."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.domain.times import DAY_S
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import Clock, ledger_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SPEND = {"user_id": "ada", "amount": 60, "reason": "render", "idempotency_key": "job-1"}
REVERSAL = {"user_id": "ada", "spend_key": "job-1", "reason": "it failed", "idempotency_key": "back-1"}


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    """Ada holds 100 tokens: 20 expire on 22 November, 30 on 25 November, the others never."""
    ledger = ledger_of(FakeFirestore().as_client(), clock=clock)
    ledger.post("ada", NewEntry("adjustment:1", "adjustment", 50, {}), create_account=True)
    ledger.post("ada", NewEntry("grant:later", "grant", 30, {}, expires_in_days=4, priority=50))
    ledger.post("ada", NewEntry("grant:soon", "grant", 20, {}, expires_in_days=1, priority=50))
    return ledger


@pytest.fixture
def function(ledger: Ledger) -> Iterator[Deployed]:
    with deployed("spend_tokens", {"GOOGLE_CLOUD_PROJECT": "demo"}, parts=(ledger,)) as function:
        assert function.post(SPEND).status_code == 200
        yield function


def reverse(function: Deployed, key: str = "back-1", **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
    return function.post({**REVERSAL, "idempotency_key": key, **changes}, path="/reversals")


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


def lots(ledger: Ledger) -> dict[str, int]:
    return {lot.id: lot.left for lot in ledger.account("ada").lots}


def test_the_spend_took_what_expires_first(function: Deployed, ledger: Ledger) -> None:
    spent = ledger.entry("spend:ada:job-1")

    assert spent is not None
    assert spent.details["from"] == {"grant:soon": 20, "grant:later": 30}
    assert lots(ledger) == {}
    assert function.post(SPEND).json["available"] == 40  # type: ignore[index]  # werkzeug knows no shape


def test_a_reversal_gives_all_back_to_where_it_came_from(function: Deployed, ledger: Ledger) -> None:
    answer = reverse(function)

    assert answer.json == {
        "success": True,
        "transaction": {
            "id": "spend_reversal:ada:back-1",
            "userId": "ada",
            "type": "spend_reversal",
            "amount": 60,
            "timestamp": "2026-11-21T12:00:00Z",
            "balanceAfter": 100,
            "details": {
                "amountAsked": None,
                "idempotencyKey": "back-1",
                "reason": "it failed",
                "spendKey": "job-1",
                "to": {"grant:later": 30, "grant:soon": 20},
            },
        },
        "balance": 100,
        "available": 100,
    }
    assert lots(ledger) == {"grant:soon": 20, "grant:later": 30}
    assert ledger.account("ada").spent == 60


def test_in_parts_the_last_taken_comes_back_first(function: Deployed, ledger: Ledger) -> None:
    """10 never expire, then 30 of the later grant, then 20 of the one that expires first."""
    after = []
    for number, tokens in enumerate((6, 14, 25, 15)):
        assert reverse(function, f"back-{number}", amount=tokens).status_code == 200
        after.append(lots(ledger))

    assert after == [
        {},
        {"grant:later": 10},
        {"grant:later": 30, "grant:soon": 5},
        {"grant:later": 30, "grant:soon": 20},
    ]
    assert ledger.account("ada").balance == 100


def test_no_more_goes_back_than_was_taken(function: Deployed, ledger: Ledger) -> None:
    assert refused(reverse(function, amount=61)) == (422, "over_reversal")
    assert reverse(function, amount=59).status_code == 200
    assert refused(reverse(function, "back-2", amount=2)) == (422, "over_reversal")
    assert reverse(function, "back-3").json["transaction"]["amount"] == 1  # type: ignore[index]
    assert refused(reverse(function, "back-4")) == (422, "over_reversal")
    assert ledger.account("ada").balance == 100


def test_the_same_key_again_gets_the_very_same_answer(function: Deployed, ledger: Ledger) -> None:
    first = reverse(function, amount=5)
    reverse(function, "back-2")
    function.post({**SPEND, "idempotency_key": "job-2"})

    assert reverse(function, amount=5).data == first.data
    assert ledger.account("ada").balance == 40


@pytest.mark.parametrize("other", [{"amount": 6}, {"amount": 60}, {"reason": "sorry"}, {"spend_key": "job-2"}])
def test_the_same_key_for_something_else_is_a_conflict(
    function: Deployed, ledger: Ledger, other: dict[str, Any]
) -> None:
    function.post({**SPEND, "idempotency_key": "job-2", "amount": 6})
    reverse(function)

    assert refused(reverse(function, **other)) == (409, "idempotency_conflict")
    assert ledger.account("ada").balance == 94


def test_what_has_expired_meanwhile_expires_again(function: Deployed, ledger: Ledger, clock: Clock) -> None:
    clock.skip(2 * DAY_S)  # the 20 tokens would have been gone for a day

    first = reverse(function)

    assert first.json is not None
    assert (first.json["transaction"]["amount"], first.json["balance"]) == (60, 100)
    expired = ledger.entry("expiry:grant:soon:back-1")
    assert expired is not None
    assert (expired.amount, expired.details["lot"]) == (-20, "grant:soon")
    assert (ledger.account("ada").balance, lots(ledger)) == (80, {"grant:later": 30})
    assert reverse(function).data == first.data


def test_what_goes_back_to_a_debt_pays_it_first(function: Deployed, ledger: Ledger) -> None:
    ledger.post("ada", NewEntry("adjustment:2", "adjustment", -90, {}))  # 40 are left: a debt of 50

    assert reverse(function).json["balance"] == 10  # type: ignore[index]
    assert sum(lots(ledger).values()) == 10


def test_a_captured_reservation_is_reversed_like_a_spend(function: Deployed, ledger: Ledger) -> None:
    job = {"user_id": "ada", "idempotency_key": "job-3"}
    function.post({**job, "amount": 30, "reason": "render"}, path="/reservations")
    function.post({**job, "amount": 12}, path="/reservations/capture")
    assert ledger.account("ada").balance == 28

    assert reverse(function, spend_key="job-3").json["balance"] == 40  # type: ignore[index]


def test_what_was_never_spent_is_not_given_back(function: Deployed) -> None:
    assert refused(reverse(function, spend_key="job-9")) == (404, "unknown_spend")
    assert refused(reverse(function, user_id="bob")) == (404, "unknown_spend")


def test_a_wrong_field_is_named(function: Deployed) -> None:
    wrong: dict[str, list[Any]] = {
        "user_id": [None, "a/b"],
        "spend_key": [None, "", "a b", 7],
        "idempotency_key": [None, "", "a b", 7],
        "amount": [0, -1, 1.0, True, "1", 1_000_000_001],
        "reason": [7, "a\nb", "x" * 201],
    }
    for field, values in wrong.items():
        for value in values:
            assert refused(reverse(function, **{field: value})) == (400, f"invalid_{field}"), (field, value)
    assert refused(reverse(function, reason=" ")) == (400, "missing_reason")
