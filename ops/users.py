"""user show, limits reset, audit: looking at accounts."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click

from ops import render
from ops.audit import Audit, audit
from ops.changes import account_view, carry_out
from ops.connection import Connection
from ops.find_user import find_uid
from ops.json_fields import json_fields
from ops.operator_ledger import OperatorLedger
from ops.options import UID, WHO, ChangeOptions, change_options, connected, json_option, limit_option
from shared.domain.entry import Entry
from shared.domain.limits import PurchaseTime
from shared.domain.money import format_amount

_OPEN_MAX = 100  # held purchases, and alerts, of one user


@click.group()
def user() -> None:
    """Look at a user."""


@user.command("show")
@click.argument("who", type=WHO)
@limit_option(20)
@json_option
@connected
def show(connection: Connection, who: str, limit: int, *, as_json: bool) -> None:
    """Show a user's tokens, entries (newest first), held purchases and open alerts.

    WHO is a user id, an e-mail address, or the id of a Checkout Session (cs_…), a payment (pi_…) or a Stripe customer
    (cus_…).
    """
    uid = find_uid(connection, who)
    account = connection.operator_ledger.settled_account(uid)
    entries = connection.ledger.transactions(uid, limit=limit).entries
    held = connection.operator_ledger.held_purchases("held", uid=uid, limit=_OPEN_MAX)
    alerts = connection.operator_ledger.alerts("open", uid=uid, limit=_OPEN_MAX)
    about = account_view(account) | {
        "stripeCustomerId": account.stripe_customer_id,
        "recentPurchases": _times(account.recent_purchases),
    }
    if as_json:
        lists = {
            "entries": [entry.as_json() for entry in entries],
            "held": [json_fields(hold) for hold in held],
            "alerts": [json_fields(alert) for alert in alerts],
        }
        render.as_json(about | lists)
        return
    render.fields("User", about)
    render.table(
        "Entries, newest first",
        ("time", "type", "amount", "balance after", "money", "id", "reason", "record"),
        [
            (
                *(entry.timestamp, entry.type, entry.amount, entry.balance_after, _money_of(entry), entry.id),
                *(entry.details.get("reason"), entry.details.get("operatorAction")),
            )
            for entry in entries
        ],
    )
    render.table(
        "Held purchases",
        ("session", "reason", "held at"),
        [(hold.session_id, hold.reason, hold.held_at) for hold in held],
    )
    render.table(
        "Open alerts",
        ("id", "type", "severity", "created"),
        [(alert.id, alert.type, alert.severity, alert.created_at) for alert in alerts],
    )


def _money_of(entry: Entry) -> str | None:
    """Return how much money moved with an entry: from the buyer, or negative, back to the buyer."""
    amount = entry.details.get("paymentAmount", entry.details.get("paymentAmountCents"))
    return None if amount is None else format_amount(amount, entry.details["currency"])


@click.group()
def limits() -> None:
    """Manage the purchase limits."""


@limits.command("reset")
@click.argument("uid", type=UID)
@connected
@change_options
def reset(options: ChangeOptions, connection: Connection, uid: str) -> None:
    """Let a user buy again at once.

    This forgets the recent purchases, which the limits count. No entry changes.
    """

    def view() -> dict[str, Any]:
        account = connection.operator_ledger.account(uid)
        return {
            "userId": uid,
            "balance": account.balance,
            "recentPurchases": _times(account.recent_purchases),
        }

    def act() -> str:
        connection.operator_ledger.reset_limits(uid, options.by)
        return "recent purchases forgotten"

    carry_out(connection, options, f"Reset the purchase limits of {uid}", view=view, act=act)


@click.command("audit")
@click.argument("uid", type=UID, required=False)
@click.option("--all", "every", is_flag=True, help="Audit every account.")
@json_option
@connected
def audit_command(connection: Connection, uid: str | None, *, every: bool, as_json: bool) -> None:
    """Check balances against their entries.

    A balance is the sum of its entries, each entry states the balance after it, and the totals agree. The exit code is
    1 if an account does not.
    """
    if every == (uid is not None):
        raise click.UsageError("Name one user, or give --all")
    audits = _audit_all(connection.operator_ledger) if uid is None else [_audit(connection.operator_ledger, uid)]
    faulty = [result for result in audits if result.faults]
    if as_json:
        render.as_json({"audited": len(audits), "faulty": [_view(result) for result in faulty]})
    else:
        shown = audits if uid is not None else faulty
        render.table(
            "Accounts that do not agree" if every else "Audit",
            ("user", "balance", "entries", "faults"),
            [(result.uid, result.balance, result.entries, "; ".join(result.faults) or "none") for result in shown],
        )
        click.echo(f"{len(audits)} audited, {len(faulty)} with faults")
    if faulty:
        sys.exit(1)


def _times(purchases: Iterable[PurchaseTime]) -> list[datetime]:
    return [datetime.fromtimestamp(one.paid_at, UTC) for one in purchases]


def _audit_all(ledger: OperatorLedger) -> list[Audit]:
    bar, task = render.progress("Auditing accounts", None)
    audits = []
    with bar:
        for uid in ledger.uids():
            audits.append(_audit(ledger, uid))
            bar.advance(task)
    return audits


def _audit(ledger: OperatorLedger, uid: str) -> Audit:
    return audit(ledger.account(uid), ledger.entries(uid))


def _view(result: Audit) -> dict[str, Any]:
    return {
        "userId": result.uid,
        "balance": result.balance,
        "entries": result.entries,
        "faults": list(result.faults),
    }
