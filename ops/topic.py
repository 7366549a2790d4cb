"""replay, dead-letters list, dead-letters redrive: events in transit."""

from datetime import datetime
from typing import Any

import click

from ops import render
from ops.changes import carry_out
from ops.connection import Connection
from ops.json_fields import json_fields
from ops.options import PAST_TIME, ChangeOptions, change_options, connected, json_option, limit_option
from ops.topic_admin import DeadLetter
from topology.topics import DEAD_LETTERS


@click.command()
@click.option("--from", "since", type=PAST_TIME, required=True, help="A time such as 2026-11-20T18:00:00Z.")
@click.option("--subscription", default="credit-tokens", show_default=True, help="Which subscription delivers again.")
@connected
@change_options
def replay(options: ChangeOptions, connection: Connection, since: datetime, subscription: str) -> None:
    """Deliver again what was published since a time.

    Safe to repeat: the ledger skips what it has.
    """
    topic = connection.topic()
    topic.check_subscription(subscription)

    def view() -> dict[str, Any]:
        return {"subscription": subscription, "from": since}

    def act() -> str:
        alert = connection.operator_ledger.record("replay", None, options.by, view())
        topic.replay(subscription, since)
        return f"{subscription} delivers again everything since {since.isoformat()}; recorded as alert {alert}"

    carry_out(connection, options, f"Replay {subscription} from {since.isoformat()}", view=view, act=act)


@click.group("dead-letters")
def dead_letters() -> None:
    """Review events that could not be delivered."""


@dead_letters.command("list")
@limit_option(100)
@json_option
@connected
def list_dead(connection: Connection, limit: int, *, as_json: bool) -> None:
    """List dead letters, and leave them where they are."""
    found = connection.topic().dead_letters(limit)
    if as_json:
        render.as_json([json_fields(letter) for letter in found])
    else:
        _print(found)


@dead_letters.command()
@limit_option(1000, 10_000)
@connected
@change_options
def redrive(options: ChangeOptions, connection: Connection, limit: int) -> None:
    """Put dead letters back on the topic.

    For once what kept them from being delivered is fixed. Each is removed only after it was published.
    """
    topic = connection.topic()
    waiting = topic.dead_letters(limit)
    if not options.json:
        _print(waiting)

    published = False

    def view() -> dict[str, Any]:
        remaining = topic.dead_letters(limit) if published else waiting
        return {"subscription": DEAD_LETTERS, "deadLetters": len(remaining)}

    def act() -> str:
        nonlocal published
        if not waiting:
            return "there are no dead letters - nothing changed"
        evidence = {"messages": len(waiting), "eventIds": [letter.event_id for letter in waiting]}
        alert = connection.operator_ledger.record("dead-letters redrive", None, options.by, evidence)
        published = True
        bar, task = render.progress("Publishing", len(waiting))
        count = 0
        with bar:
            for _ in topic.redrive(len(waiting)):
                count += 1
                bar.advance(task)
        return f"{count} published again; recorded as alert {alert}"

    what = f"Publish {len(waiting)} dead letters again"
    carry_out(connection, options, what, view=view, act=act, ask=bool(waiting))


def _print(found: list[DeadLetter]) -> None:
    columns = ("given up at", "event", "type", "subscription", "message")
    rows = [
        (letter.given_up_at, letter.event_id, letter.event_type, letter.subscription, letter.message_id)
        for letter in found
    ]
    render.table("Dead letters", columns, rows)
