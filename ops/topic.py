"""replay, dead-letters list, dead-letters redrive: the events on their way."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from ops import render
from ops.changes import carry_out
from ops.connection import Connection
from ops.event_desk import DeadLetter
from ops.options import PAST_TIME, Asked, asked_options, connected, json_option, limit_option
from topology.topics import DEAD_LETTERS


@click.command()
@click.option("--from", "since", type=PAST_TIME, required=True, help="Since when, such as 2026-11-20T18:00:00Z.")
@click.option("--subscription", default="credit-tokens", show_default=True, help="Which function gets them again.")
@connected
@asked_options
def replay(asked: Asked, at: Connection, since: datetime, subscription: str) -> None:
    """Deliver again what was published since a time. Safe: what the ledger has, it skips."""
    events = at.events()
    events.check_subscription(subscription)

    def view() -> dict[str, Any]:
        return {"subscription": subscription, "from": since}

    def act() -> str:
        seen = {"subscription": subscription, "from": since}
        alert = at.ledger.record("replay", None, asked.decision, seen)
        events.replay(subscription, since)
        return f"{subscription} delivers again all since {since.isoformat()}; recorded as alert {alert}"

    carry_out(at, asked, f"Replay {subscription} from {since.isoformat()}", view=view, act=act)


@click.group("dead-letters")
def dead_letters() -> None:
    """Look after events that no delivery could bring in."""


@dead_letters.command("list")
@limit_option(100)
@json_option
@connected
def list_dead(at: Connection, limit: int, *, as_json: bool) -> None:
    """List dead letters, and leave them where they are."""
    found = at.events().dead_letters(limit)
    if as_json:
        render.as_json([asdict(one) for one in found])
    else:
        _print(found)


@dead_letters.command()
@limit_option(1000, 10_000)
@connected
@asked_options
def redrive(asked: Asked, at: Connection, limit: int) -> None:
    """Put dead letters back on the topic, once what kept them from being delivered is mended."""
    events = at.events()
    waiting = events.dead_letters(limit)
    if not asked.json:
        _print(waiting)

    published = False

    def view() -> dict[str, Any]:
        left = events.dead_letters(limit) if published else waiting
        return {"subscription": DEAD_LETTERS, "dead letters": len(left)}

    def act() -> str:
        nonlocal published
        if not waiting:
            return "there are no dead letters - nothing changed"
        seen = {"messages": len(waiting), "eventIds": [one.event_id for one in waiting]}
        alert = at.ledger.record("dead-letters redrive", None, asked.decision, seen)
        published = True
        bar, task = render.progress("Publishing", len(waiting))
        count = 0
        with bar:
            for _ in events.redrive(len(waiting)):
                count += 1
                bar.advance(task)
        return f"{count} published again; recorded as alert {alert}"

    carry_out(at, asked, f"Publish {len(waiting)} dead letters again", view=view, act=act)


def _print(found: list[DeadLetter]) -> None:
    columns = ("given up at", "event", "type", "subscription", "message")
    rows = [(one.given_up_at, one.event_id, one.event_type, one.subscription, one.message_id) for one in found]
    render.table("Dead letters", columns, rows)
