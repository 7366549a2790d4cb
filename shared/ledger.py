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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal, TypeVar

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.account import Account, Entry, Posting
from shared.documents import (
    HELD_PURCHASES,
    RECONCILIATION_REPORTS,
    SECURITY_ALERTS,
    TRANSACTIONS,
    USERS,
    account_fields,
    account_from,
    alert_document,
    entry_fields,
    entry_from,
    hold_documents,
    report_fields,
    report_from,
    subscription_fields,
)
from shared.errors import BadInput, LedgerConflict, NotEnoughTokens, NotFound, Unavailable
from shared.limits import Limits, remember
from shared.purchase import Hold, Purchase, entry_id, over_limit
from shared.reconciliation import Audit, Report
from shared.reversal import Fact, Reversals, posting_of
from shared.subscription import Subscription

_CALL_TIMEOUT_S = 10.0
_CHANGE_TIMEOUT_S = 20.0
_AUDIT_TIMEOUT_S = 5.0
_QUEUES = 64
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
    """Somebody else changed the account (or a report) between our read and our commit."""


@dataclass(frozen=True, slots=True)
class Credited:
    """The entry was made now."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Duplicate:
    """This was entered before; nothing changed. `entry` is None where a fact needed none."""

    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Held:
    """The purchase waits for a person. `new` is false when it already did."""

    hold: Hold
    new: bool


@dataclass(frozen=True, slots=True)
class Reversed:
    """A fact about a refund or dispute is known now; `entry` is what it changed, None when nothing (yet)."""

    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's entries, newest first, and where the next ones begin."""

    entries: list[Entry]
    next_cursor: str | None


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


class Ledger:
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
        if cursor is not None:
            query = query.start_after({"timestamp": _read_cursor(cursor)})
        elif offset:
            query = query.offset(offset)
        snapshots = self._stream(query.limit(limit))
        entries = [entry_from(snapshot.id, snapshot.to_dict() or {}) for snapshot in snapshots]
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

        def decide(account: Account) -> Change | Duplicate | Held:
            if account.open_purchases.get(purchase.session_id) in ("held", "rejected"):
                return Held(over_limit(purchase), new=False)
            if limits.exceeded(account.recent_purchases, purchase.paid_at):
                over = over_limit(purchase)
                return self._known(purchase.uid, posting) or self._held(over) or self._holding(account, over)
            after, entries = self._entered(account, purchase, posting)
            remembered = remember(account.recent_purchases, purchase.paid_at)
            return Change(replace(after, recent_purchases=remembered), entries)

        outcome: Change | Duplicate | Held = self._change(purchase.uid, decide, known)
        if not isinstance(outcome, Change):
            return outcome
        return Credited(outcome.entries[0]) if outcome.entries else Held(over_limit(purchase), new=True)

    def hold(self, hold: Hold) -> Held | Duplicate:
        """Keep a purchase that is not to be credited, with an alert; once, however often it is told.

        A session that was credited before and now claims the same again is a duplicate: a replay may meet a
        catalogue that no longer knows its terms.

        Raises:
            LedgerConflict: the session was credited, and now claims something else.
        """
        entry = self.get_by_stripe_session(hold.session_id)
        if entry is not None:
            claims = (hold.uid, str(hold.seen.get("tokens")))
            if claims != (entry.uid, str(entry.amount)) and not entry.decided_by_a_person:
                raise LedgerConflict(entry.id, ["userId", "amount"])
            return Duplicate(entry)
        if hold.uid is None:
            return Held(hold, new=self._create(hold_documents(hold, self._clock())))

        def decide(account: Account) -> Change | Held:
            if account.open_purchases.get(hold.session_id) in ("held", "rejected"):
                return Held(hold, new=False)
            return self._held(hold) or self._holding(account, hold)

        outcome = self._change(hold.uid, decide)
        return Held(hold, new=True) if isinstance(outcome, Change) else outcome

    def purchase_of_payment(self, payment_intent_id: str) -> Entry | None:
        """Return the purchase entry that a PaymentIntent paid for, or None. One query."""
        query = (
            self._client.collection(TRANSACTIONS)
            .where(filter=FieldFilter("details.stripePaymentIntentId", "==", payment_intent_id))
            .where(filter=FieldFilter("type", "==", "purchase"))
        )
        snapshots = self._stream(query.limit(1))
        return entry_from(snapshots[0].id, snapshots[0].to_dict() or {}) if snapshots else None

    def uid_of_customer(self, customer_id: str) -> str | None:
        """Return the user whose Stripe customer this is, or None. One query."""
        query = self._client.collection(USERS).where(filter=FieldFilter("stripeCustomerId", "==", customer_id))
        snapshots = self._stream(query.limit(1))
        return snapshots[0].id if snapshots else None

    def reverse(self, uid: str, payment_intent_id: str, fact: Fact) -> Reversed | Duplicate:
        """Learn a fact about a payment's refunds or disputes, and take or give back what it changes.

        Before its purchase a fact is only remembered; the purchase then takes it into account.
        """

        def decide(account: Account) -> Change | Duplicate:
            before = account.reversals.get(payment_intent_id, Reversals())
            after = before.learn(fact)
            if after == before:
                return Duplicate(None)
            # Asked after the account was read: a purchase that lands meanwhile moves the account.
            purchase = self.purchase_of_payment(payment_intent_id)
            posting = purchase and posting_of(
                fact,
                before,
                after,
                tokens=purchase.amount,
                paid_cents=purchase.details["paymentAmountCents"],
                details=_reversal_details(purchase.details),
            )
            account, entries = self._post_all(account, (posting,) if posting else ())
            return Change(replace(account, reversals={**account.reversals, payment_intent_id: after}), entries)

        outcome = self._change(uid, decide)
        if isinstance(outcome, Duplicate):
            return outcome
        return Reversed(outcome.entries[0] if outcome.entries else None)

    def post(self, uid: str, posting: Posting, *, create_account: bool = False) -> Credited | Duplicate:
        """Make one posting of a spend, a grant or an adjustment, once.

        Raises:
            NotFound: there is no users/{uid}, and none shall be made.
            NotEnoughTokens: it spends more than there is; nothing changes.
            LedgerConflict: its id was used for something else.
        """

        def known() -> Credited | Duplicate | None:
            return self._known(uid, posting)

        def decide(account: Account) -> Change | Credited | Duplicate:
            try:
                if not (account.exists or create_account):
                    raise NotFound("unknown_user", f"There is no user {uid}")
                return Change(*self._post_all(account, (posting,)))
            except (NotEnoughTokens, NotFound):
                # The tokens may be gone because this very spend took them.
                made = known()
                if made is None:
                    raise
                return made

        outcome: Change | Credited | Duplicate = self._change(uid, decide, known)
        return Credited(outcome.entries[0]) if isinstance(outcome, Change) else outcome

    def alert(self, id_: str, *, type_: str, severity: str, uid: str | None, seen: Mapping[str, Any]) -> bool:
        """Raise a security alert once; tell whether it is new."""
        return self._create({f"{SECURITY_ALERTS}/{id_}": alert_document(type_, severity, uid, seen, self._clock())})

    def note_unpaid(self, uid: str, session_id: str, state: Literal["waiting", "failed"]) -> bool:
        """Keep how a session's delayed payment stands, for the buyer's page; tell whether that is news.

        A session that was credited, held or has failed never goes back to waiting, in whatever order events come.
        """

        def decide(account: Account) -> Change | bool:
            now = account.open_purchases.get(session_id)
            if now not in (None, "waiting") or now == state or self.get_by_stripe_session(session_id):
                return False
            return Change(account.opened(session_id, state))

        return isinstance(self._change(uid, decide), Change)

    def keep_stripe_customer(self, uid: str, customer_id: str) -> str:
        """Keep a user's Stripe customer unless one is kept already; return the one that is."""

        def decide(account: Account) -> Change | str:
            return account.stripe_customer_id or Change(replace(account, stripe_customer_id=customer_id))

        outcome = self._change(uid, decide)
        return customer_id if isinstance(outcome, Change) else outcome

    def keep_subscription(self, uid: str, ask: Callable[[], Subscription | None]) -> Subscription | None:
        """Keep a user's subscription as Stripe knows it now, and return it; None when Stripe knows none.

        Stripe is asked between the read and the commit. Of two deliveries at once, whoever asked first finds the
        account moved by the other and asks again: what was true earlier never replaces what was true later.
        """
        latest: Subscription | None = None

        def decide(account: Account) -> Change | None:
            nonlocal latest
            latest = ask()
            if latest is None:
                return None
            return Change(account, extra={"subscription": subscription_fields(latest, self._clock())})

        self._change(uid, decide)
        return latest

    # --- reconciling

    def knows_session(self, session_id: str) -> bool:
        """Tell whether a session was credited or held, whatever became of the hold. One or two reads."""
        return self.get_by_stripe_session(session_id) is not None or self._get(HELD_PURCHASES, session_id).exists

    def audit(self, uid: str) -> Audit | None:
        """Return a user's balance beside the sum of the entries; None while the account will not hold still.

        A change writes both in one commit, so they are of one moment when the account is the same before and after.
        """
        entries: Any = (  # the library says that sum() returns the class
            self._client.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", uid))
            .sum("amount", alias="entries")
        )

        def attempt() -> Audit:
            account, read_at = self._read_account(uid)
            with _firestore_faults():
                sums = entries.get(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S)
            if self._read_account(uid)[1] != read_at:
                raise _AccountMoved
            return Audit(account.balance, int(sums[0][0].value))

        try:
            return _until_unmoved(attempt, _AUDIT_TIMEOUT_S)
        except google_errors.RetryError:
            return None

    def users_after(self, uid: str | None, limit: int) -> list[str]:
        """Return the ids of the users behind this one (of the first ones for None), in order."""
        query = self._client.collection(USERS).order_by("__name__").select([])
        if uid is not None:
            query = query.start_after({"__name__": uid})
        return [snapshot.id for snapshot in self._stream(query.limit(limit))] if limit else []

    def last_report(self) -> Report | None:
        """Return the report that was saved last, of whatever day."""
        query = self._client.collection(RECONCILIATION_REPORTS).order_by("savedAt", direction="DESCENDING").limit(1)
        snapshots = self._stream(query)
        return report_from(snapshots[0].to_dict() or {}) if snapshots else None

    def add_report(self, day: str, report: Report) -> None:
        """Keep the report of a call, and add what it did to what the day's earlier calls did."""

        def attempt() -> None:
            snapshot = self._get(RECONCILIATION_REPORTS, day)
            earlier = report_from(snapshot.to_dict() or {}) if snapshot.exists else None
            fields, batch = report_fields(report.after(earlier)), self._client.batch()
            if earlier is None:
                batch.create(self._document(RECONCILIATION_REPORTS, day), fields)
            else:
                unmoved = self._client.write_option(last_update_time=snapshot.update_time)
                batch.update(self._document(RECONCILIATION_REPORTS, day), fields, option=unmoved)
            try:
                self._commit(batch)
            except (google_errors.AlreadyExists, google_errors.FailedPrecondition, google_errors.Aborted) as error:
                raise _AccountMoved from error

        try:
            _until_unmoved(attempt, _CHANGE_TIMEOUT_S)
        except google_errors.RetryError as error:
            raise Unavailable("ledger_unavailable") from error

    # --- one change

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
        if not queue.acquire(timeout=_CHANGE_TIMEOUT_S):
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
                raise _AccountMoved from error
            except (google_errors.FailedPrecondition, google_errors.NotFound, google_errors.Aborted) as error:
                raise _AccountMoved from error
            return change

        try:
            return _until_unmoved(attempt, _CHANGE_TIMEOUT_S)
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
        with _firestore_faults(but=google_errors.Aborted):
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
        if differences and not (posting.type == "purchase" and entry.decided_by_a_person):
            raise LedgerConflict(entry.id, differences)
        return Duplicate(entry)

    def _entered(self, account: Account, purchase: Purchase, posting: Posting) -> tuple[Account, tuple[Entry, ...]]:
        """Post a purchase, and at once what refunds or disputes that came first take back of it."""
        return self._post_all(account.closed(purchase.session_id), (posting, *_reversed_before(account, purchase)))

    def _post_all(self, account: Account, postings: Iterable[Posting]) -> tuple[Account, tuple[Entry, ...]]:
        entries = []
        for posting in postings:
            account, entry = account.post(posting, self._clock())
            entries.append(entry)
        return account, tuple(entries)

    def _held(self, hold: Hold) -> Held | None:
        """Return the hold when its session is held already: for another user, or for none."""
        held = self._get(HELD_PURCHASES, hold.session_id)
        return Held(hold, new=False) if held.exists else None

    def _holding(self, account: Account, hold: Hold) -> Change:
        return Change(account.opened(hold.session_id, "held"), documents=hold_documents(hold, self._clock()))

    def _read_account(self, uid: str) -> tuple[Account, Any]:
        snapshot = self._get(USERS, uid)
        return account_from(uid, snapshot.to_dict()), snapshot.update_time

    def _get(self, collection: str, id_: str) -> firestore.DocumentSnapshot[Any]:
        with _firestore_faults():
            return self._document(collection, id_).get(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S)

    def _stream(self, query: firestore.Query) -> list[firestore.DocumentSnapshot[Any]]:
        with _firestore_faults():
            return list(query.stream(retry=_RETRY_READ, timeout=_CALL_TIMEOUT_S))

    def _document(self, collection: str, id_: str) -> firestore.DocumentReference:
        return self._client.collection(collection).document(id_)


@contextmanager
def _firestore_faults(*, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Turn what passes into Unavailable, but for a fault that the caller handles itself."""
    try:
        yield
    except but:
        raise
    except (*_PASSING, google_errors.RetryError) as error:
        raise Unavailable("ledger_unavailable") from error


def _until_unmoved(attempt: Callable[[], Other], timeout_s: float) -> Other:
    """Attempt again, with jitter, while others change what was read; raises RetryError when time is up."""
    retry = Retry(if_exception_type(_AccountMoved), initial=0.02, maximum=1.0, timeout=timeout_s)
    return retry(attempt)()


def _reversed_before(account: Account, purchase: Purchase) -> Iterator[Posting]:
    """Yield what is taken back at once of a purchase whose refund or dispute came first."""
    known = account.reversals.get(purchase.payment_intent_id or "")
    if known is not None:
        details = _reversal_details(purchase.posting().details)
        yield from known.postings(purchase.tokens, purchase.paid_cents, details)


def _reversal_details(purchase: Mapping[str, Any]) -> dict[str, Any]:
    return {key: purchase[key] for key in ("packageId", "stripeSessionId", "stripePaymentIntentId")}


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
