"""Accounts and entries in Firestore, changed by optimistic commits: the mechanics, without a rule of the business.

One change is one read of the account, one pure decision, and one commit that lands whole or not at all:

    read users/{uid} ──> decide ──> commit:  create transactions/{id}      fails if the entry exists
          ^                                  update users/{uid}            fails if it moved since it was read
          └──── it moved: read again, with jitter ────┘

No transaction is used: on a hot account each would wait for the others' locks
(docs/decisions/0002-optimistic-ledger.md).
A retried commit is safe, because its second run finds the entry of its first.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

from shared.adapters.firestore.documents import (
    TRANSACTIONS,
    USERS,
    account_fields,
    account_from,
    entry_fields,
    entry_from,
)
from shared.domain.account import Account
from shared.domain.entry import Entry
from shared.domain.errors import Unavailable

CALL_TIMEOUT_S = 10.0
CHANGE_TIMEOUT_S = 20.0
_QUEUES = 64

_PASSING = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
    google_errors.Aborted,
)
RETRY_READ = Retry(if_exception_type(*_PASSING), initial=0.1, maximum=1.0, timeout=CALL_TIMEOUT_S)
# A commit that was aborted lost against another one: it is not sent again but decided again.
_RETRY_COMMIT = Retry(
    if_exception_type(*(fault for fault in _PASSING if fault is not google_errors.Aborted)),
    initial=0.1,
    maximum=1.0,
    timeout=CALL_TIMEOUT_S,
)

Other = TypeVar("Other")


class Moved(Exception):
    """Somebody else changed what is to be written, between our read and our commit."""


@dataclass(frozen=True, slots=True)
class Update:
    """New values of some fields of a document that exists, on condition that it did not move since it was read."""

    path: str
    fields: Mapping[str, Any]
    read_at: Any  # Firestore's update time


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit writes.

    The account as it shall be, new entries, other new documents by path, changes of other documents, and other
    fields of users/{uid}.
    """

    account: Account
    entries: tuple[Entry, ...] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    updates: tuple[Update, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class AccountStore:
    """Accounts and their entries in one Firestore database.

    Raises, from every method: Unavailable when Firestore does not answer in time.
    """

    def __init__(self, client: firestore.Client, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client = client
        self._clock = clock
        self._queues = tuple(Lock() for _ in range(_QUEUES))

    # --- reading

    def account(self, uid: str) -> Account:
        """Return a user's account; one that nobody has written to is empty. One read."""
        account, _ = self._read_account(uid)
        return account

    def entry(self, id_: str) -> Entry | None:
        """Return the entry with this id, or None. One read."""
        snapshot = self._get(TRANSACTIONS, id_)
        return entry_from(snapshot.id, snapshot.to_dict() or {}) if snapshot.exists else None

    def _read_account(self, uid: str) -> tuple[Account, Any]:
        snapshot = self._get(USERS, uid)
        return account_from(uid, snapshot.to_dict()), snapshot.update_time

    def _get(self, collection: str, id_: str) -> firestore.DocumentSnapshot[Any]:
        with firestore_faults():
            return self._document(collection, id_).get(retry=RETRY_READ, timeout=CALL_TIMEOUT_S)

    def _stream(self, query: firestore.Query) -> list[firestore.DocumentSnapshot[Any]]:
        with firestore_faults():
            return list(query.stream(retry=RETRY_READ, timeout=CALL_TIMEOUT_S))

    def _document(self, collection: str, id_: str) -> firestore.DocumentReference:
        return self._client.collection(collection).document(id_)

    # --- changing

    def _change(
        self,
        uid: str,
        decide: Callable[[Account], Change | Other],
        known: Callable[[], Other | None] = lambda: None,
    ) -> Change | Other:
        """Read, decide, commit, and again while others change the same account.

        `decide` is pure but for reads; what it returns instead of a change is handed back as it is. `known` looks for
        what is already there when a document of the change exists.
        """
        # Threads of one instance queue for an account instead of running into each other's commits; it is only other
        # instances that make a commit fail. Correctness does not hang on it.
        queue = self._queues[hash(uid) % len(self._queues)]
        if not queue.acquire(timeout=CHANGE_TIMEOUT_S):
            raise Unavailable("account_busy", f"The account of {uid} changed too often")
        try:
            return self._change_in_turn(uid, decide, known)
        finally:
            queue.release()

    def _change_in_turn(
        self, uid: str, decide: Callable[[Account], Change | Other], known: Callable[[], Other | None]
    ) -> Change | Other:
        def attempt() -> Change | Other:
            account, read_at = self._read_account(uid)
            change = decide(account)
            if not isinstance(change, Change):
                return change
            try:
                self._commit(self._batch(change, read_at))
            except google_errors.AlreadyExists as error:
                there = known()
                if there is not None:
                    return there
                raise Moved from error
            except (google_errors.FailedPrecondition, google_errors.NotFound, google_errors.Aborted) as error:
                raise Moved from error
            return change

        try:
            return until_unmoved(attempt, CHANGE_TIMEOUT_S)
        except google_errors.RetryError as error:
            raise Unavailable("account_busy", f"The account of {uid} changed too often") from error

    def _batch(self, change: Change, read_at: Any) -> firestore.WriteBatch:  # noqa: ANN401 - a Firestore timestamp, untyped
        batch = self._client.batch()
        for entry in change.entries:
            batch.create(self._document(TRANSACTIONS, entry.id), entry_fields(entry))
        for path, document in change.documents.items():
            batch.create(self._client.document(path), dict(document))
        for update in change.updates:
            unmoved = self._client.write_option(last_update_time=update.read_at)
            batch.update(self._client.document(update.path), dict(update.fields), option=unmoved)
        user = self._document(USERS, change.account.uid)
        fields = {**account_fields(change.account), **change.extra}
        if read_at is None:
            batch.create(user, fields)
        else:
            unmoved = self._client.write_option(last_update_time=read_at)
            batch.update(user, fields, option=unmoved)
        return batch

    def _create(self, documents: Mapping[str, Mapping[str, Any]]) -> bool:
        """Create all of these documents, or none when one exists; tell which it was."""
        batch = self._client.batch()
        for path, document in documents.items():
            batch.create(self._client.document(path), dict(document))
        try:
            self._commit(batch)
        except google_errors.AlreadyExists:
            return False
        except google_errors.Aborted as error:
            raise Unavailable("ledger_unavailable") from error
        return True

    def _commit(self, batch: firestore.WriteBatch) -> None:
        with firestore_faults(but=google_errors.Aborted):
            batch.commit(retry=_RETRY_COMMIT, timeout=CALL_TIMEOUT_S)


@contextmanager
def firestore_faults(*, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Turn what passes into Unavailable, but for a fault that the caller handles itself."""
    try:
        yield
    except but:
        raise
    except (*_PASSING, google_errors.RetryError) as error:
        raise Unavailable("ledger_unavailable") from error


def until_unmoved(attempt: Callable[[], Other], timeout_s: float) -> Other:
    """Attempt again, with jitter, while others change what was read; raises RetryError when time is up."""
    retry = Retry(if_exception_type(Moved), initial=0.02, maximum=1.0, timeout=timeout_s)
    return retry(attempt)()
