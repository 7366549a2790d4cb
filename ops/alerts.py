"""alerts list, alerts close."""

from typing import Any

import click

from ops import render
from ops.changes import carry_out
from ops.connection import Connection
from ops.options import ALERT, UID, Asked, asked_options, connected, json_option, limit_option


@click.group()
def alerts() -> None:
    """Look after security alerts."""


@alerts.command("list")
@click.option("--user", type=UID, help="Only this user's.")
@click.option(
    "--status", type=click.Choice(["open", "closed"]), default="open", show_default=True, help="How they stand."
)
@limit_option(50)
@json_option
@connected
def list_alerts(at: Connection, user: str | None, status: str, limit: int, *, as_json: bool) -> None:
    """List alerts, the latest first. Closed ones include what operators did."""
    found = at.ledger.alerts(status, uid=user, limit=limit)
    if as_json:
        render.as_json([one.as_json() for one in found])
        return
    rows = [
        (one.id, one.created_at, one.severity, one.type, one.uid, one.seen, one.closed_by, one.close_reason)
        for one in found
    ]
    columns = ("id", "created", "severity", "type", "user", "seen", "closed by", "because")
    render.table(f"Alerts: {status}", columns, rows)


@alerts.command()
@click.argument("id_", metavar="ID", type=ALERT)
@connected
@asked_options
def close(asked: Asked, at: Connection, id_: str) -> None:
    """Close an alert that was looked into. A held purchase's alert closes by itself when that is decided."""

    def view() -> dict[str, Any]:
        return at.ledger.alert_of(id_).as_json()

    def act() -> str:
        closed = at.ledger.close_alert(id_, asked.decision)
        return f"alert {id_} closed" if closed else f"alert {id_} was closed before - nothing changed"

    carry_out(at, asked, f"Close alert {id_}", view=view, act=act)
