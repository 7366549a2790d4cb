"""functions/grant_tokens: who is given what, until when, in which order it is spent, and that a key gives once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.domain.lots import LOTS_MAX
from shared.domain.times import DAY_S
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import Clock, ledger_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
GRANT = {"user_id": "ada", "amount": 20, "reason": "thanks", "idempotency_key": "report-7"}


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore, clock: Clock) -> Ledger:
    return ledger_of(firestore.as_client(), clock=clock)


@pytest.fixture
def function(ledger: Ledger) -> Iterator[Deployed]:
    with deployed("grant_tokens", {"GOOGLE_CLOUD_PROJECT": "demo"}, parts=(ledger,)) as function:
        yield function


def grant(function: Deployed, key: str, tokens: int, days: int | None = None, **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
    fields = {"idempotency_key": key, "amount": tokens, "expires_in_days": days, **changes}
    answer = function.post({**GRANT, **fields})
    assert answer.status_code == 200, answer.json
    return answer


def spend(ledger: Ledger, key: str, tokens: int) -> dict[str, int]:
    """Spend tokens; return how many came from which grant."""
    ledger.post("ada", NewEntry(f"spend:ada:{key}", "spend", -tokens, {}))
    entry = ledger.entry(f"spend:ada:{key}")
    assert entry is not None
    taken: dict[str, int] = entry.details.get("from", {})
    return {id_.removeprefix("grant:ada:"): part for id_, part in taken.items()}


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


def test_a_grant_makes_the_account_of_somebody_who_never_bought(function: Deployed, ledger: Ledger) -> None:
    answer = function.post(GRANT)

    assert answer.json == {
        "success": True,
        "transaction": {
            "id": "grant:ada:report-7",
            "userId": "ada",
            "type": "grant",
            "amount": 20,
            "timestamp": "2026-11-21T12:00:00Z",
            "balanceAfter": 20,
            "details": {"expiresInDays": None, "idempotencyKey": "report-7", "reason": "thanks"},
        },
        "balance": 20,
        "available": 20,
    }
    assert (ledger.account("ada").earned, ledger.account("ada").lots) == (20, ())


def test_a_grant_says_until_when(function: Deployed) -> None:
    answer = function.post({**GRANT, "expires_in_days": 10})

    assert answer.json is not None
    assert answer.json["transaction"]["details"] == {
        "expiresAt": "2026-12-02T00:00:00Z",
        "expiring": 20,
        "expiresInDays": 10,
        "idempotencyKey": "report-7",
        "priority": 50,
        "reason": "thanks",
    }


@pytest.mark.parametrize("changes", [{}, {"expires_in_days": 10}, {"expires_in_days": 10, "priority": 0}])
def test_the_same_key_again_gets_the_very_same_answer(
    function: Deployed, ledger: Ledger, clock: Clock, changes: dict[str, Any]
) -> None:
    first = function.post({**GRANT, **changes})
    spend(ledger, "1", 20)
    clock.skip(3 * DAY_S)

    assert function.post({**GRANT, **changes}).data == first.data
    assert ledger.account("ada").balance == 0


@pytest.mark.parametrize(
    "other", [{"amount": 21}, {"reason": "sorry"}, {"expires_in_days": 11}, {"expires_in_days": 10, "priority": 49}]
)
def test_the_same_key_with_other_contents_is_a_conflict(
    function: Deployed, ledger: Ledger, other: dict[str, Any]
) -> None:
    function.post({**GRANT, "expires_in_days": 10})

    assert refused(function.post({**GRANT, "expires_in_days": 10, **other})) == (409, "idempotency_conflict")
    assert ledger.account("ada").balance == 20


def test_tokens_that_never_expire_and_those_that_do_are_not_one_grant(function: Deployed) -> None:
    forever, brief = GRANT, {**GRANT, "idempotency_key": "brief", "expires_in_days": 10}
    function.post(forever)
    function.post(brief)

    assert refused(function.post({**forever, "expires_in_days": 10})) == (409, "idempotency_conflict")
    assert refused(function.post({**brief, "expires_in_days": None})) == (409, "idempotency_conflict")


def test_tokens_are_gone_at_the_end_of_their_day(function: Deployed, ledger: Ledger, clock: Clock) -> None:
    grant(function, "forever", 5)
    grant(function, "brief", 20, 1)
    clock.skip(1.5 * DAY_S - 1)
    assert ledger.owner_view("ada").balance == 25
    clock.skip(1)

    assert ledger.owner_view("ada").balance == 5  # whether or not anything has swept them
    ledger.settle("ada")
    expired = ledger.entry("expiry:grant:ada:brief")
    assert expired is not None
    assert (expired.amount, expired.balance_after) == (-20, 5)
    assert expired.details == {"lot": "grant:ada:brief", "expiredAt": "2026-11-23T00:00:00Z"}
    assert ledger.account("ada").spent == 0


def test_only_what_is_left_of_a_grant_expires(function: Deployed, ledger: Ledger, clock: Clock) -> None:
    grant(function, "brief", 20, 1)
    grant(function, "later", 10, 2)
    assert spend(ledger, "1", 15) == {"brief": 15}
    clock.skip(2 * DAY_S)
    ledger.settle("ada")

    assert ledger.account("ada").balance == 10


def test_spends_take_the_lowest_priority_then_the_first_to_expire_then_what_never_does(
    function: Deployed, ledger: Ledger
) -> None:
    grant(function, "forever", 100)
    grant(function, "late", 10, 9)
    grant(function, "soon", 10, 1)
    grant(function, "first", 10, 30, priority=0)
    grant(function, "last", 10, 1, priority=100)

    assert spend(ledger, "1", 15) == {"first": 10, "soon": 5}
    assert spend(ledger, "2", 30) == {"soon": 5, "late": 10, "last": 10}
    assert spend(ledger, "3", 95) == {}
    assert ledger.account("ada").balance == 0


def test_a_debt_is_paid_before_anything_can_expire(function: Deployed, ledger: Ledger, clock: Clock) -> None:
    ledger.post("ada", NewEntry("adjustment:1", "adjustment", -15, {}), create_account=True)
    grant(function, "brief", 20, 1)
    assert ledger.owner_view("ada").expiring == ((1795392000, 5),)
    clock.skip(2 * DAY_S)
    ledger.settle("ada")

    assert ledger.account("ada").balance == 0


def test_a_refund_takes_what_never_expires_first(function: Deployed, ledger: Ledger) -> None:
    grant(function, "forever", 10)
    grant(function, "brief", 20, 1)
    ledger.post("ada", NewEntry("adjustment:1", "adjustment", -12, {}))

    assert [lot.left for lot in ledger.account("ada").lots] == [18]


def test_one_more_than_an_account_keeps_joins_two_on_the_later_day(function: Deployed, ledger: Ledger) -> None:
    for number in range(LOTS_MAX):
        grant(function, f"{number}", 1, 2 * number + 1)
    answer = grant(function, "one-more", 1, 2)

    lots = ledger.account("ada").lots
    assert len(lots) == LOTS_MAX
    assert ledger.account("ada").balance == LOTS_MAX + 1 == sum(lot.left for lot in lots)
    assert answer.json is not None
    assert answer.json["transaction"]["details"]["lotsJoined"] == {"grant:ada:0": "grant:ada:one-more"}
    assert (lots[0].id, lots[0].left) == ("grant:ada:one-more", 2)


_NUMBERS = (-1, 0.5, 1.0, True, "1", [1], 10**30)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("user_id", [None, "", 7, "a/b"]),
        ("idempotency_key", [None, "", "a b", "x" * 129]),
        ("amount", [None, 0, 1_000_000_001, *_NUMBERS]),
        ("reason", [7, "a\nb", "x" * 201]),
        ("expires_in_days", [0, 3_651, *_NUMBERS]),
        ("priority", [101, *_NUMBERS]),
    ],
)
def test_a_wrong_field_is_named(function: Deployed, firestore: FakeFirestore, field: str, values: list[Any]) -> None:
    for value in values:
        body = {**GRANT, "expires_in_days": 1, field: value}
        assert refused(function.post(body)) == (400, f"invalid_{field}"), value
    assert firestore.paths("accounts") == []


def test_a_priority_is_for_tokens_that_expire(function: Deployed) -> None:
    assert refused(function.post({**GRANT, "priority": 10})) == (400, "invalid_priority")
    assert refused(function.post({**GRANT, "reason": " "})) == (400, "missing_reason")
    assert refused(function.post(data="[]", content_type="application/json")) == (400, "invalid_json")


def test_every_path_of_its_url_gives(function: Deployed, ledger: Ledger) -> None:
    first = function.post(GRANT)

    assert function.post(GRANT, path="/grant_tokens").data == first.data
    assert ledger.account("ada").balance == 20


def test_what_became_of_a_grant_is_logged_with_ids(function: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    function.post({**GRANT, "expires_in_days": 1})
    function.post({**GRANT, "expires_in_days": 1})
    function.post({**GRANT, "expires_in_days": 2})

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["event"], one.get("reason"), one.get("expires_at")) for one in records] == [
        ("grant.made", None, "2026-11-23T00:00:00Z"),
        ("grant.duplicate", None, None),
        ("grant.refused", "idempotency_conflict", None),
    ]
    assert {(one["user_id"], one["entry_id"], one["tokens"]) for one in records} == {("ada", "grant:ada:report-7", 20)}
