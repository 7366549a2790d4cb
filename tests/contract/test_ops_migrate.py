"""`ops migrate` on what version 0.1 wrote, over the in-memory fake and over the official emulator alike."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.crediting import Duplicate
from shared.domain.payment_facts import BalanceTransaction, DisputeState, RefundedTotal, RefundMade
from shared.domain.reversing import NothingNew, Reversed
from tests.first_version import DOCUMENTS
from tests.operators import WHO_AND_WHY, Operator
from tests.purchases import NO_LIMITS, purchase

LEDGER_COLLECTIONS = ("accounts", "users", "transactions", "payments", "held_purchases")


@pytest.fixture(params=["fake", "emulator"])
def operator(request: pytest.FixtureRequest) -> Operator:
    """Operates on a database that version 0.1 has written to."""
    operator = Operator(emulated=None if request.param == "fake" else request.getfixturevalue("firestore_client"))
    write(operator, DOCUMENTS)
    return operator


def write(operator: Operator, documents: dict[str, dict[str, Any]]) -> None:
    batch = operator.client.batch()
    for path, fields in documents.items():
        batch.create(operator.client.document(path), fields)
    batch.commit()


def fields(operator: Operator, path: str) -> dict[str, Any] | None:
    found = operator.client.document(path).get()
    return found.to_dict() if found.exists else None


def documents(operator: Operator) -> dict[str, Any]:
    """Return what the ledger has stored, with when each document was last written."""
    return {
        f"{name}/{found.id}": (found.update_time, found.to_dict())
        for name in LEDGER_COLLECTIONS
        for found in operator.client.collection(name).order_by("__name__").stream()
    }


def test_a_migrated_account_is_what_version_01_knew(operator: Operator) -> None:
    done = operator.change("migrate")

    assert (done["before"]["accountsToMove"], done["after"]["accountsToMove"]) == (1, 0)
    assert fields(operator, "accounts/ada") is not None
    account = operator.ledger.account("ada")
    assert (account.balance, account.purchased, account.earned, account.spent) == (123, 220, 5, 30)
    assert account.stripe_customer_id == "cus_ada"
    assert [one.paid_at for one in account.recent_purchases] == [1793534400, 1793534400]
    states = {id_: account.open_state(id_) for id_ in account.open_purchases}
    assert states == {"cs_slow": "waiting", "cs_gone": "failed", "cs_held": "held"}
    assert account.last_entry_at == DOCUMENTS["users/ada"]["lastEntryAt"]
    assert account.subscription is not None
    assert (account.subscription.id, account.subscription.status) == ("sub_1", "active")
    assert operator.read("audit", "ada") == {"audited": 1, "faulty": []}


def test_the_owners_view_and_profile_stay_and_the_ledgers_own_fields_leave(operator: Operator) -> None:
    operator.change("migrate")

    before = DOCUMENTS["users/ada"]
    moved = ("recentPurchases", "reversals", "lastEntryAt")
    stays = {name: value for name, value in before.items() if name not in moved}
    assert fields(operator, "users/ada") == {**stays, "tokensReserved": 0, "reservations": [], "expiringTokens": []}


def test_the_history_is_read_as_before_and_continues(operator: Operator) -> None:
    operator.change("migrate")
    operator.change("grant", "ada", "7")

    shown = operator.read("user", "show", "ada")
    assert [entry["balanceAfter"] for entry in shown["entries"]] == [130, 123, 68, 123, 159, 195, 190, 220, 110]
    assert operator.read("audit", "--all") == {"audited": 1, "faulty": []}


def test_what_was_credited_before_is_a_duplicate_after(operator: Operator) -> None:
    operator.change("migrate")

    again = purchase("cs_1", payment_intent_id="pi_1")
    assert isinstance(operator.ledger.credit(again, NO_LIMITS), Duplicate)


DISPUTE = DisputeState(
    "dp_1", 333, "usd", "needs_response", "chargeback", frozenset({BalanceTransaction("txn_1", -333, "usd")})
)
WON = DisputeState(
    dispute_id="dp_1",
    cents=333,
    currency="usd",
    status="won",
    case_type="chargeback",
    transactions=frozenset({BalanceTransaction("txn_1", -333, "usd"), BalanceTransaction("txn_2", 333, "usd")}),
)


@pytest.mark.parametrize(
    ("payment", "facts", "balance"),
    [
        # Version 0.1 took 36 + 36 of 110 for 333 + 333 of 999 cents: it rounded each down.
        pytest.param("pi_1", [RefundedTotal("ch_1", 333)], 123, id="known refund"),
        pytest.param("pi_1", [DISPUTE], 123 + 72 - 110 * 666 // 999, id="known dispute, now rounded once"),
        pytest.param("pi_1", [RefundedTotal("ch_1", 666)], 123 + 72 - 110, id="the rest is refunded"),
        pytest.param("pi_1", [WON], 123 + 72 - 110 * 333 // 999, id="the dispute is won"),
        pytest.param("pi_1", [WON, RefundedTotal("ch_1", 999)], 123 + 72 - 110, id="won, then all is refunded"),
        pytest.param("pi_2", [RefundMade("re_3", 999)], 123 - 110, id="refunded again after the failure"),
    ],
)
def test_a_refund_or_dispute_after_the_migration_takes_exactly_the_rest(
    operator: Operator, payment: str, facts: list[Any], balance: int
) -> None:
    operator.change("migrate")

    for fact in facts:
        operator.ledger.reverse("ada", payment, fact)

    assert operator.ledger.account("ada").balance == balance
    assert operator.read("audit", "ada")["faulty"] == []
    assert isinstance(operator.ledger.reverse("ada", payment, facts[-1]), NothingNew)


def test_a_refund_known_before_its_purchase_is_taken_back_with_it(operator: Operator) -> None:
    operator.change("migrate")

    operator.ledger.credit(purchase("cs_3", payment_intent_id="pi_3"), NO_LIMITS)

    assert operator.ledger.account("ada").balance == 123 + 110 - 110 * 500 // 999


def test_a_purchase_held_before_is_released_after(operator: Operator) -> None:
    operator.change("migrate")

    operator.change("held", "release", "cs_held")

    assert operator.ledger.account("ada").balance == 123 + 110
    assert isinstance(operator.ledger.reverse("ada", "pi_held", RefundedTotal("ch_h", 999)), Reversed)
    assert operator.ledger.account("ada").balance == 123


def test_migrating_twice_changes_nothing(operator: Operator) -> None:
    operator.change("migrate")
    before = documents(operator)

    again = operator.change("migrate")

    assert again["before"]["accountsToMove"] == 0
    assert "nothing changed" in again["outcome"]
    assert documents(operator) == before
    assert len(operator.read("alerts", "list", "--status", "closed")) == 1


def test_every_account_of_every_page_is_moved_and_nobody_elses_profile(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.migrate._USERS_PAGE", 3)
    view = {**DOCUMENTS["users/ada"], "reversals": {}}
    write(operator, {f"users/user{number}": view for number in range(6)})
    write(operator, {"users/profile": {"displayName": "only a profile"}})

    done = operator.change("migrate")

    assert (done["before"]["accountsToMove"], done["after"]["accountsToMove"]) == (7, 0)
    assert list(operator.operator_ledger.uids()) == ["ada", *(f"user{number}" for number in range(6))]
    assert fields(operator, "users/profile") == {"displayName": "only a profile"}


def test_a_migration_asks_first_and_changes_nothing_without_an_answer(operator: Operator) -> None:
    before = documents(operator)

    refused = operator.run("migrate", *WHO_AND_WHY, answer="n\n")

    assert refused.exit_code == 1
    assert "Move 1 account of version 0.1 to accounts/ in project demo-ops?" in refused.stderr
    assert documents(operator) == before


def test_without_accounts_to_move_nothing_is_asked() -> None:
    result = Operator().run("migrate", *WHO_AND_WHY)

    assert result.exit_code == 0
    assert "there are no accounts to move" in result.stdout


@pytest.mark.parametrize(
    "change",
    [
        lambda operator: operator.change("grant", "ada", "7"),
        lambda operator: operator.change("migrate"),
    ],
    ids=["by a change", "by a migration"],
)
def test_an_account_that_version_01_wrote_to_after_its_move_is_named(
    operator: Operator, change: Callable[[Operator], object]
) -> None:
    change(operator)
    batch = operator.client.batch()
    batch.update(operator.client.document("users/ada"), {"recentPurchases": [1793534400], "tokenBalance": 233})
    batch.commit()

    result = operator.run("migrate", *WHO_AND_WHY, "--yes", "--json")

    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert shown["after"]["writtenAfterMove"] == ["ada"]
    assert shown["before"]["accountsToMove"] == 0


def test_an_account_that_cannot_be_moved_is_named_and_the_others_are_moved(operator: Operator) -> None:
    """A record of one of its payments exists, and cannot be read."""
    view = DOCUMENTS["users/ada"]
    write(operator, {"users/bob": {**view, "reversals": {}}, "payments/pi_1": {"userId": None}})

    result = operator.run("migrate", *WHO_AND_WHY, "--yes", "--json")

    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert list(shown["after"]["notMoved"]) == ["ada"]
    assert shown["after"]["accountsToMove"] == 1
    assert list(operator.operator_ledger.uids()) == ["bob"]
    assert fields(operator, "accounts/ada") is None
