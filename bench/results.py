"""The rows of a run: figures with their targets, as a table and as JSON."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table

_MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "-"}


@dataclass(frozen=True, slots=True)
class Target:
    """A condition on a value."""

    sign: Literal["≤", "≥", "="]
    limit: float

    def holds(self, value: float) -> bool:
        """Tell whether a value meets the target."""
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
    """Return a target for values that should be low."""
    return Target("≤", limit)


def at_least(limit: float) -> Target:
    """Return a target for values that should be high."""
    return Target("≥", limit)


def exactly(limit: float) -> Target:
    """Return a target for counts."""
    return Target("=", limit)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. A row without a target is for information; one without a value was skipped, as its note explains."""

    name: str
    value: float | None
    target: Target | None = None
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None without a value or a target."""
        if self.value is None or self.target is None:
            return None
        # Rounded like the JSON: a row must not read "1.05, at most 1.05, no".
        return self.target.holds(round(self.value, 3))

    @property
    def shown(self) -> str:
        """The value as text."""
        return "skipped" if self.value is None else f"{self.value:.3g}" if self.value < 1000 else f"{self.value:.0f}"  # noqa: PLR2004


def rich_table(rows: Iterable[Row]) -> Table:
    """Return a table for the terminal."""
    table = Table("measure", "value", "target", "met", "note")
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
