"""user show, limits reset, audit: looking at accounts."""

import sys
from datetime import UTC, datetime
from typing import Any

import click

from ops import render
from ops.audit import Audit, audit
from ops.changes import account_view, carry_out
from ops.connection import Connection
from ops.operator_ledger import OperatorLedger
from ops.options import UID, Asked, asked_options, connected, json_option, limit_option

_ASIDE_MAX = 100  # held purchases and alerts of one user


@click.group()
def user() -> None:
    """Look at a user."""


@user.command("show")
@click.argument("uid", type=UID)
@limit_option(20)
@json_option
@connected
def show(at: Connection, uid: str, limit: int, *, as_json: bool) -> None:
    """Show a user's balance, entries (newest first), held purchases and open alerts."""
    account = at.ledger.user(uid)
    entries = at.ledger.transactions(uid, limit=limit).entries
    held = at.ledger.held_purchases("held", uid=uid, limit=_ASIDE_MAX)
    alerts = at.ledger.alerts("open", uid=uid, limit=_ASIDE_MAX)
    if as_json:
        about: dict[str, Any] = account_view(account)
        about |= {"stripeCustomerId": account.stripe_customer_id, "recentPurchases": list(account.recent_purchases)}
        about |= {"entries": [entry.as_json() for entry in entries]}
        about |= {"held": [one.as_json() for one in held], "alerts": [one.as_json() for one in alerts]}
        render.as_json(about)
        return
    render.fields("User", {**account_view(account), "stripeCustomerId": account.stripe_customer_id})
    render.table(
        "Entries, newest first",
        ("time", "type", "amount", "balance after", "id", "reason or record"),
        [
            (
                *(one.timestamp, one.type, one.amount, one.balance_after, one.id),
                one.details.get("reason") or one.details.get("operatorAction"),
            )
            for one in entries
        ],
    )
    render.table(
        "Held purchases", ("session", "reason", "held at"), [(one.session_id, one.reason, one.held_at) for one in held]
    )
    render.table(
        "Open alerts", ("id", "type", "severity", "created"), [(o.id, o.type, o.severity, o.created_at) for o in alerts]
    )


@click.group()
def limits() -> None:
    """Look after the purchase limits."""


@limits.command("reset")
@click.argument("uid", type=UID)
@connected
@asked_options
def reset(asked: Asked, at: Connection, uid: str) -> None:
    """Let a user buy again at once: forget the recent purchases, by which the limits go. No entry changes."""

    def view() -> dict[str, Any]:
        account = at.ledger.user(uid)
        times = [datetime.fromtimestamp(at_s, UTC) for at_s in account.recent_purchases]
        return {
            "user": uid,
            "balance": account.balance,
            "recentPurchases": [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in times],
        }

    def act() -> str:
        at.ledger.reset_limits(uid, asked.decision)
        return "recent purchases forgotten"

    carry_out(at, asked, f"Reset the purchase limits of {uid}", view=view, act=act)


@click.command("audit")
@click.argument("uid", type=UID, required=False)
@click.option("--all", "every", is_flag=True, help="Audit every user.")
@json_option
@connected
def audit_command(at: Connection, uid: str | None, *, every: bool, as_json: bool) -> None:
    """Check that a balance is the sum of its entries, and that each entry says the balance after it.

    Ends with 1 when an account does not agree.
    """
    if every == (uid is not None):
        raise click.UsageError("Name one user, or give --all")
    audits = _audit_all(at.ledger) if uid is None else [_audit(at.ledger, uid)]
    faulty = [one for one in audits if one.faults]
    if as_json:
        render.as_json({"audited": len(audits), "faulty": [_view(one) for one in faulty]})
    else:
        shown = audits if uid is not None else faulty
        render.table(
            "Accounts that do not agree" if every else "Audit",
            ("user", "balance", "entries", "faults"),
            [(one.uid, one.balance, one.entries, "; ".join(one.faults) or "none") for one in shown],
        )
        click.echo(f"{len(audits)} audited, {len(faulty)} with faults")
    if faulty:
        sys.exit(1)


def _audit_all(ledger: OperatorLedger) -> list[Audit]:
    bar, task = render.progress("Auditing users", None)
    audits = []
    with bar:
        for uid in ledger.uids():
            audits.append(_audit(ledger, uid))
            bar.advance(task)
    return audits


def _audit(ledger: OperatorLedger, uid: str) -> Audit:
    return audit(ledger.user(uid), ledger.entries(uid))


def _view(one: Audit) -> dict[str, Any]:
    return {"user": one.uid, "balance": one.balance, "entries": one.entries, "faults": list(one.faults)}
