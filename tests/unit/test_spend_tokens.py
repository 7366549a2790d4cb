"""functions/spend_tokens: what it takes, what it refuses, and that a key spends once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import LedgerConflict
from shared.domain.limits import Limits
from shared.domain.spend_requests import spend_of
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import purchase

SPEND = {"user_id": "ada", "amount": 10, "reason": "render", "idempotency_key": "job-1"}


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    """Ada holds 110 tokens."""
    ledger = ledger_of(firestore.as_client())
    ledger.credit(purchase("cs_1"), Limits())
    return ledger


@pytest.fixture
def function(ledger: Ledger) -> Iterator[Deployed]:
    with deployed("spend_tokens", {"GOOGLE_CLOUD_PROJECT": "demo"}, parts=(ledger,)) as function:
        yield function


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


def test_spends_of_two_users_never_share_an_entry() -> None:
    """A uid may have a colon in it, and so may a key."""
    one = spend_of({**SPEND, "user_id": "a", "idempotency_key": "b:c"})[1]
    other = spend_of({**SPEND, "user_id": "a:b", "idempotency_key": "c"})[1]

    assert one.id == "spend:a:b:c"
    assert other.id == "spend:a%3Ab:c"


def test_a_spend_answers_with_its_entry_and_the_balance(function: Deployed) -> None:
    answer = function.post(SPEND)

    assert answer.status_code == 200
    assert answer.json is not None
    transaction = answer.json["transaction"]
    assert answer.json == {"success": True, "transaction": transaction, "balance": 100, "available": 100}
    assert transaction.pop("timestamp").endswith("Z")
    assert transaction == {
        "id": "spend:ada:job-1",
        "userId": "ada",
        "type": "spend",
        "amount": -10,
        "balanceAfter": 100,
        "details": {"reason": "render", "idempotencyKey": "job-1"},
    }


def test_the_same_key_again_gets_the_very_same_answer(function: Deployed, ledger: Ledger) -> None:
    first = function.post(SPEND)
    function.post({**SPEND, "idempotency_key": "job-2", "amount": 100})

    again = function.post(SPEND)

    assert (again.status_code, again.data) == (200, first.data)
    assert ledger.account("ada").balance == 0
    assert ledger.account("ada").spent == 110


@pytest.mark.parametrize("other", [{"amount": 11}, {"reason": "export"}])
def test_the_same_key_with_other_contents_is_a_conflict(
    function: Deployed, ledger: Ledger, other: dict[str, Any]
) -> None:
    function.post(SPEND)

    assert refused(function.post({**SPEND, **other})) == (409, "idempotency_conflict")
    assert ledger.account("ada").balance == 100


def test_the_same_key_of_another_user_is_another_spend(function: Deployed, ledger: Ledger) -> None:
    ledger.post("bob", NewEntry("grant:1", "grant", 10, {"reason": "gift"}), create_account=True)

    assert function.post(SPEND).status_code == 200
    assert function.post({**SPEND, "user_id": "bob"}).status_code == 200


def test_more_than_there_is_changes_nothing(function: Deployed, firestore: FakeFirestore) -> None:
    before = firestore.fields_of("users/ada")

    assert refused(function.post({**SPEND, "amount": 111})) == (402, "not_enough_tokens")
    assert firestore.fields_of("users/ada") == before
    assert firestore.paths("transactions") == ["transactions/purchase:cs_1"]


def test_a_user_that_does_not_exist_is_not_made(function: Deployed, firestore: FakeFirestore) -> None:
    assert refused(function.post({**SPEND, "user_id": "bob"})) == (404, "unknown_user")
    assert firestore.paths("users") == ["users/ada"]


def test_a_user_with_a_profile_only_exists_and_has_nothing(function: Deployed, firestore: FakeFirestore) -> None:
    firestore.put("users/bob", {})

    assert refused(function.post({**SPEND, "user_id": "bob"})) == (402, "not_enough_tokens")


@pytest.mark.parametrize(
    ("field", "values", "code"),
    [
        ("amount", [0, -1, 1.0, 0.5, True, "10", None, [10], 1_000_000_001, 10**30], "invalid_amount"),
        ("user_id", [None, "", 7, "a/b", "..", "__ada__", "x" * 129, "\ud800"], "invalid_user_id"),
        ("reason", [None, "", "  "], "missing_reason"),
        ("reason", [7, ["render"], "x" * 201, "a\nb", "\udfff"], "invalid_reason"),
        ("idempotency_key", [None, "", 7, "a b", "a/b", "ä", "x" * 129, "k\n"], "invalid_idempotency_key"),
    ],
)
def test_a_wrong_field_is_named(
    function: Deployed, firestore: FakeFirestore, field: str, values: list[Any], code: str
) -> None:
    for value in values:
        assert refused(function.post({**SPEND, field: value})) == (400, code), value
    assert refused(function.post({name: SPEND[name] for name in SPEND if name != field}))[0] == 400
    assert firestore.paths("transactions") == ["transactions/purchase:cs_1"]


@pytest.mark.parametrize(
    "limits",
    [{"amount": 1}, {"amount": 110}, {"reason": "ß" * 200}, {"idempotency_key": "A-z_0.9:" + "k" * 120}],
)
def test_the_last_good_value_is_taken(function: Deployed, limits: dict[str, Any]) -> None:
    assert function.post({**SPEND, **limits}).status_code == 200


def test_only_json_is_read(function: Deployed) -> None:
    assert refused(function.post(data="user_id=ada", content_type="application/x-www-form-urlencoded"))[0] == 415
    assert refused(function.post(data="[]", content_type="application/json")) == (400, "invalid_json")
    assert refused(function.get()) == (405, "method_not_allowed")


def test_a_page_of_another_origin_gets_no_leave(function: Deployed) -> None:
    assert "Access-Control-Allow-Origin" not in function.post(SPEND, headers={"Origin": "http://localhost"}).headers


def test_what_became_of_a_spend_is_logged_with_ids(function: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    function.post(SPEND)
    function.post(SPEND)
    function.post({**SPEND, "reason": "export"})
    function.post({**SPEND, "idempotency_key": "job-2", "amount": 1000})
    function.post({**SPEND, "user_id": "bob"})

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(record["event"], record.get("reason")) for record in records] == [
        ("tokens.spent", None),
        ("tokens.duplicate", None),
        ("tokens.refused", "idempotency_conflict"),
        ("tokens.refused", "not_enough_tokens"),
        ("tokens.refused", "unknown_user"),
    ]
    assert {(record["user_id"], record["entry_id"]) for record in records[:3]} == {("ada", "spend:ada:job-1")}


def test_a_spend_made_before_its_user_went_still_answers(function: Deployed, firestore: FakeFirestore) -> None:
    first = function.post(SPEND)
    firestore.remove("users/ada")

    assert function.post(SPEND).data == first.data


def test_ids_that_two_users_could_share_are_a_conflict_and_never_one_spend(ledger: Ledger) -> None:
    """`spend:a:b:c` is user a with key b:c and user a:b with key c."""
    for uid in ("a", "a:b"):
        ledger.post(uid, NewEntry(f"grant:{uid}", "grant", 10, {"reason": "gift"}), create_account=True)
    ledger.post("a", NewEntry("spend:a:b:c", "spend", -1, {"reason": "render"}))

    with pytest.raises(LedgerConflict):
        ledger.post("a:b", NewEntry("spend:a:b:c", "spend", -1, {"reason": "render"}))


def test_an_entry_looks_the_same_whatever_order_its_details_come_in() -> None:
    """Firestore gives them back sorted."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    made, read = (
        Entry("spend:ada:1", "ada", "spend", -1, 9, now, dict.fromkeys(names, "x"))
        for names in (("reason", "idempotencyKey"), ("idempotencyKey", "reason"))
    )

    assert json.dumps(made.as_json()) == json.dumps(read.as_json())
