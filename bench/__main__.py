"""`make bench`: measure, print a table, and write bench/results.json."""

import importlib
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from bench import report
from bench.client import TransportError, UnexpectedResponseError
from bench.lab import Lab
from bench.results import Row, rich_table, write_json
from topology.functions import ROOT

# Growth is the last group on the shared emulators: the documents it writes slow them down.
GROUPS = ("cold", "operations", "webhook", "credits", "latency", "hot", "profile", "reservations", "growth", "start")

_console = Console()


@click.command()
@click.argument("groups", nargs=-1, type=click.Choice(GROUPS))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / "bench" / "results.json",
    help="The JSON file to write.",
)
@click.option("--write", is_flag=True, help="Write the rows into docs/performance.md as well.")
def main(groups: tuple[str, ...], output: Path, *, write: bool) -> None:
    """Measure GROUPS, by default all of them. docs/performance.md explains every row."""
    signal.signal(signal.SIGTERM, _interrupt)  # so that every program is ended
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:+TieredCompilation")  # emulators that get as fast as they can
    rows = []
    for row in _measured(groups or GROUPS):
        rows.append(row)
        _console.print(f"{row.name}: {row.shown} {row.note}", highlight=False)
    _console.print(rich_table(rows))
    write_json(rows, output)
    if write:
        report.write(rows, ROOT / "docs" / "performance.md", datetime.now(UTC).date())


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _measured(groups: tuple[str, ...]) -> Iterator[Row]:
    with Lab() as lab:
        for group in groups:
            begun = time.monotonic()
            _console.print(f"[bold]{group}[/] ...")
            try:
                yield from importlib.import_module(f"bench.groups.{group}").measure(lab)
            except (UnexpectedResponseError, TransportError) as error:
                yield Row(f"{group}: remaining rows", None, note=f"failed: {error}")
            _console.print(f"{group} took {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
