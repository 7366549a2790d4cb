"""Reads functions/functions.toml, the table of all functions."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Subscription:
    """The Pub/Sub push subscription that calls a function; `filter` reads message attributes."""

    name: str
    filter: str


@dataclass(frozen=True)
class Function:
    """One table of the file: a function, its public path and the settings it reads."""

    name: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    path: str | None = None
    subscription: Subscription | None = None

    @property
    def service(self) -> str:
        """The name of the Cloud Run service, in which underscores are not allowed."""
        return self.name.replace("_", "-")

    def reads(self, setting: str) -> bool:
        """Whether the function reads this setting; the table may name several settings with `*`."""
        return any(fnmatchcase(setting, pattern) for pattern in (*self.needs, *self.uses))


def load_functions(table: Path = ROOT / "functions" / "functions.toml") -> list[Function]:
    """Return every function, in the file's order."""
    rows = tomllib.loads(table.read_text())
    return [
        Function(
            name=name,
            needs=tuple(row["needs"]),
            uses=tuple(row["uses"]),
            path=row.get("path"),
            subscription=Subscription(**row["subscription"]) if "subscription" in row else None,
        )
        for name, row in rows.items()
    ]
