"""The judges of reliability/ find what is wrong: books that break each promise, one at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reliability.expectations import Answers, PaidSession
from reliability.invariants import Books, violations

_START = datetime(2026, 11, 21, tzinfo=UTC)
PAID = PaidSession("cs_1", "ada", 110, "pi_1", reversed=False)


def entry(id_: str, type_: str, amount: int, after: int, **details: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"id": id_, "userId": "ada", "type": type_, "amount": amount, "balanceAfter": after, "details": details}


def purchase(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - a field's value
    return entry("purchase:cs_1", "purchase", 110, 110, stripePaymentIntentId="pi_1") | more


def spend(key: str, amount: int, after: int) -> dict[str, Any]:
    return entry(f"spend:ada:{key}", "spend", -amount, after, idempotencyKey=key)


def books(*entries: dict[str, Any], balance: int | None = None, shown: int | None = None, **account: Any) -> Books:  # noqa: ANN401
    total = sum(one["amount"] for one in entries)
    dated = [one | {"timestamp": _START + timedelta(seconds=number)} for number, one in enumerate(entries)]
    return Books(
        accounts={"ada": {"balance": total if balance is None else balance, **account}},
        views={"ada": {"tokenBalance": total if shown is None else shown}},
        entries={"ada": dated},
        held={},
        alerts=frozenset(),
    )


def answers(*accepted: str) -> Answers:
    made = Answers()
    for key in accepted:
        made.accept("ada", key, 10)
    return made


GOOD = books(purchase(), spend("a", 10, 100))
HELD = Books({}, {}, {}, {"cs_1": {"userId": "ada"}}, frozenset({"held:cs_1"}))


@pytest.mark.parametrize("good", [GOOD, replace(HELD)], ids=["credited", "held"])
def test_books_that_keep_the_promises_are_clean(good: Books) -> None:
    assert violations(good, [PAID], answers("a") if good is GOOD else answers()) == []


REFUSED = Answers(refused={("ada", "a")})
RELEASED = Answers(accepted={("ada", "a"): 10}, released={("ada", "job")})
BACK = entry("spend_reversal:ada:b", "spend_reversal", 4, 104, spendKey="a", idempotencyKey="b")
OPEN = {"amount": 5, "expiresAt": 0}


@pytest.mark.parametrize(
    ("wrong", "told", "sentence"),
    [
        (books(), answers(), "neither credited nor held"),
        (books(purchase(amount=111, balanceAfter=111)), answers(), "credits 111 to ada"),
        (replace(books(purchase()), held=HELD.held, alerts=HELD.alerts), answers(), "credited and held"),
        (replace(HELD, alerts=frozenset()), answers(), "held without an alert"),
        (books(purchase(), entry("purchase:cs_2", "purchase", 1, 111)), answers(), "cs_2 is credited and not paid"),
        (books(purchase(), balance=111), answers(), "balance 111, entries 110"),
        (books(purchase(), shown=0), answers(), "shown 0"),
        (books(purchase(balanceAfter=109)), answers(), "says 109 tokens"),
        (replace(GOOD, accounts={}), answers("a"), "entries and no account"),
        (books(purchase(), spend("a", 120, -10)), answers(), "left -10"),
        (books(purchase(), spend("a", 10, 100), spend("a", 10, 90)), answers("a"), "happened 2 times"),
        (books(purchase()), answers("a"), "accepted and is not in the ledger"),
        (GOOD, REFUSED, "refused and is in the ledger"),
        (GOOD, answers(), "never asked for"),
        (
            books(purchase(), entry("refund:re_1", "refund", -110, 0, stripePaymentIntentId="pi_1")),
            answers(),
            "0 tokens are left",
        ),
        (books(purchase(), spend("a", 10, 100), reservations={"a": OPEN}), answers("a"), "is still reserved"),
        (books(purchase(), reservations={"job": OPEN | {"expiresAt": 10**12}}), answers(), "stays reserved until"),
        (books(purchase(), spend("a", 10, 100), spend("job", 10, 90)), RELEASED, "job was released and charged"),
        (books(purchase(), spend("a", 10, 100), BACK), answers("a"), "given back: {('ada', 'a'): 4}, asked for: {}"),
        (GOOD, Answers(accepted={("ada", "a"): 10}, given_back={("ada", "a"): 4}), "given back: {}, asked for"),
        (books(purchase(), lots=[{"left": 111}]), answers(), "lots hold 111"),
    ],
)
def test_books_that_break_one_do_not_pass(wrong: Books, told: Answers, sentence: str) -> None:
    assert any(sentence in one for one in violations(wrong, [PAID], told))


def test_a_purchase_that_was_refunded_must_be_taken_back() -> None:
    assert violations(GOOD, [replace(PAID, reversed=True)], answers("a")) == [
        "cs_1: 110 tokens are left of it, 0 should be"
    ]


def test_contradicting_answers_are_a_violation() -> None:
    told = answers("a")
    told.refuse("ada", "a")

    assert "spend a of ada was accepted and refused" in violations(GOOD, [PAID], told)
