"""reservations show and release: what jobs have set aside, and freeing it by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.firestore.reservations import Reservations
from shared.domain.entry import NewEntry
from shared.domain.spend_requests import Capture, ReservationKey, ReservationRequest
from tests.ledgers import ledger_of
from tests.operators import WHO_AND_WHY, Operator

JOB = ReservationKey("ada", "job-1")


def reserve(operator: Operator, key: str, *, age_s: int = 0, expires_in_s: int = 900) -> None:
    made_at = datetime.now(UTC) - timedelta(seconds=age_s)
    ledger = ledger_of(operator.client, clock=lambda: made_at)
    request = ReservationRequest(ReservationKey("ada", key), 30, 30, "one answer", expires_in_s, "capture_used")
    Reservations(ledger.store).reserve(request)


@pytest.fixture
def operator() -> Operator:
    """Ada holds 100 tokens, 60 of them reserved."""
    operator = Operator()
    operator.ledger.post("ada", NewEntry("adjustment:1", "adjustment", 100, {}), create_account=True)
    reserve(operator, "job-2", expires_in_s=1800)
    reserve(operator, "job-1")
    return operator


def shown(operator: Operator) -> Any:  # noqa: ANN401 - JSON
    return operator.read("reservations", "show", "ada")


def test_open_reservations_are_shown_with_those_that_expire_next_first(operator: Operator) -> None:
    answer = shown(operator)

    assert (answer["balance"], answer["reserved"], answer["available"]) == (100, 60, 40)
    assert [one["key"] for one in answer["reservations"]] == ["job-1", "job-2"]
    first = answer["reservations"][0]
    assert (first["amount"], first["used"], first["onExpiry"]) == (30, 0, "capture_used")
    assert first["reason"] == "one answer"


def test_what_has_expired_is_not_shown_even_before_it_is_swept(operator: Operator) -> None:
    Reservations(operator.ledger.store).release(JOB)
    reserve(operator, "job-3", age_s=1000)

    assert [one["key"] for one in shown(operator)["reservations"]] == ["job-2"]
    about = operator.read("user", "show", "ada")
    assert (about["reserved"], about["available"]) == (30, 70)


def test_a_user_is_shown_with_the_lots_that_expire(operator: Operator) -> None:
    operator.change("grant", "ada", "5", "--key", "T-7", "--expires-in-days", "1")

    assert operator.read("user", "show", "ada")["lots"]["grant:T-7"]["left"] == 5
    assert "grant:T-7" in operator.run("user", "show", "ada").stdout


def test_a_release_frees_the_tokens_and_says_who_and_why(operator: Operator) -> None:
    done = operator.change("reservations", "release", "ada", "job-1")

    assert done["outcome"] == "freed 30 tokens"
    assert (done["before"]["available"], done["after"]["available"]) == (40, 70)
    [record] = operator.operator_ledger.alerts("closed", uid="ada", limit=10)
    assert record.evidence == {
        "action": "reservation released",
        "operator": "Grace",
        "reason": "ticket 7",
        "idempotencyKey": "job-1",
        "amount": 30,
        "used": 0,
    }


def test_a_second_release_changes_nothing(operator: Operator) -> None:
    operator.change("reservations", "release", "ada", "job-1")
    before = operator.documents()

    assert "nothing changed" in operator.change("reservations", "release", "ada", "job-1")["outcome"]
    assert operator.documents() == before


def test_a_release_asks_first(operator: Operator) -> None:
    result = operator.run("reservations", "release", "ada", "job-1", *WHO_AND_WHY, answer="n\n")

    assert "Release the reservation job-1 of ada in project demo-ops?" in result.stderr
    assert shown(operator)["reserved"] == 60


def capture(operator: Operator) -> None:
    Reservations(operator.ledger.store).capture(Capture(JOB, 12))


@pytest.mark.parametrize(
    ("words", "before", "message"),
    [
        (("ada", "job-1"), capture, "12 tokens of this reservation were charged"),
        (("ada", "job-9"), None, "There is no reservation job-9 of this user"),
        (("eve", "job-1"), None, "There is no user eve"),
        (("ada", "a b"), None, "idempotency_key must be 1 to 128 of the characters A-Za-z0-9_.:-"),
        (("a/b", "job-1"), None, "Invalid value for 'UID': 'a/b' is not a user id"),
    ],
)
def test_what_cannot_be_released_is_refused(
    operator: Operator, words: tuple[str, str], before: Callable[[Operator], None] | None, message: str
) -> None:
    if before:
        before(operator)

    line = operator.refused("reservations", "release", *words, *WHO_AND_WHY, "--yes", "--json")
    assert line == f"Error: {message}"
