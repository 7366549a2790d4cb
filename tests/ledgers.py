"""Ledgers for tests, over any client: the fake, or one of the emulator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import firestore

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.folding import Group, Slot
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import AccountRead, AccountStore
from shared.domain.change import Decide


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


class EndlessLine(AccountStore):
    """A store in which every change follows another: it takes the account as the last one left it, however long ago."""

    left: AccountRead | None = None

    def change(self, uid: str, decide: Decide[Any]) -> Any:  # noqa: ANN401 - the decision's
        slot = Slot(decide)
        left, self.left = self.left if self.left and self.left.account.uid == uid else None, None
        self.left = self._settle(uid, Group([slot], left))
        return slot.result()


def assert_chain_holds(ledger: Ledger, uid: str = "ada") -> None:
    """Every entry says the balance after it, times rise strictly, and the account is the sum."""
    balance, before = 0, datetime.min.replace(tzinfo=UTC)
    for entry in reversed(ledger.transactions(uid, limit=100).entries):
        balance += entry.amount
        assert entry.balance_after == balance
        assert entry.timestamp > before
        before = entry.timestamp
    assert ledger.account(uid).balance == balance
