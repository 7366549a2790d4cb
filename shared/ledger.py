"""The ledger: every change of a balance, and the only module that touches Firestore.

One change is one read of the account, one pure decision, and one commit that lands whole or not at all:

    read users/{uid} ──> decide ──> commit:  create transactions/{id}      fails if the entry exists
          ^                                  update users/{uid}            fails if it moved since it was read
          └──── it moved: read again, with jitter ────┘

No transaction is used: on a hot account each would wait for the others' locks
(docs/decisions/0002-optimistic-ledger.md).
A retried commit is safe, because its second run finds the entry of its first.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.account import Account, Entry, Posting
from shared.errors import BadInput, LedgerConflict, Unavailable
from shared.limits import Limits, remember
from shared.purchase import Hold, HoldReason, Purchase, entry_id, over_limit

USERS = "users"
TRANSACTIONS = "transactions"
HELD_PURCHASES = "held_purchases"
SECURITY_ALERTS = "security_alerts"

_CALL_TIMEOUT_S = 10.0
_CHANGE_TIMEOUT_S = 20.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PASSING = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
    google_errors.Aborted,
)
_RETRY_READ = Retry(if_exception_type(*_PASSING), initial=0.1, maximum=1.0, timeout=_CALL_TIMEOUT_S)
# A commit that was aborted lost against another one: it is not sent again but decided again.
_RETRY_COMMIT = Retry(
    if_exception_type(*(fault for fault in _PASSING if fault is not google_errors.Aborted)),
    initial=0.1,
    maximum=1.0,
    timeout=_CALL_TIMEOUT_S,
)

Other = TypeVar("Other")


class _AccountMoved(Exception):
    """Somebody else changed the account between our read and our commit."""


@dataclass(frozen=True, slots=True)
class Credited:
    """The purchase was credited now."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The purchase was credited before; nothing changed."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Held:
    """The purchase waits for a person. `new` is false when it already did."""

    hold: Hold
    new: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's entries, newest first, and where the next ones begin."""

    entries: list[Entry]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Change:
    """What one commit writes: the account as it shall be, new entries, and other new documents by path."""

    account: Account
    entries: tuple[Entry, ...] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Ledger:
    """Accounts and their entries in one Firestore database.

    Raises, from every method: Unavailable when Firestore does not answer in time.
    """

    def __init__(self, client: firestore.Client, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client = client
        self._clock = clock

    # --- reading

    def account(self, uid: str) -> Account:
        """Return a user's account; one that nobody has written to is empty. One read."""
        account, _ = self._read_account(uid)
        return account

    def entry(self, id_: str) -> Entry | None:
        """Return the entry with this id, or None. One read."""
        with _firestore_faults():
            snapshot = self._document(TRANSACTIONS, id_).get(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S)
        return _entry_from(snapshot.id, snapshot.to_dict() or {}) if snapshot.exists else None

    def get_by_stripe_session(self, session_id: str) -> Entry | None:
        """Return the purchase entry of a Checkout Session, or None. One read."""
        return self.entry(entry_id(session_id))

    def transactions(self, uid: str, *, limit: int, offset: int = 0, cursor: str | None = None) -> Page:
        """Return a user's entries, newest first.

        A cursor costs only the entries it returns; an offset bills every entry it skips.

        Raises:
            BadInput: the cursor is not one of ours.
        """
        query = (
            self._client.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", uid))
            .order_by("timestamp", direction=firestore.Query.DESCENDING)
        )
        if cursor:
            query = query.start_after({"timestamp": _read_cursor(cursor)})
        elif offset:
            query = query.offset(offset)
        with _firestore_faults():
            snapshots = list(query.limit(limit).stream(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S))
        entries = [_entry_from(snapshot.id, snapshot.to_dict() or {}) for snapshot in snapshots]
        return Page(entries, _cursor_after(entries[-1]) if len(entries) == limit else None)

    # --- writing

    def credit(self, purchase: Purchase, limits: Limits) -> Credited | Duplicate | Held:
        """Credit a purchase once, or hold it when its buyer bought too often.

        Costs one read and two writes when it is credited.

        Raises:
            LedgerConflict: the session's entry exists with other contents.
        """
        posting = purchase.posting()

        def known() -> Duplicate | Held | None:
            return self._known(purchase.uid, posting)

        def decide(account: Account) -> _Change | Duplicate | Held:
            if purchase.session_id in account.held_sessions:
                return Held(over_limit(purchase), new=False)
            if limits.exceeded(account.recent_purchases, purchase.paid_at):
                return self._known(purchase.uid, posting) or self._holding(account, over_limit(purchase))
            after, entry = account.post(posting, self._clock())
            return _Change(
                replace(after, recent_purchases=remember(account.recent_purchases, purchase.paid_at)),
                (entry,),
            )

        outcome: _Change | Duplicate | Held = self._change(purchase.uid, decide, known)
        if not isinstance(outcome, _Change):
            return outcome
        return Credited(outcome.entries[0]) if outcome.entries else Held(over_limit(purchase), new=True)

    def hold(self, hold: Hold) -> Held | Duplicate:
        """Keep a purchase that is not to be credited, with an alert; once, however often it is told.

        A session that was credited before and now claims the same again is a duplicate: a replay may meet a
        catalogue that no
        longer knows its terms.

        Raises:
            LedgerConflict: the session was credited, and now claims something else.
        """
        entry = self.get_by_stripe_session(hold.session_id)
        if entry is not None:
            if (hold.uid, str(hold.seen.get("tokens"))) != (entry.uid, str(entry.amount)):
                raise LedgerConflict(entry.id, ["userId", "amount"])
            return Duplicate(entry)
        if hold.uid is None:
            return Held(hold, new=self._create(_hold_documents(hold, self._clock())))

        def decide(account: Account) -> _Change | Held:
            if hold.session_id in account.held_sessions:
                return Held(hold, new=False)
            return self._holding(account, hold)

        outcome = self._change(hold.uid, decide)
        return Held(hold, new=True) if isinstance(outcome, _Change) else outcome

    def alert(self, id_: str, *, type_: str, severity: str, uid: str | None, seen: Mapping[str, Any]) -> bool:
        """Raise a security alert once; tell whether it is new."""
        return self._create({f"{SECURITY_ALERTS}/{id_}": _alert_document(type_, severity, uid, seen, self._clock())})

    def keep_stripe_customer(self, uid: str, customer_id: str) -> str:
        """Keep a user's Stripe customer unless one is kept already; return the one that is."""

        def decide(account: Account) -> _Change | str:
            return account.stripe_customer_id or _Change(replace(account, stripe_customer_id=customer_id))

        outcome = self._change(uid, decide)
        return customer_id if isinstance(outcome, _Change) else outcome

    # --- one change

    def _change(
        self,
        uid: str,
        decide: Callable[[Account], _Change | Other],
        known: Callable[[], Other | None] = lambda: None,
    ) -> _Change | Other:
        """Read, decide, commit, and again while others change the same account.

        `decide` is pure but for reads; what it returns instead of a change is handed back as it is. `known` looks
        for what is
        already there when a document of the change exists.
        """

        def attempt() -> _Change | Other:
            account, read_at = self._read_account(uid)
            change = decide(account)
            if not isinstance(change, _Change):
                return change
            try:
                self._commit(self._batch(change, read_at))
            except google_errors.AlreadyExists as error:
                there = known()
                if there is not None:
                    return there
                raise _AccountMoved from error
            except (google_errors.FailedPrecondition, google_errors.NotFound, google_errors.Aborted) as error:
                raise _AccountMoved from error
            return change

        retry = Retry(if_exception_type(_AccountMoved), initial=0.02, maximum=1.0, timeout=_CHANGE_TIMEOUT_S)
        try:
            return retry(attempt)()
        except google_errors.RetryError as error:
            raise Unavailable("account_busy", f"The account of {uid} changed too often") from error

    def _batch(self, change: _Change, read_at: Any) -> firestore.WriteBatch:  # noqa: ANN401 - a Firestore timestamp, untyped
        batch = self._client.batch()
        for entry in change.entries:
            batch.create(self._document(TRANSACTIONS, entry.id), _entry_fields(entry))
        for path, document in change.documents.items():
            batch.create(self._client.document(path), dict(document))
        user = self._document(USERS, change.account.uid)
        if read_at is None:
            batch.create(user, _account_fields(change.account))
        else:
            unmoved = self._client.write_option(last_update_time=read_at)
            batch.update(user, _account_fields(change.account), option=unmoved)
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
        return True

    def _commit(self, batch: firestore.WriteBatch) -> None:
        with _firestore_faults():
            batch.commit(retry=_RETRY_COMMIT, timeout=_CALL_TIMEOUT_S)

    def _known(self, uid: str, posting: Posting) -> Duplicate | None:
        """Return the entry of this posting when it was made before.

        Raises:
            LedgerConflict: the entry says something else.
        """
        entry = self.entry(posting.id)
        if entry is None:
            return None
        differences = entry.differences(uid, posting)
        if differences:
            raise LedgerConflict(entry.id, differences)
        return Duplicate(entry)

    def _holding(self, account: Account, hold: Hold) -> _Change:
        account = replace(account, held_sessions=(*account.held_sessions, hold.session_id))
        return _Change(account, documents=_hold_documents(hold, self._clock()))

    def _read_account(self, uid: str) -> tuple[Account, Any]:
        with _firestore_faults():
            snapshot = self._document(USERS, uid).get(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S)
        return _account_from(uid, snapshot.to_dict() or {}), snapshot.update_time

    def _document(self, collection: str, id_: str) -> firestore.DocumentReference:
        return self._client.collection(collection).document(id_)


@contextmanager
def _firestore_faults() -> Iterator[None]:
    """Turn what passes into Unavailable."""
    try:
        yield
    except (*_PASSING, google_errors.RetryError) as error:
        raise Unavailable("ledger_unavailable") from error


def _account_from(uid: str, fields: Mapping[str, Any]) -> Account:
    return Account(
        uid=uid,
        balance=int(fields.get("tokenBalance", 0)),
        purchased=int(fields.get("totalTokensPurchased", 0)),
        earned=int(fields.get("totalTokensEarned", 0)),
        spent=int(fields.get("totalTokensSpent", 0)),
        stripe_customer_id=fields.get("stripeCustomerId"),
        recent_purchases=tuple(fields.get("recentPurchases", ())),
        held_sessions=tuple(fields.get("heldPurchases", ())),
        last_entry_at=fields.get("lastEntryAt"),
    )


def _account_fields(account: Account) -> dict[str, Any]:
    return {
        "tokenBalance": account.balance,
        "totalTokensPurchased": account.purchased,
        "totalTokensEarned": account.earned,
        "totalTokensSpent": account.spent,
        "stripeCustomerId": account.stripe_customer_id,
        "recentPurchases": list(account.recent_purchases),
        "heldPurchases": list(account.held_sessions),
        "lastEntryAt": account.last_entry_at,
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


def _hold_documents(hold: Hold, now: datetime) -> dict[str, Mapping[str, Any]]:
    held = {
        "sessionId": hold.session_id,
        "userId": hold.uid,
        "reason": hold.reason.value,
        "message": hold.message,
        "paidAt": datetime.fromtimestamp(hold.paid_at, UTC),
        "heldAt": now,
        "status": "held",
        **hold.seen,
    }
    limit = hold.reason is HoldReason.LIMIT_EXCEEDED
    alert = _alert_document(
        "purchase_limit_exceeded" if limit else "purchase_invalid",
        "medium" if limit else "high",
        hold.uid,
        {"sessionId": hold.session_id, "reason": hold.reason.value, "message": hold.message, **hold.seen},
        now,
    )
    return {f"{HELD_PURCHASES}/{hold.session_id}": held, f"{SECURITY_ALERTS}/held:{hold.session_id}": alert}


def _alert_document(
    type_: str, severity: str, uid: str | None, seen: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    return {
        "type": type_,
        "severity": severity,
        "userId": uid,
        "seen": dict(seen),
        "status": "open",
        "createdAt": now,
    }


def _cursor_after(entry: Entry) -> str:
    """Return an opaque mark of an entry's place: no two entries of a user have the same timestamp."""
    micros = (entry.timestamp - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"t{micros}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> datetime:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        if not (text.startswith("t") and text[1:].isdigit()):
            raise BadInput("bad_cursor", "The cursor is not one that this service gave out")
        return _EPOCH + timedelta(microseconds=int(text[1:]))
    except (binascii.Error, UnicodeError, OverflowError, ValueError) as error:
        raise BadInput("bad_cursor", "The cursor is not one that this service gave out") from error
