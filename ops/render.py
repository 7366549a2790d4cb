"""What commands print: tables for people, JSON for scripts. Answers go to stdout, progress to stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 200  # a file or a pipe has no width to fit into


def as_json(answer: object) -> None:
    """Print one JSON document; times are ISO 8601, UTC."""
    click.echo(json.dumps(answer, default=_plain, indent=2, ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, or that there is nothing to show in it."""
    drawn = Table(*columns, title=title, title_justify="left")
    for row in rows:
        drawn.add_row(*(cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    console.print(drawn if drawn.row_count else Text(f"{title}: none"))


def fields(title: str, *columns: Mapping[str, object], names: Sequence[str] = ("",)) -> None:
    """Print named values, one a line; several mappings of the same names stand side by side."""
    rows = [(name, *(column.get(name) for column in columns)) for name in columns[0]]
    table(title, ("", *names), rows)


def cell(value: object) -> Text:
    """Return a value as it is shown.

    What a stranger wrote into Stripe's metadata may hold a terminal's control characters: none is let through.
    """
    text = json.dumps(value, default=_plain, ensure_ascii=False) if isinstance(value, dict | list) else _plain(value)
    return Text("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text))


def progress(what: str, total: int | None) -> tuple[Progress, TaskID]:
    """Return a progress bar on stderr, to be entered and advanced, and its task; `total` is None while unknown."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    return bar, bar.add_task(what, total=total)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
