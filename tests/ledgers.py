"""Ledgers for tests, over any client: the fake, or one of the emulator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from google.cloud import firestore

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import AccountStore


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def skip(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def ledger_of(client: firestore.Client, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Ledger:
    """Return a ledger over this client."""
    return Ledger(AccountStore(Database(client), clock=clock))
