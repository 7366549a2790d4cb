"""What commands print: tables and lists for people, JSON for scripts. Answers go to stdout, progress to stderr.

Operators type and copy what they read here, so that no id is ever cut or broken over two lines: a table that does not
fit the terminal is printed as a list, and in a list only the terminal itself breaks lines.
"""

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

_PROSE_WIDTH = 24  # the least that a column of prose is wrapped to
_UNLIMITED_WIDTH = 100_000


def as_json(answer: object) -> None:
    """Print one JSON document; times are ISO 8601, UTC."""
    click.echo(json.dumps(answer, default=_json_value, indent=2, ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, prose: Collection[str] = ()) -> None:
    """Print a table, or that there is nothing to show in it; columns named in `prose` may be wrapped."""
    records = [[text(value) for value in row] for row in rows]
    if not records:
        click.echo(f"{title}: none")
        return
    drawn = Table(
        *(
            Column(name, overflow="fold", min_width=_PROSE_WIDTH) if name in prose else Column(name, no_wrap=True)
            for name in columns
        ),
        title=title,
        title_justify="left",
    )
    for record in records:
        drawn.add_row(*map(Text, record))
    console = Console()
    needs = Measurement.get(console, console.options.update(width=_UNLIMITED_WIDTH), drawn)
    if not sys.stdout.isatty():
        Console(width=needs.maximum).print(drawn)  # a file or a pipe has no width to fit into
    elif needs.minimum <= console.width:
        console.print(drawn)
    else:
        click.echo(f"{title}\n")
        for record in records:
            _lines(dict(zip(columns, record, strict=True)))
            click.echo()


def fields(title: str, view: Mapping[str, object]) -> None:
    """Print named values, one per line."""
    click.echo(title)
    _lines(_flat(view))


def changes(title: str, before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Print what differs between two views of the same thing, as `before -> after`."""
    old, new = _flat(before), _flat(after)
    names = [name for name in {**old, **new} if old.get(name, "") != new.get(name, "")]
    if not names:
        click.echo(f"{title}: nothing")
        return
    click.echo(title)
    _lines({name: f"{old.get(name) or 'none'} -> {new.get(name) or 'none'}" for name in names})


def text(value: object) -> str:
    """Return a value as it is shown.

    What a stranger wrote into Stripe's metadata may hold a terminal's control characters: none is let through.
    """
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in _plain(value))


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


def _lines(named: Mapping[str, str]) -> None:
    width = max(map(len, named))
    for name, value in named.items():
        click.echo(f"  {name.ljust(width)}  {value}".rstrip())


def _flat(view: Mapping[str, object]) -> dict[str, str]:
    """Return values as they are shown; a map is shown key by key."""
    shown: dict[str, str] = {}
    for name, value in view.items():
        if isinstance(value, Mapping) and value:
            shown |= {text(f"{name} {key}"): text(part) for key, part in value.items()}
        else:
            shown[name] = text(value)
    return shown


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items() if part is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)


def _json_value(value: object) -> str:
    return _plain(value) if isinstance(value, datetime) else str(value)
