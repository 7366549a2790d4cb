"""What grows with an account's history, or with the number of users: nothing should.

The emulator has no indexes: a query scans its whole collection, so the first page of a history takes seconds there, for
every user. For that page, the documents are counted that Firestore would read.
"""

import statistics
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from google.cloud import firestore

from bench import wire
from bench.billing import bill_of
from bench.client import HttpClient
from bench.lab import Lab
from bench.measure import interleaved_calls, run_concurrently
from bench.results import Row, at_most

_CALLS = 100  # twice as many purchases of one user stay within the limits
_FEW, _MANY = 10, 100_000
_BATCH = 500
_TARGET = at_most(1.15)
_FIRST_ENTRY = datetime(2026, 1, 1, tzinfo=UTC)

_User = tuple[str, str]  # project, uid
_Document = tuple[str, dict[str, Any]]  # path, fields


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: the same requests where there is little data, and where there is much."""
    small, large = lab.project(), lab.project()
    numbers = count()
    for project, users in ((small, _FEW), (large, _MANY)):
        _write(lab.database(project), _users(users))
        _write(lab.database(project), _entries("ada", _FEW))
    yield from _compare(lab, f"{_MANY:,} ÷ {_FEW} users", (large, "ada"), (small, "ada"), numbers)
    _write(lab.database(small), _entries("old", _MANY))
    yield from _compare(lab, f"{_MANY:,} ÷ {_FEW} entries of an account", (small, "old"), (small, "ada"), numbers)


def _compare(lab: Lab, name: str, much: _User, little: _User, numbers: Iterator[int]) -> Iterator[Row]:
    def credit(client: HttpClient, user: _User) -> None:
        client.send_ok(wire.push(wire.purchase(user[1], next(numbers))))

    def balance(client: HttpClient, user: _User) -> None:
        client.send_ok(wire.get(user[1], user[0]))

    for operation, function, send in (("credit", "credit_tokens", credit), ("balance", "get_balance", balance)):
        with lab.function(function, much[0]) as with_much, lab.function(function, little[0]) as with_little:
            slow, fast = interleaved_calls(
                _CALLS, partial(send, with_much.client(), much), partial(send, with_little.client(), little)
            )
        slow_ms, fast_ms = statistics.median(slow), statistics.median(fast)
        yield Row(f"growth, {name}: {operation}", slow_ms / fast_ms, _TARGET, f"{slow_ms:.1f} and {fast_ms:.1f} ms")
    long, short = _page_reads(lab, *much), _page_reads(lab, *little)
    yield Row(f"growth, {name}: documents read for a first page", long / short, _TARGET, f"{long} and {short}")


def _page_reads(lab: Lab, project: str, uid: str) -> int:
    return bill_of(lab, project, "list_transactions", [wire.get(uid, project, f"/?limit={_FEW}")]).reads


def _users(number: int) -> Iterator[_Document]:
    for user in range(number):
        yield f"users/user-{user}", {"tokenBalance": user, "totalTokensPurchased": user}


def _entries(uid: str, number: int) -> Iterator[_Document]:
    for entry in range(number):
        yield (
            f"transactions/purchase:cs_{uid}_{entry}",
            {
                "userId": uid,
                "type": "purchase",
                "amount": wire.TOKENS,
                "balanceAfter": wire.TOKENS * (entry + 1),
                "timestamp": _FIRST_ENTRY + timedelta(minutes=entry),
                "details": {"packageId": "popular", "stripeSessionId": f"cs_{uid}_{entry}"},
            },
        )


def _write(database: firestore.Client, documents: Iterable[_Document]) -> None:
    """Write the documents, many per commit."""

    def commit(some: list[_Document]) -> None:
        batch = database.batch()
        for path, fields in some:
            batch.set(database.document(path), fields)
        batch.commit()

    every = list(documents)
    batches = [every[first : first + _BATCH] for first in range(0, len(every), _BATCH)]
    run_concurrently([partial(commit, some) for some in batches], 4)
