"""How every change is made: show the current state, ask, act, show what changed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from ops import render
from ops.connection import Connection
from ops.options import ChangeOptions
from shared.domain.account import Account
from shared.domain.crediting import Credited, Duplicate
from shared.domain.posting import Posted

View = Mapping[str, Any]


def carry_out(
    connection: Connection,
    options: ChangeOptions,
    what: str,
    *,
    view: Callable[[], View],
    act: Callable[[], str],
    ask: bool = True,
) -> None:
    """Carry out a change.

    Args:
        connection: where.
        options: who wants it and why, and how to answer.
        what: the change, as the start of a question that ends with the project's name.
        view: reads what the change is about; it is shown before, and what is different after.
        act: makes the change, and says what became of it.
        ask: whether there is anything to confirm.
    """
    before = view()
    if not options.json:
        render.fields("Before", before)
    if ask and not options.yes:
        # The prompt goes to stderr: scripts read stdout.
        click.confirm(f"{what} in project {connection.settings.project}?", abort=True, err=True)
    outcome = act()
    after = view()
    if options.json:
        render.as_json({"outcome": outcome, "before": before, "after": after})
    else:
        render.changes("Changed", before, after)
        click.echo(f"Done: {outcome}")


def account_view(account: Account) -> dict[str, Any]:
    """Return what is shown of an account; a balance below zero is a debt."""
    return {
        "userId": account.uid,
        "balance": account.balance,
        "reserved": account.reserved,
        "available": account.available,
        "totalTokensPurchased": account.purchased,
        "totalTokensEarned": account.earned,
        "totalTokensSpent": account.spent,
        "openPurchases": {
            # Version 0.1 did not record since when.
            id_: {"state": one.state, "since": datetime.fromtimestamp(one.since, UTC) if one.since else None}
            for id_, one in account.open_purchases.items()
        },
        # Tokens that expire, by the entry that gave them.
        "lots": {
            lot.id: {
                "left": lot.left,
                "expiresAt": datetime.fromtimestamp(lot.expires_at, UTC),
                "priority": lot.priority,
            }
            for lot in account.lots
        },
    }


def describe_entry(outcome: Credited | Posted | Duplicate) -> str:
    """Say what became of an entry."""
    if isinstance(outcome, Duplicate):
        return f"entry {outcome.entry.id} exists already - nothing changed"
    return f"created entry {outcome.entry.id} of {outcome.entry.amount} tokens"
