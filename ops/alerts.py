"""alerts list, alerts close."""

from typing import Any

import click

from ops import render
from ops.changes import carry_out
from ops.connection import Connection
from ops.json_fields import json_fields
from ops.options import ALERT, UID, ChangeOptions, change_options, connected, json_option, limit_option


@click.group()
def alerts() -> None:
    """Review security alerts."""


@alerts.command("list")
@click.option("--user", type=UID, help="Only this user's.")
@click.option(
    "--status", type=click.Choice(["open", "closed"]), default="open", show_default=True, help="Open or closed ones."
)
@limit_option(50)
@json_option
@connected
def list_alerts(connection: Connection, user: str | None, status: str, limit: int, *, as_json: bool) -> None:
    """List alerts, the latest first. Closed ones include what operators did."""
    found = connection.operator_ledger.alerts(status, uid=user, limit=limit)
    if as_json:
        render.as_json([json_fields(alert) for alert in found])
        return
    rows = [
        (
            alert.id,
            alert.created_at,
            alert.severity,
            alert.type,
            alert.uid,
            alert.evidence,
            alert.closed_by,
            alert.close_reason,
        )
        for alert in found
    ]
    columns = ("id", "created", "severity", "type", "user", "evidence", "closed by", "because")
    render.table(f"Alerts: {status}", columns, rows)


@alerts.command()
@click.argument("id_", metavar="ID", type=ALERT)
@connected
@change_options
def close(options: ChangeOptions, connection: Connection, id_: str) -> None:
    """Close an alert that was looked into. A held purchase's alert closes by itself once the purchase is decided on."""

    def view() -> dict[str, Any]:
        return json_fields(connection.operator_ledger.alert(id_))

    def act() -> str:
        closed = connection.operator_ledger.close_alert(id_, options.by)
        return f"alert {id_} closed" if closed else f"alert {id_} is closed already - nothing changed"

    carry_out(connection, options, f"Close alert {id_}", view=view, act=act)
