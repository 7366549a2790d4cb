"""Writes a run into docs/performance.md: its table, and a chart of the cold starts."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from bench.results import Row

_BEGIN, _END = "<!-- last run -->", "<!-- end -->"
_COLD = ("cold start: ", " ÷ hello")
_MARKS = {True: "yes", False: "**no**", None: ""}


def write(rows: Sequence[Row], file: Path, day: date) -> None:
    """Replace the text between the page's markers.

    Raises:
        ValueError: the file lacks the markers.
    """
    text = file.read_text(encoding="utf-8")
    before, found_begin, rest = text.partition(_BEGIN)
    _, found_end, after = rest.partition(_END)
    if not (found_begin and found_end):
        raise ValueError(f"{file} lacks {_BEGIN} and {_END}")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    written = "\n\n".join((f"Measured on {day:%Y-%m-%d}: {machine}.", table(rows), chart(rows)))
    file.write_text(f"{before}{_BEGIN}\n{written}\n{_END}{after}", encoding="utf-8")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| measure | value | target | met | note |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {row.name} | {row.shown} | {row.target or ''} | {_MARKS[row.ok]} | {row.note} |" for row in rows]
    return "\n".join(lines)


def chart(rows: Iterable[Row]) -> str:
    """Return the cold starts as a bar chart (https://mermaid.js.org/syntax/xyChart.html), which GitHub draws."""
    start, end = _COLD
    bars = {
        row.name.removeprefix(start).removesuffix(end): row.value
        for row in rows
        if row.name.startswith(start) and row.name.endswith(end) and row.value is not None
    }
    names = ", ".join(f'"{name}"' for name in bars)
    values = ", ".join(f"{value:.2f}" for value in bars.values())
    return "\n".join(
        (
            "```mermaid",
            "xychart-beta horizontal",
            '    title "Cold start, as a multiple of a function that only says hello"',
            f"    x-axis [{names}]",
            f"    bar [{values}]",
            "```",
        )
    )
