"""The ledger's documents: how accounts, entries, holds and alerts stand in Firestore. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from shared.domain.account import Account
from shared.domain.entry import Entry
from shared.domain.purchase import Hold, HoldReason
from shared.domain.reconciliation import Report
from shared.domain.reversal import Disputed, Refunded, RefundFailed, Reversals
from shared.domain.subscription import Subscription

USERS = "users"
TRANSACTIONS = "transactions"
HELD_PURCHASES = "held_purchases"
SECURITY_ALERTS = "security_alerts"
RECONCILIATION_REPORTS = "reconciliation_reports"


def account_from(uid: str, document: Mapping[str, Any] | None) -> Account:
    """Return the account that users/{uid} holds; fields that are missing, or all without a document, are empty."""
    fields = document or {}
    return Account(
        uid=uid,
        balance=int(fields.get("tokenBalance", 0)),
        purchased=int(fields.get("totalTokensPurchased", 0)),
        earned=int(fields.get("totalTokensEarned", 0)),
        spent=int(fields.get("totalTokensSpent", 0)),
        stripe_customer_id=fields.get("stripeCustomerId"),
        recent_purchases=tuple(fields.get("recentPurchases", ())),
        open_purchases=dict(fields.get("openPurchases", {})),
        last_entry_at=fields.get("lastEntryAt"),
        reversals={payment: _reversals_from(known) for payment, known in fields.get("reversals", {}).items()},
        exists=document is not None,
    )


def _reversals_from(fields: Mapping[str, Any]) -> Reversals:
    refunded = fields.get("refunded")
    return Reversals(
        refunded=Refunded(**refunded) if refunded else None,
        failed={id_: RefundFailed(**failed) for id_, failed in fields.get("failed", {}).items()},
        disputes={id_: Disputed(**dispute) for id_, dispute in fields.get("disputes", {}).items()},
    )


def account_fields(account: Account) -> dict[str, Any]:
    """Return the fields of users/{uid} that are the ledger's; the profile fields beside them stay."""
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
    }


def subscription_fields(subscription: Subscription, now: datetime) -> dict[str, Any]:
    """Return `subscription` of users/{uid}.

    `syncedAt` makes every write a change: Firestore leaves the update time of a document alone when nothing of it
    changes, and then an older delivery could not tell that a newer one was there.
    """
    return {
        "id": subscription.id,
        "status": subscription.status,
        "priceId": subscription.price_id,
        "currentPeriodEnd": subscription.current_period_end,
        "cancelAtPeriodEnd": subscription.cancel_at_period_end,
        "syncedAt": now,
    }


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
    }


def hold_documents(hold: Hold, now: datetime) -> dict[str, Mapping[str, Any]]:
    """Return a held purchase and its alert, by path."""
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
    alert = alert_document(
        "purchase_limit_exceeded" if limit else "purchase_invalid",
        "medium" if limit else "high",
        hold.uid,
        {"sessionId": hold.session_id, "reason": hold.reason.value, "message": hold.message, **hold.seen},
        now,
    )
    return {f"{HELD_PURCHASES}/{hold.session_id}": held, f"{SECURITY_ALERTS}/held:{hold.session_id}": alert}


def alert_document(
    type_: str, severity: str, uid: str | None, seen: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return the fields of a security alert."""
    return {
        "type": type_,
        "severity": severity,
        "userId": uid,
        "seen": dict(seen),
        "status": "open",
        "createdAt": now,
    }
