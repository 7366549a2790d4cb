"""Reads functions/functions.toml, the table of all functions."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Subscription:
    """The Pub/Sub push subscription that calls a function; `filter` reads message attributes."""

    name: str
    filter: str


@dataclass(frozen=True)
class Function:
    """One table of the file: a function, where it is reached and how it is deployed."""

    name: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    path: str | None = None
    subscription: Subscription | None = None
    schedule: str | None = None
    roles: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    memory: str = "512Mi"
    cpu: int = 1
    concurrency: int = 40
    timeout_s: int = 30
    max_instances: int = 20
    warm: bool = False

    @property
    def service(self) -> str:
        """The name of the Cloud Run service, in which underscores are not allowed."""
        return self.name.replace("_", "-")

    @property
    def is_private(self) -> bool:
        """Whether neither browsers nor Google's services call it: the environment names who does."""
        return not (self.path or self.subscription or self.schedule)

    def reads(self, setting: str) -> bool:
        """Whether the function reads this setting; the table may name several settings with `*`."""
        return any(fnmatchcase(setting, pattern) for pattern in (*self.needs, *self.uses))

    @property
    def ingress(self) -> str:
        """From where Cloud Run accepts requests: Pub/Sub and Cloud Scheduler of the same project are internal.

        Source: https://cloud.google.com/run/docs/securing/ingress
        """
        return "internal" if self.subscription or self.schedule else "all"

    @property
    def sells(self) -> bool:
        """Whether it offers packages at their current terms, by the ids of Stripe's prices."""
        return any(name.startswith("STRIPE_TOKEN_") for name in (*self.needs, *self.uses))


def load_functions(table: Path = ROOT / "functions" / "functions.toml") -> list[Function]:
    """Return every function, in the file's order."""
    functions = []
    for name, row in tomllib.loads(table.read_text()).items():
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        if "subscription" in values:
            values["subscription"] = Subscription(**values["subscription"])
        functions.append(Function(name=name, **values))
    return functions
