"""How accounts, entries, holds, alerts and reports are stored in Firestore: one function per direction. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from shared.domain.account import Account, OpenPurchase
from shared.domain.alert import Alert
from shared.domain.change import PaymentRecord, Stored
from shared.domain.entry import Entry
from shared.domain.limits import PurchaseTime
from shared.domain.lots import Lot
from shared.domain.payment_facts_fields import facts_as_fields, facts_from_fields
from shared.domain.purchase import Hold
from shared.domain.reconciliation import Report
from shared.domain.reservation import Reservation
from shared.domain.settling import due_at
from shared.domain.subscription import Subscription

ACCOUNTS = "accounts"
USERS = "users"
TRANSACTIONS = "transactions"
PAYMENTS = "payments"
HELD_PURCHASES = "held_purchases"
SECURITY_ALERTS = "security_alerts"
RECONCILIATION_REPORTS = "reconciliation_reports"

DUE_SHARDS = 16


def account_from(uid: str, fields: Mapping[str, Any]) -> Account:
    """Return the account that accounts/{uid} holds."""
    subscription = fields["subscription"]
    return Account(
        uid=uid,
        balance=fields["balance"],
        purchased=fields["totalPurchased"],
        earned=fields["totalEarned"],
        spent=fields["totalSpent"],
        stripe_customer_id=fields["stripeCustomerId"],
        recent_purchases=tuple(PurchaseTime(one["paidAt"], one["enteredAt"]) for one in fields["recentPurchases"]),
        open_purchases={id_: OpenPurchase(**one) for id_, one in fields["openPurchases"].items()},
        forgot_hold=fields["forgotHold"],
        reversed_early=tuple(fields["reversedEarly"]),
        forgot_reversal=fields.get("forgotReversal", False),
        subscription=subscription_from(subscription) if subscription else None,
        last_entry_at=fields["lastEntryAt"],
        # Accounts that were last written before there were any have no such fields, nor the one above.
        lots=tuple(_lot_from(one) for one in fields.get("lots", ())),
        reservations={key: _reservation_from(one) for key, one in fields.get("reservations", {}).items()},
        exists=True,
    )


def account_fields(account: Account) -> dict[str, Any]:
    """Return the fields of accounts/{uid}."""
    return {
        "balance": account.balance,
        "totalPurchased": account.purchased,
        "totalEarned": account.earned,
        "totalSpent": account.spent,
        "stripeCustomerId": account.stripe_customer_id,
        "recentPurchases": [{"paidAt": one.paid_at, "enteredAt": one.entered_at} for one in account.recent_purchases],
        "openPurchases": {id_: {"state": one.state, "since": one.since} for id_, one in account.open_purchases.items()},
        "forgotHold": account.forgot_hold,
        "reversedEarly": list(account.reversed_early),
        "forgotReversal": account.forgot_reversal,
        "subscription": subscription_fields(account.subscription) if account.subscription else None,
        "lastEntryAt": account.last_entry_at,
        "lots": [_lot_fields(lot) for lot in account.lots],
        "reservations": {key: _reservation_fields(one) for key, one in account.reservations.items()},
        "due": _due(account),
    }


def due_mark(shard: int, at_s: int = 0) -> str:
    """Return the mark by which the hourly sweep finds an account: its shard, and the hour in which something expires.

    Marks rise with time, which limits how often all accounts together can write them: so there are several shards.
    """
    return f"{shard:02}#{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H}"


def _due(account: Account) -> str | None:
    at_s = due_at(account)
    return None if at_s is None else due_mark(crc32(account.uid.encode()) % DUE_SHARDS, at_s)


def _lot_from(fields: Mapping[str, Any]) -> Lot:
    return Lot(fields["id"], fields["left"], fields["expiresAt"], fields["priority"], fields["grantedAt"])


def _lot_fields(lot: Lot) -> dict[str, Any]:
    return {
        "id": lot.id,
        "left": lot.left,
        "expiresAt": lot.expires_at,
        "priority": lot.priority,
        "grantedAt": lot.granted_at,
    }


def _reservation_from(fields: Mapping[str, Any]) -> Reservation:
    return Reservation(fields["amount"], fields["used"], fields["expiresAt"], fields["onExpiry"], fields["reason"])


def _reservation_fields(reservation: Reservation) -> dict[str, Any]:
    return {
        "amount": reservation.amount,
        "used": reservation.used,
        "expiresAt": reservation.expires_at,
        "onExpiry": reservation.on_expiry,
        "reason": reservation.reason,
    }


def entry_from(id_: str, fields: Mapping[str, Any]) -> Entry:
    """Return the entry that transactions/{id} holds."""
    return Entry(
        id=id_,
        uid=fields["userId"],
        type=fields["type"],
        amount=fields["amount"],
        balance_after=fields["balanceAfter"],
        timestamp=fields["timestamp"],
        details=fields.get("details", {}),
        reserved_after=fields.get("reservedAfter", 0),
    )


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Return the fields of transactions/{id}."""
    return {
        "userId": entry.uid,
        "type": entry.type,
        "amount": entry.amount,
        "balanceAfter": entry.balance_after,
        "timestamp": entry.timestamp,
        "details": dict(entry.details),
        **({"reservedAfter": entry.reserved_after} if entry.reserved_after else {}),
        # By which a reconciliation finds the purchases of a day. A time would rise, and limit the writes per second.
        **({"purchasedOn": f"{entry.timestamp:%Y-%m-%d}"} if entry.type == "purchase" else {}),
    }


def subscription_from(fields: Mapping[str, Any]) -> Subscription:
    """Return the subscription that an account holds."""
    return Subscription(
        id=fields["id"],
        status=fields["status"],
        price_id=fields["priceId"],
        current_period_end=fields["currentPeriodEnd"],
        cancel_at_period_end=fields["cancelAtPeriodEnd"],
        synced_at=fields["syncedAt"],
    )


def subscription_fields(subscription: Subscription) -> dict[str, Any]:
    """Return `subscription` of accounts/{uid} and users/{uid}."""
    return {
        "id": subscription.id,
        "status": subscription.status,
        "priceId": subscription.price_id,
        "currentPeriodEnd": subscription.current_period_end,
        "cancelAtPeriodEnd": subscription.cancel_at_period_end,
        "syncedAt": subscription.synced_at,
    }


def payment_from(stored: Stored) -> PaymentRecord:
    """Return the record that payments/{PaymentIntent} holds."""
    fields = stored.fields
    return PaymentRecord(
        facts=facts_from_fields(fields["facts"]),
        taken=fields["taken"],
        first_version=fields["firstVersion"],
        version=stored.version,
    )


def payment_fields(uid: str | None, record: PaymentRecord) -> dict[str, Any]:
    """Return the fields of payments/{PaymentIntent}; the buyer's uid is None while nothing names one."""
    return {
        "userId": uid,
        "facts": facts_as_fields(record.facts),
        "taken": record.taken,
        "firstVersion": record.first_version,
    }


def hold_fields(hold: Hold, now: datetime) -> dict[str, Any]:
    """Return the fields of held_purchases/{session}."""
    return {
        "sessionId": hold.session_id,
        "userId": hold.uid,
        "reason": hold.reason.value,
        "message": hold.message,
        "paidAt": datetime.fromtimestamp(hold.paid_at, UTC),
        "heldAt": now,
        "status": "held",
        **hold.evidence,
    }


def alert_fields(alert: Alert, now: datetime) -> dict[str, Any]:
    """Return the fields of security_alerts/{id}."""
    fields = {
        "type": alert.type,
        "severity": alert.severity,
        "userId": alert.uid,
        "seen": dict(alert.evidence),
        "status": alert.status,
        "createdAt": alert.raised_at or now,
    }
    return fields | ({"changedAt": now} if alert.raised_at else {})


def report_from(fields: Mapping[str, Any]) -> Report:
    """Return the report that reconciliation_reports/{day} holds."""
    return Report(
        started_at=fields["startedAt"],
        days=fields["days"],
        last_user=fields["lastUser"],
        last_event=fields["lastEvent"],
        events_done=fields["eventsDone"],
        saved_at=fields["savedAt"],
        finished_at=fields["finishedAt"],
        events=fields["eventsSeen"],
        republished=fields["republished"],
        users_checked=fields["usersChecked"],
        drifted=tuple(fields["drifted"]),
        last_purchase=fields.get("lastPurchase"),  # reports of version 0.1 have none of these
        purchases_done=fields.get("purchasesDone", False),
        purchases_checked=fields.get("purchasesChecked", 0),
        unknown_purchases=tuple(fields.get("unknownPurchases", ())),
    )


def report_fields(report: Report) -> dict[str, Any]:
    """Return the fields of reconciliation_reports/{day}."""
    return {
        "startedAt": report.started_at,
        "days": report.days,
        "lastUser": report.last_user,
        "lastEvent": report.last_event,
        "eventsDone": report.events_done,
        "savedAt": report.saved_at,
        "finishedAt": report.finished_at,
        "eventsSeen": report.events,
        "republished": report.republished,
        "usersChecked": report.users_checked,
        "drifted": list(report.drifted),
        "lastPurchase": report.last_purchase,
        "purchasesDone": report.purchases_done,
        "purchasesChecked": report.purchases_checked,
        "unknownPurchases": list(report.unknown_purchases),
    }
