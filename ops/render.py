"""What commands print: tables and lists for people, JSON for scripts. Answers go to stdout, progress to stderr.

Operators type and copy what they read here, so that no id is ever cut or broken over two lines: a table that does not
fit the terminal is printed as a list, and in a list only the terminal itself breaks lines.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO

import click
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

_LINES_MAX = 3  # a row that takes more is easier to read as a list
_UNLIMITED_WIDTH = 100_000


def as_json(answer: object) -> None:
    """Print one JSON document; times are ISO 8601, UTC."""
    click.echo(json.dumps(answer, default=_json_value, indent=2, ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, or that there is nothing to show in it."""
    records = [[text(value) for value in row] for row in rows]
    if not records:
        click.echo(f"{title}: none")
        return
    # Only sentences are wrapped: what has no spaces may be an id.
    sentences = [any(" " in value for value in values) for values in zip(*records, strict=True)]
    headers = [Column(name, no_wrap=not wraps) for name, wraps in zip(columns, sentences, strict=True)]
    drawn = Table(*headers, title=title, title_justify="left")
    for record in records:
        drawn.add_row(*map(Text, record))
    if not sys.stdout.isatty():
        console = Console(width=_UNLIMITED_WIDTH)  # a file or a pipe has no width to fit into
        Console(width=Measurement.get(console, console.options, drawn).maximum).print(drawn)
        click.echo()
    elif _fits(drawn, [columns, *records], Console().width):
        Console().print(drawn)
        click.echo()
    else:
        click.echo(f"{title}\n")
        for record in records:
            _lines(dict(zip(columns, record, strict=True)))
            click.echo()


def fields(title: str, view: Mapping[str, object]) -> None:
    """Print named values, one per line; the values of a map are below its name."""
    click.echo(title)
    maps = {name: value for name, value in view.items() if isinstance(value, Mapping) and value}
    _lines({name: text(value) for name, value in view.items() if name not in maps})
    for name, values in maps.items():
        click.echo(f"  {name}")
        _lines({text(key): text(value) for key, value in values.items()}, indent="    ")
    click.echo()


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


def _fits(drawn: Table, records: Sequence[Sequence[str]], width: int) -> bool:
    """Tell whether a table of this width breaks no word, such as an id, and takes few lines per row."""
    page = StringIO()
    Console(file=page, width=width).print(drawn)
    lines = page.getvalue()
    words = {word for record in records for value in record for word in value.split()}
    return all(word in lines for word in words) and lines.count("\n") <= _LINES_MAX * (len(records) + 1)


def _lines(named: Mapping[str, str], *, indent: str = "  ") -> None:
    width = max(map(len, named))
    for name, value in named.items():
        click.echo(f"{indent}{name.ljust(width)}  {value}".rstrip())


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
