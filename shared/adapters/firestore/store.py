"""Accounts in Firestore, changed by optimistic commits that fold: the mechanics, without a rule of the business.

One change is one read of the account, one pure decision, and one commit that lands whole or not at all:

    read accounts/{uid} ──> decide ──> commit:  create transactions/{id}   fails if the entry exists
          ^                                     write accounts/{uid}       fails if it changed since it was read
          │                                     write users/{uid}          the owner's view: no condition
          └──── it changed: read again, with jitter ────┘

Changes of one account that wait in one instance are decided one after another over one read and land in one commit; the
group that follows at once takes the account as this one has left it. No transaction is used: on a hot account each
would wait for the locks of the others (docs/decisions/0002-optimistic-ledger.md).
A repeated commit is safe, because its second run finds the entry of its first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore import documents
from shared.adapters.firestore.database import CONFLICT, Batch, Database, WriteConflict, retry_on_conflict
from shared.adapters.firestore.documents import ACCOUNTS, PAYMENTS, TRANSACTIONS, USERS
from shared.adapters.firestore.first_version import (
    MOVED_FIELDS,
    account_from_first_version,
    is_first_version,
    payments_from_first_version,
)
from shared.adapters.firestore.folding import Group, GroupQueue
from shared.adapters.firestore.owner_view import view_fields
from shared.domain.account import Account
from shared.domain.change import Change, Decide, Folded, Known, Lookup, PaymentRecord, Stored, fold
from shared.domain.entry import Entry
from shared.domain.errors import Unavailable

CHANGE_TIMEOUT_S = 10.0
"""How long a change waits for its turn, and how long a group is decided again while others write its account."""

GROUP_MAX = 100
GATHER_S = 0.005

_IN_MAX = 30  # values in one query, by Firestore's limits

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class AccountRead:
    """An account, and the version of its document: None while there is none.

    `is_new` assumes that users/{uid} does not exist either, and `is_assumed` that the account still is as the group
    before left it: the commit will tell. `first_version` holds what version 0.1 knew of payments when the account is
    still stored as 0.1 did, else None; `view_version` is that document's.
    """

    account: Account
    version: Any
    is_new: bool = False
    is_assumed: bool = False
    first_version: Mapping[str, PaymentRecord] | None = None
    view_version: Any = None


class AccountStore:
    """Accounts and their entries in one Firestore database.

    Raises, from every method: Unavailable when Firestore does not answer in time, LedgerRefused when it refuses.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.database = database
        self.clock = clock
        self._queue = GroupQueue(self._settle, gather_s=GATHER_S, patience_s=CHANGE_TIMEOUT_S)

    def read(self, uid: str, *, assume_new: bool = False) -> AccountRead:
        """Return a user's account; one that does not exist is empty. One read, two while there is no accounts/{uid}.

        With `assume_new`, an account that has no document is taken for new: one read.
        """
        stored = self.database.get(ACCOUNTS, uid)
        if stored is not None:
            return AccountRead(documents.account_from(uid, stored.fields), stored.version)
        if assume_new:
            return AccountRead(Account(uid), None, is_new=True)
        view = self.database.get(USERS, uid)
        if view is not None and is_first_version(view.fields):
            account = account_from_first_version(uid, view.fields)
            return AccountRead(account, None, first_version=self._payments_of(view), view_version=view.version)
        return AccountRead(Account(uid, exists=view is not None), None)

    def _payments_of(self, view: Stored) -> dict[str, PaymentRecord]:
        """Return what version 0.1 knew of payments, together with what is known of them besides."""
        payments = payments_from_first_version(view.fields)
        found = self.database.get_all(f"{PAYMENTS}/{id_}" for id_ in payments)
        for id_, record in payments.items():
            stored = _record(found[f"{PAYMENTS}/{id_}"])
            if stored is not None:
                payments[id_] = replace(record, facts=stored.facts.with_all(record.facts), version=stored.version)
        return payments

    def purchases_of_payments(self, payment_intent_ids: Sequence[str]) -> dict[str, Entry]:
        """Return the purchase entries that PaymentIntents paid for, by PaymentIntent: each paid for one at most.

        One query per 30.
        """
        found: dict[str, Entry] = {}
        for start in range(0, len(payment_intent_ids), _IN_MAX):
            some = payment_intent_ids[start : start + _IN_MAX]
            query = (
                self.database.collection(TRANSACTIONS)
                .where(filter=FieldFilter("details.stripePaymentIntentId", "in", some))
                .where(filter=FieldFilter("type", "==", "purchase"))
            )
            entries = [documents.entry_from(id_, fields) for id_, fields in self.database.stream(query)]
            found |= {entry.details["stripePaymentIntentId"]: entry for entry in entries}
        return found

    def change(self, uid: str, decide: Decide[Outcome]) -> Outcome:
        """Change an account as a pure decision says, together with whatever else waits for it; return the outcome.

        Raises:
            Unavailable: others changed the account for too long; nothing is changed.
            Whatever the decision raises; then nothing is changed either.
        """
        outcome: Outcome = self._queue.run(uid, decide)
        return outcome

    # --- one group of changes

    def _settle(self, uid: str, group: Group) -> AccountRead | None:
        """Settle a group: all in one commit, or each alone when Firestore refuses the whole.

        Returns the account as this group leaves it, or None if it has to be read; `group.left` is the same of the
        group before.
        """
        try:
            folded, left = self._land(uid, group)
        except Unavailable:
            raise
        except Exception:
            # One of them may be what Firestore refuses, or what cannot be read: it must not take the others along.
            if len(group.slots) == 1:
                raise
            for slot in group.slots:
                try:
                    self._settle(uid, Group([slot]))
                except Exception as error:  # noqa: BLE001 - it is this caller's alone
                    slot.fail(error)
            return None
        for place, slot in enumerate(group.slots):
            if place in folded.faults:
                slot.fail(folded.faults[place])
            else:
                slot.succeed(folded.outcomes[place])
        return left

    def _land(self, uid: str, group: Group) -> tuple[Folded, AccountRead | None]:
        """Decide a group and commit what it changes, again and again while others change the account."""
        read: AccountRead | None = replace(group.left, is_assumed=True) if group.left else None
        look_first = Lookup()
        purchases: dict[str, Entry] = {}
        assume_new = True
        read_for = len(group.slots)

        def attempt() -> tuple[Folded, AccountRead | None]:
            nonlocal read, read_for, look_first, assume_new
            if read is None:
                read_for, read = len(group.slots), self.read(uid, assume_new=assume_new)
            decisions = group.requests(GROUP_MAX)
            folded = self._decide(read, decisions, look_first, purchases)
            is_certain = not (read.is_new or read.is_assumed or len(decisions) > read_for)
            if not is_certain and (folded.faults or folded.change is None):
                # Nothing is refused on an assumption, for another instance, or version 0.1, may know better; nor on an
                # account that was read before somebody asked.
                read_for, read = len(decisions), self.read(uid)
                folded = self._decide(read, decisions, look_first, purchases)
            if folded.change is None:
                return folded, read
            batch = self._batch(read, folded.change)
            try:
                batch.commit(but=(google_errors.AlreadyExists, *CONFLICT))
            except google_errors.AlreadyExists as error:
                # The next round looks whose entry exists, or whether users/{uid} does. The account may be the
                # same; but what became of a reservation is told by an account that is as new as what exists.
                look_first |= _created_by(folded.change)
                assume_new = assume_new and read.version is not None
                may_stay = read.version is not None and not (folded.change.documents or read.account.reservations)
                read = read if may_stay else None
                raise WriteConflict from error
            except CONFLICT as error:
                read = None
                raise WriteConflict from error
            account = replace(folded.change.account, exists=True)
            return folded, AccountRead(account, batch.version_of(f"{ACCOUNTS}/{uid}"))

        return retry_on_conflict(attempt, CHANGE_TIMEOUT_S)

    def _decide(
        self, read: AccountRead, decisions: Sequence[Decide[Any]], look_first: Lookup, purchases: dict[str, Entry]
    ) -> Folded:
        folded = Folded(read.account, lookup=look_first)
        while True:
            if folded.lookup:
                found = self._look_up(folded.lookup, read.first_version or {}, purchases)
                # What the group is about to write is newer than what was just read.
                folded = replace(folded, known=found.and_also(folded.known))
            folded = fold(folded, decisions, self.clock())
            if not folded.lookup:
                return folded

    def _look_up(
        self, lookup: Lookup, first_version: Mapping[str, PaymentRecord], purchases: dict[str, Entry]
    ) -> Known:
        """Read what decisions have to know: the documents in one call, the payments' purchases by query.

        `purchases` are those that were found before: entries never change.
        """
        entries = {id_: f"{TRANSACTIONS}/{id_}" for id_ in lookup.entries}
        payments = {id_: f"{PAYMENTS}/{id_}" for id_ in lookup.payments}
        found = self.database.get_all([*entries.values(), *payments.values(), *lookup.documents])
        purchases |= self.purchases_of_payments([id_ for id_ in payments if id_ not in purchases])
        return Known(
            entries={id_: _entry(id_, found[path]) for id_, path in entries.items()},
            purchases={id_: purchases.get(id_) for id_ in payments},
            payments={
                id_: _record(found[path]) or first_version.get(id_, PaymentRecord()) for id_, path in payments.items()
            },
            documents={path: found[path] for path in lookup.documents},
        )

    def _batch(self, read: AccountRead, change: Change) -> Batch:
        """Return the commit of a change."""
        now, uid = self.clock(), change.account.uid
        batch = self.database.batch()
        for entry in change.entries:
            batch.create(f"{TRANSACTIONS}/{entry.id}", documents.entry_fields(entry))
        for hold in change.holds:
            batch.create(hold.path, documents.hold_fields(hold, now))
        for path, fields in change.documents.items():
            batch.create(path, fields)
        for update in change.updates:
            batch.update(update.path, update.fields, update.version)
        for payment, record in {**(read.first_version or {}), **change.payments}.items():
            batch.write(f"{PAYMENTS}/{payment}", documents.payment_fields(uid, record), version=record.version)
        for alert in change.alerts:
            batch.merge(alert.path, documents.alert_fields(alert, now))
        fields = documents.account_fields(change.account)
        if read.version is not None:
            fields = _changed(documents.account_fields(read.account), fields)
        batch.write(f"{ACCOUNTS}/{uid}", fields, version=read.version)
        _add_view(batch, read, change.account)
        return batch


def _add_view(batch: Batch, read: AccountRead, account: Account) -> None:
    """Add what the change means for the owner's view to a commit."""
    path, view = f"{USERS}/{account.uid}", view_fields(account)
    if read.is_new:
        batch.create(path, view)
    elif read.first_version is not None:
        # Version 0.1 may still be running: what it writes meanwhile must not be lost.
        batch.update(path, view, read.view_version, remove=MOVED_FIELDS)
    elif read.version is None:
        batch.merge(path, view)
    else:
        before = view_fields(read.account)
        changed = {name: value for name, value in view.items() if value != before.get(name)}
        if changed:
            batch.merge(path, changed)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that differ, at least one: a commit depends on the account even where it leaves it alone."""
    changed = {name: value for name, value in after.items() if value != before[name]}
    return changed or {"balance": after["balance"]}


def _created_by(change: Change) -> Lookup:
    """Return what has to be looked up to learn which document of a change exists."""
    return Lookup(
        entries=frozenset(entry.id for entry in change.entries),
        documents=frozenset((*(hold.path for hold in change.holds), *change.documents)),
    )


def _record(stored: Stored | None) -> PaymentRecord | None:
    return documents.payment_from(stored) if stored else None


def _entry(id_: str, stored: Stored | None) -> Entry | None:
    return documents.entry_from(id_, stored.fields) if stored else None
