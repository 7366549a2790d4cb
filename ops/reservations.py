"""reservations show, reservations release: tokens that jobs have set aside."""

from datetime import UTC, datetime
from typing import Any

import click

from ops import render
from ops.changes import carry_out
from ops.connection import Connection
from ops.options import UID, ChangeOptions, change_options, connected, json_option
from shared.domain.account import Account
from shared.domain.reservation import Reservation
from shared.domain.spend_requests import reservation_key_of


@click.group()
def reservations() -> None:
    """Look at the tokens that jobs have set aside, and free them."""


@reservations.command("show")
@click.argument("uid", type=UID)
@json_option
@connected
def show(connection: Connection, uid: str, *, as_json: bool) -> None:
    """Show a user's open reservations, those that expire next first."""
    account = connection.operator_ledger.settled_account(uid)
    shown = [{"key": key, **_fields(one)} for key, one in _next_first(account)]
    if as_json:
        render.as_json({**_tokens(account), "reservations": shown})
        return
    render.fields("User", _tokens(account))
    render.table(
        "Open reservations",
        ("key", "amount", "used", "expires at", "on expiry", "reason"),
        [tuple(one.values()) for one in shown],
    )


@reservations.command("release")
@click.argument("uid", type=UID)
@click.argument("key")
@connected
@change_options
def release(options: ChangeOptions, connection: Connection, uid: str, key: str) -> None:
    """Free the tokens of a reservation whose job is known to be gone.

    Nothing is charged for it, and a capture that arrives afterwards is refused. KEY is the idempotency key of the
    backend that made it.
    """
    whose = reservation_key_of({"user_id": uid, "idempotency_key": key})

    def view() -> dict[str, Any]:
        account = connection.operator_ledger.settled_account(uid)
        return {**_tokens(account), "reservations": {id_: _fields(one) for id_, one in _next_first(account)}}

    def act() -> str:
        released = connection.operator_ledger.release_reservation(whose, options.by)
        if not released.is_new:
            return f"the reservation is {released.reservation.state} already - nothing changed"
        return f"freed {released.reservation.amount} tokens"

    carry_out(connection, options, f"Release the reservation {key} of {uid}", view=view, act=act)


def _next_first(account: Account) -> list[tuple[str, Reservation]]:
    return sorted(account.reservations.items(), key=lambda one: (one[1].expires_at, one[0]))


def _tokens(account: Account) -> dict[str, Any]:
    return {
        "userId": account.uid,
        "balance": account.balance,
        "reserved": account.reserved,
        "available": account.available,
    }


def _fields(reservation: Reservation) -> dict[str, Any]:
    return {
        "amount": reservation.amount,
        "used": reservation.used,
        "expiresAt": datetime.fromtimestamp(reservation.expires_at, UTC),
        "onExpiry": reservation.on_expiry,
        "reason": reservation.reason,
    }
