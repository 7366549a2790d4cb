"""The decision on a refund or dispute: remember the fact, and take or give back the tokens it concerns. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.account import Account
from shared.domain.alert import Alert
from shared.domain.change import Change, Decided, Known, Lookup, PaymentRecord, Stored
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import LedgerConflict, Unavailable
from shared.domain.payment_alerts import alerts_of
from shared.domain.payment_facts import Fact, PaymentFacts, Sale
from shared.domain.payment_facts_fields import taken_by_first_version
from shared.domain.reversal_entries import entry_for


@dataclass(frozen=True, slots=True)
class Reversed:
    """Something new is known of the payment, and an entry takes or gives back tokens."""

    entry: Entry
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """Something new is known of the payment; no balance changes (yet)."""

    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class NothingNew:
    """The fact was known before; nothing changed."""


def decide_reversal(
    account: Account, known: Known, now: datetime, *, payment: str, fact: Fact
) -> Decided[Reversed | Noted | NothingNew] | Lookup:
    """Learn a fact about a payment's refunds or disputes, and take or give back what it changes.

    Before its purchase a fact is only remembered; the purchase then takes it into account.

    Raises:
        LedgerConflict: the entry that the fact calls for exists already.
    """
    missing = known.missing(payments=(payment,))
    if missing:
        return missing
    record, purchase = known.payments[payment], known.purchases[payment]
    if purchase is not None and purchase.uid != account.uid:
        # An operator has just released it to somebody else than its metadata names: the next delivery will find them.
        raise Unavailable("account_busy")
    facts = record.facts.learn(fact)
    if facts == record.facts:
        return Decided(NothingNew())
    new, taken = None, 0
    if purchase is not None:
        sale, taken = sale_of(purchase), _taken_so_far(record, purchase)
        new = entry_for(fact, record.facts, sale, reversal_details(purchase.details), taken=taken)
        account = account.without_early_reversal(payment)
    else:
        account = account.with_early_reversal(payment)
    if new is not None and known.entries.get(new.id) is not None:
        raise LedgerConflict(new.id, ["facts"])
    account, entries = account.post_all((new,) if new else (), now)
    alerts = changed_alerts(account.uid, payment, record.facts, facts)
    missing = known.missing(documents=(alert.path for alert in alerts))
    if missing:
        return missing
    alerts = tuple(alert.updating(_fields(known.documents[alert.path])) for alert in alerts)
    change = Change(
        account,
        entries,
        alerts=alerts,
        payments={payment: PaymentRecord(facts, taken - (new.amount if new else 0), version=record.version)},
    )
    return Decided(Reversed(entries[0], alerts) if entries else Noted(alerts), change)


def changed_alerts(uid: str | None, payment: str, before: PaymentFacts, after: PaymentFacts) -> tuple[Alert, ...]:
    """Return the alerts that new facts raise or change."""
    old = alerts_of(uid, payment, before)
    return tuple(alert for alert in alerts_of(uid, payment, after) if alert not in old)


def _fields(stored: Stored | None) -> Mapping[str, Any] | None:
    return stored.fields if stored else None


def _taken_so_far(record: PaymentRecord, purchase: Entry) -> int:
    if record.first_version is None:
        return record.taken
    return taken_by_first_version(
        record.first_version, tokens=purchase.amount, paid_cents=purchase.details["paymentAmountCents"]
    )


def sale_of(purchase: Entry | NewEntry) -> Sale:
    """Return what a purchase entry says of the sale."""
    details = purchase.details
    return Sale(
        tokens=purchase.amount,
        paid_cents=details["paymentAmountCents"],
        tax_cents=details.get("taxCents", 0),
        currency=details["currency"],
    )


def reversal_details(purchase: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reversal's entry repeats of its purchase's details."""
    return {key: purchase[key] for key in ("packageId", "stripeSessionId", "stripePaymentIntentId")}
