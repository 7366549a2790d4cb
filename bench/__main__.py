"""`make bench`: measure, print a table, and write bench/results.json."""

import importlib
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from bench.lab import Lab
from bench.results import Row, table_of, write_json
from topology.functions import ROOT

GROUPS = ("cold", "operations", "hot")

_console = Console()


@click.command()
@click.argument("groups", nargs=-1, type=click.Choice(GROUPS))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / "bench" / "results.json",
    help="Where the rows go as JSON.",
)
def main(groups: tuple[str, ...], output: Path) -> None:
    """Measure the GROUPS, all of them unless some are named. docs/performance.md explains every row."""
    rows = list(_measured(groups or GROUPS))
    _console.print(table_of(rows))
    write_json(rows, output)


def _measured(groups: tuple[str, ...]) -> Iterator[Row]:
    with Lab() as lab:
        for group in groups:
            begun = time.monotonic()
            with _console.status(f"Measuring: {group}"):
                yield from importlib.import_module(f"bench.groups.{group}").measure(lab)
            _console.print(f"{group}: {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
