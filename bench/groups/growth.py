"""What grows with an account's history, or with the number of users: nothing should."""

import statistics
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from google.cloud import firestore

from bench import wire
from bench.client import Caller
from bench.lab import Lab
from bench.measure import at_once, by_turns, median_ratio, milliseconds
from bench.results import Row, at_most

_ROUNDS = 5
_CALLS = 40
_FEW, _MANY = 10, 100_000
_BATCH = 500
_TARGET = at_most(1.15)
_FIRST_ENTRY = datetime(2026, 1, 1, tzinfo=UTC)

Documents = Iterable[tuple[str, dict[str, Any]]]


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: the same request where there is little, and where there is much."""
    few, many = lab.project(), lab.project()
    for project, users, entries in ((few, _FEW, _FEW), (many, _MANY, _FEW)):
        database = lab.database(project)
        _seed(database, _users(users))
        _seed(database, _entries("ada", entries))
    _seed(lab.database(few), _entries("old", _MANY))
    yield from _compared(lab, f"{_MANY:,} ÷ {_FEW} entries of an account", (few, "old"), (few, "ada"))
    yield from _compared(lab, f"{_MANY:,} ÷ {_FEW} users", (many, "ada"), (few, "ada"))


def _compared(lab: Lab, name: str, much: tuple[str, str], little: tuple[str, str]) -> Iterator[Row]:
    """Yield a row for each kind of request, sent for a user of a project with much and of one with little."""
    for what, function, sender in _KINDS:
        with lab.function(function, much[0]) as large, lab.function(function, little[0]) as small:
            at_much, at_little = sender(large.caller(), *much), sender(small.caller(), *little)
            slow, fast = by_turns(_ROUNDS, lambda _: _median_ms(at_much), lambda _: _median_ms(at_little))  # noqa: B023 - called at once
        note = f"{statistics.median(slow):.1f} and {statistics.median(fast):.1f} ms"
        yield Row(f"growth, {name}: {what}", median_ratio(slow, fast), _TARGET, note)


def _credits(caller: Caller, project: str, uid: str) -> Callable[[], object]:
    numbers = count(hash((project, uid)) % 1_000_000_000)  # two users of one project share no session
    return lambda: caller.ask(wire.push(wire.purchase(uid, next(numbers))))


def _balances(caller: Caller, project: str, uid: str) -> Callable[[], object]:
    return lambda: caller.ask(wire.get(uid, project))


def _first_pages(caller: Caller, project: str, uid: str) -> Callable[[], object]:
    return lambda: caller.ask(wire.get(uid, project, "/?limit=20"))


_KINDS = (
    ("credit", "credit_tokens", _credits),
    ("balance", "get_balance", _balances),
    ("first page", "list_transactions", _first_pages),
)


def _median_ms(call: Callable[[], object]) -> float:
    return statistics.median(milliseconds(call) for _ in range(_CALLS))


def _users(number: int) -> Documents:
    for one in range(number):
        yield f"users/user-{one}", {"tokenBalance": one, "totalTokensPurchased": one}


def _entries(uid: str, number: int) -> Documents:
    for one in range(number):
        yield (
            f"transactions/purchase:cs_{uid}_{one}",
            {
                "userId": uid,
                "type": "purchase",
                "amount": wire.TOKENS,
                "balanceAfter": wire.TOKENS * (one + 1),
                "timestamp": _FIRST_ENTRY + timedelta(minutes=one),
                "details": {"packageId": "popular", "stripeSessionId": f"cs_{uid}_{one}"},
            },
        )


def _seed(database: firestore.Client, documents: Documents) -> None:
    """Write documents, many in a commit."""

    def commit(some: list[tuple[str, dict[str, Any]]]) -> Callable[[], object]:
        def call() -> None:
            batch = database.batch()
            for path, fields in some:
                batch.set(database.document(path), fields)
            batch.commit()

        return call

    waiting = list(documents)
    at_once([commit(waiting[first : first + _BATCH]) for first in range(0, len(waiting), _BATCH)], 4)
