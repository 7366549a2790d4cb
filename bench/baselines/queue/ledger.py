"""The first version's ledger, reduced to spends: one read and one commit per change, and a queue of threads.

    read users/{uid} ──> decide ──> commit:  create transactions/{id}      fails if the entry exists
          ^                                  update users/{uid}            fails if it moved since it was read
          └──── it moved: read again, with jitter ────┘

Threads of an instance queue by the hash of the account's id, so unrelated accounts wait for each other too. Whatever
costs time is as it was in the first version, so that the comparison is fair.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

_QUEUES = 64
_CALL_TIMEOUT_S = 10.0
_CHANGE_TIMEOUT_S = 20.0
_TICK = timedelta(milliseconds=1)
_PASSING = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
)
_RETRY_READ = Retry(
    if_exception_type(*_PASSING, google_errors.Aborted), initial=0.1, maximum=1.0, timeout=_CALL_TIMEOUT_S
)
_RETRY_COMMIT = Retry(if_exception_type(*_PASSING), initial=0.1, maximum=1.0, timeout=_CALL_TIMEOUT_S)

Outcome = TypeVar("Outcome")


class NotEnoughTokensError(Exception):
    """The account has fewer tokens than are to be spent."""


class UnavailableError(Exception):
    """Firestore did not respond in time, or the account changed too often."""


class _MovedError(Exception):
    """Somebody else changed the account between our read and our commit."""


@dataclass(frozen=True, slots=True)
class _Account:
    uid: str
    balance: int = 0
    purchased: int = 0
    earned: int = 0
    spent: int = 0
    stripe_customer_id: str | None = None
    recent_purchases: tuple[int, ...] = ()
    open_purchases: Mapping[str, str] = field(default_factory=dict)
    last_entry_at: datetime | None = None
    reversals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a balance."""

    id: str
    uid: str
    type: str
    amount: int
    balance_after: int
    timestamp: datetime
    details: Mapping[str, Any]


class QueueLedger:
    """Spends tokens, one commit per spend."""

    def __init__(self, client: firestore.Client) -> None:
        self._client = client
        self._queues = tuple(Lock() for _ in range(_QUEUES))

    def fund(self, uid: str, tokens: int) -> None:
        """Create an account with tokens."""
        batch = self._client.batch()
        batch.create(self._document("users", uid), _account_fields(_Account(uid, tokens, purchased=tokens)))
        batch.commit()

    def spend(self, uid: str, key: str, amount: int) -> Entry:
        """Spend once per key; return the entry, which a repeated key gets again.

        Raises:
            NotEnoughTokensError: nothing was spent.
            UnavailableError: Firestore did not respond in time. The spend may have landed.
        """
        queue = self._queues[hash(uid) % len(self._queues)]
        if not queue.acquire(timeout=_CHANGE_TIMEOUT_S):
            raise UnavailableError(uid)
        try:
            return _until_unmoved(lambda: self._attempt(uid, f"spend:{uid}:{key}", amount))
        except google_errors.RetryError as error:
            raise UnavailableError(uid) from error
        finally:
            queue.release()

    def _attempt(self, uid: str, id_: str, amount: int) -> Entry:
        with _faults():
            read = self._document("users", uid).get(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S)
        try:
            account, entry = _spent(_account_from(uid, read.to_dict() or {}), id_, amount, datetime.now(UTC))
        except NotEnoughTokensError:  # the tokens may be gone because this very spend took them
            known = self._entry(id_)
            if known is None:
                raise
            return known
        batch = self._client.batch()
        batch.create(self._document("transactions", entry.id), _entry_fields(entry))
        unmoved = self._client.write_option(last_update_time=read.update_time)
        batch.update(self._document("users", uid), {**_account_fields(account)}, option=unmoved)
        try:
            with _faults():
                batch.commit(retry=_RETRY_COMMIT, timeout=_CALL_TIMEOUT_S)
        except google_errors.AlreadyExists as error:
            known = self._entry(id_)
            if known is None:
                raise _MovedError from error
            return known
        except (google_errors.FailedPrecondition, google_errors.NotFound, google_errors.Aborted) as error:
            raise _MovedError from error
        return entry

    def _entry(self, id_: str) -> Entry | None:
        read = self._document("transactions", id_).get(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S)
        return _entry_from(read.id, read.to_dict() or {}) if read.exists else None

    def _document(self, collection: str, id_: str) -> firestore.DocumentReference:
        return self._client.collection(collection).document(id_)


def _spent(account: _Account, id_: str, amount: int, now: datetime) -> tuple[_Account, Entry]:
    if account.balance < amount:
        raise NotEnoughTokensError(account.uid)
    at = now if account.last_entry_at is None else max(now, account.last_entry_at + _TICK)
    after = replace(account, balance=account.balance - amount, spent=account.spent + amount, last_entry_at=at)
    details = {"reason": "bench", "idempotencyKey": id_.rpartition(":")[2]}
    return after, Entry(id_, account.uid, "spend", -amount, after.balance, at, details)


def _account_from(uid: str, fields: Mapping[str, Any]) -> _Account:
    return _Account(
        uid=uid,
        balance=int(fields.get("tokenBalance", 0)),
        purchased=int(fields.get("totalTokensPurchased", 0)),
        earned=int(fields.get("totalTokensEarned", 0)),
        spent=int(fields.get("totalTokensSpent", 0)),
        stripe_customer_id=fields.get("stripeCustomerId"),
        recent_purchases=tuple(fields.get("recentPurchases", ())),
        open_purchases=dict(fields.get("openPurchases", {})),
        last_entry_at=fields.get("lastEntryAt"),
        reversals=dict(fields.get("reversals", {})),
    )


def _account_fields(account: _Account) -> dict[str, Any]:
    return {
        "tokenBalance": account.balance,
        "totalTokensPurchased": account.purchased,
        "totalTokensEarned": account.earned,
        "totalTokensSpent": account.spent,
        "stripeCustomerId": account.stripe_customer_id,
        "recentPurchases": list(account.recent_purchases),
        "openPurchases": dict(account.open_purchases),
        "lastEntryAt": account.last_entry_at,
        "reversals": {payment: asdict(known) for payment, known in account.reversals.items()},
    }


def _entry_from(id_: str, fields: Mapping[str, Any]) -> Entry:
    return Entry(
        id=id_,
        uid=fields["userId"],
        type=fields["type"],
        amount=fields["amount"],
        balance_after=fields["balanceAfter"],
        timestamp=fields["timestamp"],
        details=fields.get("details", {}),
    )


def _entry_fields(entry: Entry) -> dict[str, Any]:
    return {
        "userId": entry.uid,
        "type": entry.type,
        "amount": entry.amount,
        "balanceAfter": entry.balance_after,
        "timestamp": entry.timestamp,
        "details": dict(entry.details),
    }


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (*_PASSING, google_errors.RetryError) as error:
        raise UnavailableError from error


def _until_unmoved(attempt: Callable[[], Outcome]) -> Outcome:
    retry = Retry(if_exception_type(_MovedError), initial=0.02, maximum=1.0, timeout=_CHANGE_TIMEOUT_S)
    return retry(attempt)()
