"""How every change goes: show what is, ask, act, show what is now."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from ops import render
from ops.connection import Connection
from ops.options import Asked
from shared.adapters.firestore.ledger import Credited, Duplicate
from shared.domain.account import Account

View = Mapping[str, Any]


def carry_out(at: Connection, asked: Asked, what: str, *, view: Callable[[], View], act: Callable[[], str]) -> None:
    """Carry out a change.

    Args:
        at: where.
        asked: who asked, why, and how to answer.
        what: the change as a sentence without its end: the question goes on with the project's name.
        view: reads what the change is about; it is shown before and after.
        act: makes the change, and says what became of it.
    """
    before = view()
    if not asked.json:
        render.fields("Before", before)
    if not asked.yes:
        # The question is no answer: a script reads stdout.
        click.confirm(f"{what} in project {at.settings.project}?", abort=True, err=True)
    outcome = act()
    after = view()
    if asked.json:
        render.as_json({"outcome": outcome, "before": before, "after": after})
    else:
        render.fields("Before and after", before, after, names=("before", "after"))
        click.echo(f"Done: {outcome}")


def account_view(account: Account) -> dict[str, Any]:
    """Return what is shown of an account; a balance below zero is a debt."""
    return {
        "user": account.uid,
        "balance": account.balance,
        "totalTokensPurchased": account.purchased,
        "totalTokensEarned": account.earned,
        "totalTokensSpent": account.spent,
        "openPurchases": dict(account.open_purchases),
    }


def posted(outcome: Credited | Duplicate) -> str:
    """Say what became of a posting."""
    if isinstance(outcome, Credited):
        return f"entry {outcome.entry.id} of {outcome.entry.amount} tokens made"
    made = f"entry {outcome.entry.id}" if outcome.entry else "the entry"
    return f"{made} was there before - nothing changed"
