"""The store of the simulation: the product's decisions over dictionaries, with what Firestore would bill.

It does what shared/adapters/firestore/store.py does with a lone change, and checks every promise as entries are made:
its sums come from the entries alone.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from shared.adapters.firestore.documents import alert_fields, hold_fields
from shared.domain import lots
from shared.domain.account import Account
from shared.domain.change import Change, Decide, Known, Lookup, PaymentRecord, Stored
from shared.domain.entry import Entry
from shared.domain.settling import settle

if TYPE_CHECKING:
    from collections.abc import Mapping

Outcome = TypeVar("Outcome")

_NOTHING = Known()
_VIEW_AND_ACCOUNT = 2


class MemoryLedger:
    """Accounts by uid. Entries are summed up and forgotten, but for those that somebody will ask for again."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.reads = 0
        self.writes = 0
        self.made: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        self.violations: list[str] = []
        self._ids: set[str] = set()
        self._wanted: set[str] = set()
        self._kept: dict[str, Entry] = {}
        self._purchases: dict[str, Entry] = {}
        self._payments: dict[str, PaymentRecord] = {}
        self._documents: dict[str, Stored] = {}
        self._sums: dict[str, int] = {}

    def will_ask_for(self, entry_id: str) -> None:
        """Keep an entry once it is made: a duplicate, a refund or an operator will ask for it."""
        self._wanted.add(entry_id)

    def change(self, uid: str, decide: Decide[Outcome], now: datetime) -> Outcome:
        """Change an account as a decision says, and return the outcome. Raises what the decision raises."""
        account = self.accounts.get(uid) or Account(uid)
        self.reads += 1
        known, settled = _NOTHING, None
        if account.lots or account.reservations:
            found = settle(account, known.entries, now)
            if found is not None:
                settled = Change(*found)
                account, known = found[0], known.after(settled)
        while True:
            decided = decide(account, known, now)
            if isinstance(decided, Lookup):
                known = self._look_up(decided).and_also(known)
                continue
            change = decided.change
            if settled is not None:
                change = settled.then(change) if change is not None else settled
            existing = change is not None and [entry.id for entry in change.entries if entry.id in self._ids]
            if not existing:
                break
            # The commit fails: somebody has made this entry before. The decision learns of it.
            known = self._look_up(Lookup(entries=frozenset(existing))).and_also(known)
        if change is not None:
            self._commit(change, now)
        return decided.outcome

    def sweep(self, uid: str, now: datetime) -> None:
        """Settle an account that nobody changes, as the hourly job does."""
        self.reads += 1
        found = settle(self.accounts[uid], {}, now)
        if found is not None:
            self._commit(Change(*found), now)

    def taken_of(self, payment: str) -> int:
        """Return how many tokens a payment's refunds and disputes have taken."""
        record = self._payments.get(payment)
        return record.taken if record else 0

    def has_entry(self, entry_id: str) -> bool:
        """Whether an entry was made."""
        return entry_id in self._ids

    def check_accounts(self) -> None:
        """Compare every account with its entries; what does not hold becomes a violation."""
        for uid, account in self.accounts.items():
            if account.balance != self._sums.get(uid, 0):
                self.violations.append(f"{uid}: balance {account.balance}, entries {self._sums.get(uid, 0)}")
            if lots.total(account.lots) > max(account.balance, 0):
                self.violations.append(f"{uid}: lots hold more than the balance of {account.balance}")

    def check_nothing_reserved(self, now: datetime) -> None:
        """Report reservations that are past their time and still there, once everything was swept."""
        for uid, account in self.accounts.items():
            if any(one.expires_at <= now.timestamp() for one in account.reservations.values()):
                self.violations.append(f"{uid}: a reservation has outlived its time")

    def _look_up(self, lookup: Lookup) -> Known:
        self.reads += len(lookup.entries) + 2 * len(lookup.payments) + len(lookup.documents)
        return Known(
            entries={id_: self._entry(id_) for id_ in lookup.entries},
            purchases={id_: self._purchases.get(id_) for id_ in lookup.payments},
            payments={id_: self._payments.get(id_, PaymentRecord()) for id_ in lookup.payments},
            documents={path: self._documents.get(path) for path in lookup.documents},
        )

    def _entry(self, id_: str) -> Entry | None:
        if id_ in self._ids and id_ not in self._kept:
            raise LookupError(f"{id_} was made, and the simulation did not keep it")
        return self._kept.get(id_)

    def _commit(self, change: Change, now: datetime) -> None:
        uid = change.account.uid
        account = change.account
        self.accounts[uid] = account if account.exists else replace(account, exists=True)
        for entry in change.entries:
            self._post(entry)
        for payment, record in change.payments.items():
            self._payments[payment] = record
        for hold in change.holds:
            self._documents[hold.path] = Stored(hold_fields(hold, now), 1)
        for alert in change.alerts:
            self.alerts[alert.type] += alert.raised_at is None
            self._documents[alert.path] = Stored(alert_fields(alert, now), 1)
        for path, fields in change.documents.items():
            self._documents[path] = Stored(fields, 1)
        for update in change.updates:
            before: Mapping[str, object] = self._documents[update.path].fields
            self._documents[update.path] = Stored({**before, **update.fields}, 1)
        beside = len(change.payments) + len(change.holds) + len(change.alerts)
        self.writes += _VIEW_AND_ACCOUNT + len(change.entries) + beside + len(change.documents) + len(change.updates)

    def _post(self, entry: Entry) -> None:
        """Add an entry to the sums, and check what it claims."""
        id_, uid = entry.id, entry.uid
        if id_ in self._ids:
            self.violations.append(f"{id_} was made twice")
        self._ids.add(id_)
        running = self._sums.get(uid, 0) + entry.amount
        self._sums[uid] = running
        if entry.balance_after != running:
            self.violations.append(f"{id_} says {entry.balance_after}, its history {running}")
        if entry.type == "spend" and running < 0 and "reserved" not in entry.details:
            self.violations.append(f"{id_} left {running}")
        self.made[entry.type] += 1
        self.tokens[entry.type] += entry.amount
        if id_ in self._wanted:
            self._kept[id_] = entry
            payment = entry.details.get("stripePaymentIntentId")
            if entry.type == "purchase" and payment:
                self._purchases[payment] = entry
