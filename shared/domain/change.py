"""What a decision about an account is given and what it answers. Pure.

A decision is a function of the account, of what else is known, and of the time:

    decide(account, known, now) -> Decided(outcome, change or None) | Lookup

`Lookup` asks for facts that the account does not hold; the store reads them and asks again. Most decisions need none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.domain.account import Account
from shared.domain.alert import Alert
from shared.domain.entry import Entry
from shared.domain.payment_facts import PaymentFacts
from shared.domain.purchase import Hold
from shared.domain.settling import settle

Outcome_co = TypeVar("Outcome_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it was read. `version` lets a commit tell whether it has changed since."""

    fields: Mapping[str, Any]
    version: Any


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """What is known of a payment's refunds and disputes, and how many tokens its entries have taken for them.

    `first_version` is what version 0.1 stored, until a fact is learned: 0.1 did not store the tokens. `version` is the
    document's, None while there is no document.
    """

    facts: PaymentFacts = field(default_factory=PaymentFacts)
    taken: int = 0
    first_version: Mapping[str, Any] | None = None
    version: Any = None


@dataclass(frozen=True, slots=True)
class Update:
    """New values of some fields of an existing document, on condition that it has not changed since it was read."""

    path: str
    fields: Mapping[str, Any]
    version: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit writes.

    The account's new state, new entries, new holds, alerts to raise or update, records of payments by PaymentIntent,
    new documents by path, and updates of other documents.
    """

    account: Account
    entries: tuple[Entry, ...] = ()
    holds: tuple[Hold, ...] = ()
    alerts: tuple[Alert, ...] = ()
    payments: Mapping[str, PaymentRecord] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    updates: tuple[Update, ...] = ()

    def then(self, later: "Change") -> "Change":
        """Return both changes as one commit; the later one was decided on the state that this one leaves."""
        # A payment's record is written once: its later state, on condition of the version that was read first.
        payments = {
            id_: replace(record, version=self.payments[id_].version) if id_ in self.payments else record
            for id_, record in later.payments.items()
        }
        # So is any other document: an update of what this change writes joins it.
        documents = {**self.documents, **later.documents}
        updates = {update.path: update for update in self.updates}
        for update in later.updates:
            if update.path in documents:
                documents[update.path] = {**documents[update.path], **update.fields}
            elif update.path in updates:
                fields = {**updates[update.path].fields, **update.fields}
                updates[update.path] = replace(updates[update.path], fields=fields)
            else:
                updates[update.path] = update
        return Change(
            later.account,
            self.entries + later.entries,
            self.holds + later.holds,
            tuple({alert.id: alert for alert in (*self.alerts, *later.alerts)}.values()),
            {**self.payments, **payments},
            documents,
            tuple(updates.values()),
        )


@dataclass(frozen=True, slots=True)
class Decided(Generic[Outcome_co]):
    """The answer to a request, and the change that has to land before it may be given."""

    outcome: Outcome_co
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a decision has to know: entries by id, payments by PaymentIntent, other documents by path."""

    entries: frozenset[str] = frozenset()
    payments: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()

    def __or__(self, other: "Lookup") -> "Lookup":
        return Lookup(self.entries | other.entries, self.payments | other.payments, self.documents | other.documents)

    def __bool__(self) -> bool:
        return bool(self.entries or self.payments or self.documents)


@dataclass(frozen=True, slots=True)
class Known:
    """What has been looked up. A missing key was not looked up; None means that there is no such document.

    `purchases` and `payments` are by PaymentIntent: its purchase entry, and the record of its refunds and disputes.
    """

    entries: Mapping[str, Entry | None] = field(default_factory=dict)
    purchases: Mapping[str, Entry | None] = field(default_factory=dict)
    payments: Mapping[str, PaymentRecord] = field(default_factory=dict)
    documents: Mapping[str, Stored | None] = field(default_factory=dict)

    def missing(
        self, *, entries: Iterable[str] = (), payments: Iterable[str] = (), documents: Iterable[str] = ()
    ) -> Lookup:
        """Return what of this has not been looked up; it is falsy when nothing is missing."""
        return Lookup(
            frozenset(entries) - self.entries.keys(),
            frozenset(payments) - (self.purchases.keys() & self.payments.keys()),
            frozenset(documents) - self.documents.keys(),
        )

    def and_also(self, other: "Known") -> "Known":
        """Return what is known with more of it."""
        return Known(
            {**self.entries, **other.entries},
            {**self.purchases, **other.purchases},
            {**self.payments, **other.payments},
            {**self.documents, **other.documents},
        )

    def after(self, change: Change) -> "Known":
        """Return what is known once a change has landed."""
        purchases = {
            entry.details["stripePaymentIntentId"]: entry
            for entry in change.entries
            if entry.type == "purchase" and entry.details.get("stripePaymentIntentId")
        }
        documents = {path: Stored(fields, None) for path, fields in change.documents.items()}
        for update in change.updates:
            before = self.documents.get(update.path)
            documents[update.path] = Stored({**(before.fields if before else {}), **update.fields}, update.version)
        entries = {entry.id: entry for entry in change.entries}
        return self.and_also(Known(entries, purchases, change.payments, documents))


Decide = Callable[[Account, Known, datetime], Decided[Outcome_co] | Lookup]


@dataclass(frozen=True, slots=True)
class Folded:
    """The state of a group of decisions: each one's outcome or fault by its place, and their changes as one."""

    account: Account
    known: Known = field(default_factory=Known)
    change: Change | None = None
    outcomes: Mapping[int, Any] = field(default_factory=dict)
    faults: Mapping[int, Exception] = field(default_factory=dict)
    lookup: Lookup = field(default_factory=Lookup)

    def undecided(self, count: int) -> list[int]:
        """Return the places, of `count`, whose decisions wait for the lookup."""
        return [place for place in range(count) if place not in self.outcomes and place not in self.faults]


def fold(folded: Folded, decisions: Sequence[Decide[Any]], now: datetime) -> Folded:
    """Take the decisions of a group that are still open, one after another, each on the state that the last one left.

    What time alone has changed comes first. A decision that refuses fails alone. One that has to look something up
    stays undecided.
    """
    account, known, change = folded.account, folded.known, folded.change
    settled = settle(account, known.entries, now)
    if settled is not None:
        account, entries = settled
        due = Change(account, entries)
        known, change = known.after(due), change.then(due) if change else due
    outcomes, faults, lookup = dict(folded.outcomes), dict(folded.faults), Lookup()
    for place in folded.undecided(len(decisions)):
        try:
            decided = decisions[place](account, known, now)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this caller alone
            faults[place] = error
            continue
        if isinstance(decided, Lookup):
            lookup |= decided
            continue
        outcomes[place] = decided.outcome
        if decided.change is not None:
            account, known = decided.change.account, known.after(decided.change)
            change = change.then(decided.change) if change else decided.change
    return Folded(account, known, change, outcomes, faults, lookup)
