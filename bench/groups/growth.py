"""What grows with an account's history, or with the number of users: nothing should.

Firestore's emulator has no indexes: a query scans its whole collection, so the first page of a long history takes it
seconds, whoever asks. For that page the documents count that Firestore would bill; they are what its time follows.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from google.cloud import firestore

from bench import wire
from bench.billing import billed
from bench.client import Caller
from bench.lab import Lab
from bench.measure import alternately, at_once
from bench.results import Row, at_most

_CALLS = 200
_FEW, _MANY = 10, 100_000
_BATCH = 500
_TARGET = at_most(1.15)
_FIRST_ENTRY = datetime(2026, 1, 1, tzinfo=UTC)

_Documents = Iterable[tuple[str, dict[str, Any]]]
_Whose = tuple[str, str]  # a project, and a user in it


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: the same request where there is little, and where there is much."""
    few, many = lab.project(), lab.project()
    for project, users, entries in ((few, _FEW, _FEW), (many, _MANY, _FEW)):
        database = lab.database(project)
        _seed(database, _users(users))
        _seed(database, _entries("ada", entries))
    yield from _compared(lab, f"{_MANY:,} ÷ {_FEW} users", (many, "ada"), (few, "ada"))
    _seed(lab.database(few), _entries("old", _MANY))
    yield from _compared(lab, f"{_MANY:,} ÷ {_FEW} entries of an account", (few, "old"), (few, "ada"))


def _compared(lab: Lab, name: str, much: _Whose, little: _Whose) -> Iterator[Row]:
    """Yield a row for each kind of request, sent for a user of a project with much and of one with little."""
    for what, function, sender in (("credit", "credit_tokens", _credits), ("balance", "get_balance", _balances)):
        with lab.function(function, much[0]) as large, lab.function(function, little[0]) as small:
            slow, fast = alternately(_CALLS, sender(large.caller(), *much), sender(small.caller(), *little))
        slow_ms, fast_ms = statistics.median(slow), statistics.median(fast)
        yield Row(f"growth, {name}: {what}", slow_ms / fast_ms, _TARGET, f"{slow_ms:.1f} and {fast_ms:.1f} ms")
    long, short = _page_reads(lab, *much), _page_reads(lab, *little)
    yield Row(f"growth, {name}: first page, documents", long / short, _TARGET, f"{long} and {short}")


def _credits(caller: Caller, project: str, uid: str) -> Callable[[], object]:
    numbers = count(hash((project, uid)) % 1_000_000_000)  # two users of one project share no session
    return lambda: caller.ask(wire.push(wire.purchase(uid, next(numbers))))


def _balances(caller: Caller, project: str, uid: str) -> Callable[[], object]:
    return lambda: caller.ask(wire.get(uid, project))


def _page_reads(lab: Lab, project: str, uid: str) -> int:
    return billed(lab, project, "list_transactions", [wire.get(uid, project, f"/?limit={_FEW}")]).reads


def _users(number: int) -> _Documents:
    for one in range(number):
        yield f"users/user-{one}", {"tokenBalance": one, "totalTokensPurchased": one}


def _entries(uid: str, number: int) -> _Documents:
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


def _seed(database: firestore.Client, documents: _Documents) -> None:
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
