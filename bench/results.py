"""Rows: what was measured, what it should be, and how they are shown and kept."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table

_MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "-"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a value should be, compared with a limit."""

    sign: Literal["≤", "≥", "="]
    limit: float

    def holds(self, value: float) -> bool:
        """Tell whether a value is as it should be."""
        match self.sign:
            case "≤":
                return value <= self.limit
            case "≥":
                return value >= self.limit
            case "=":
                return value == self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


def at_most(limit: float) -> Target:
    """Return the target that a value is not above the limit."""
    return Target("≤", limit)


def at_least(limit: float) -> Target:
    """Return the target that a value is not below the limit."""
    return Target("≥", limit)


def exactly(limit: float) -> Target:
    """Return the target that a value, a count, is just that."""
    return Target("=", limit)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Without a target it explains another row; without a value it was skipped, and the note says why."""

    name: str
    value: float | None
    target: Target | None = None
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the target holds; None when there is nothing to compare."""
        if self.value is None or self.target is None:
            return None
        # Compared as it is shown: a row that reads "1.05, at most 1.05" must not say no.
        return self.target.holds(round(self.value, 3))

    @property
    def shown(self) -> str:
        """The value for a table."""
        return "skipped" if self.value is None else f"{self.value:.3g}" if self.value < 1000 else f"{self.value:.0f}"  # noqa: PLR2004


def table_of(rows: Iterable[Row]) -> Table:
    """Return the table for a terminal."""
    table = Table("measure", "value", "target", "holds", "note")
    for row in rows:
        table.add_row(row.name, row.shown, str(row.target or ""), _MARKS[row.ok], row.note)
    return table


def write_json(rows: Iterable[Row], file: Path) -> None:
    """Write `{"rows": [{"name", "value", "target", "ok", "note"}]}`; a skipped row's value and ok are null."""
    written = [
        {
            "name": row.name,
            "value": None if row.value is None else round(row.value, 3),
            "target": str(row.target) if row.target else None,
            "ok": row.ok,
            "note": row.note,
        }
        for row in rows
    ]
    file.write_text(json.dumps({"rows": written}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
