"""Brings one resource at a time to the state that is wanted: look, compare, and create or update only what differs.

A kind's look is one gcloud command that lists all of its resources as JSON, so that nothing has to be read out of an
error message. A dry run prints, for each resource, every command that a real run may execute, word for word.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from deploy.environment import DeployError

Command = tuple[str, ...]
Found = dict[str, Any]

_QUIET = "--quiet"
_JSON = "--format=json"
# What was made a moment ago is not known everywhere at once, and how long that may take (seconds between the tries).
_API, _ACCOUNT, _METRIC = (5, 10, 20, 40, 60, 60), (5, 10, 20, 40, 60, 60), (5, 10, 20, 40, *[60] * 10)
_NOT_YET: Mapping[str, Sequence[int]] = {
    "SERVICE_DISABLED": _API,
    "has not been used in project": _API,
    "does not exist.": _ACCOUNT,
    "Cannot find metric": _METRIC,  # "it could take up to 10 minutes to become available"
}


def gcloud(*words: str) -> Command:
    """Return a gcloud command that asks nothing."""
    return ("gcloud", *words, _QUIET)


def listing(*words: str) -> Command:
    """Return a gcloud command that prints JSON."""
    return gcloud(*words, _JSON)


@dataclass(frozen=True)
class Resource:
    """One thing that shall exist.

    Attributes:
        name: what it is, for people.
        look: the command that prints all of its kind.
        find: picks it out of what `look` printed.
        create: the command that makes it.
        update: the command that mends it, given what is there; None: it cannot be mended.
        wanted: what it must contain; it may contain more.
        fixed: the same, for what cannot be changed once it is there.
        looked_at_again: whether what follows has to see what was made here; each look takes a second or two.
    """

    name: str
    look: Command
    find: Callable[[Any], Found | None]
    create: Command
    update: Callable[[Found], Command] | None = None
    wanted: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    looked_at_again: bool = False


class Cloud(Protocol):
    """Where a plan is carried out."""

    def ensure(self, resource: Resource) -> Found:
        """Make the resource as it shall be, and return it where it was there or is looked at again."""

    def run(self, what: str, command: Command, *, unless: Callable[[], bool] | None = None) -> None:
        """Run a command unless it is known that nothing differs; without `unless` it settles that by itself."""

    def say(self, text: str) -> None:
        """Tell the person where the plan is."""


class DryRun:
    """Prints the plan and runs nothing: it needs no credentials."""

    def __init__(self) -> None:
        self._printed: set[Command] = set()

    def ensure(self, resource: Resource) -> Found:
        """Print how to look, how to create and how to update."""
        print(f"\n# {resource.name}")
        if resource.look not in self._printed:
            self._printed.add(resource.look)
            print(written(resource.look))
        print(written(resource.create))
        stand_in = {"name": f"{resource.name.upper().replace(' ', '_')}"}
        update = resource.update and resource.update(stand_in)
        if update and update != resource.create:
            print(f"# or, where it is there and differs:\n{written(update)}")
        return stand_in

    def run(self, what: str, command: Command, *, unless: Callable[[], bool] | None = None) -> None:  # noqa: ARG002 - it asks the live site
        """Print the command."""
        print(f"\n# {what}\n{written(command)}")

    def say(self, text: str) -> None:
        """Print a comment."""
        print(f"\n# ---- {text}")


class Gcloud:
    """Carries the plan out with the gcloud on PATH."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._seen: dict[Command, Any] = {}
        self._sleep = sleep
        self.changes = 0

    def ensure(self, resource: Resource) -> Found:
        """Create the resource, or update it where it differs, or leave it.

        A look is not repeated for the next resource of its kind: that one is there, or not, as before.
        """
        found = self._find(resource)
        if found is None:
            command = resource.create
        elif not contains(found, resource.fixed):
            raise DeployError(
                f"{resource.name} is there with something that cannot be changed: wanted {json.dumps(resource.fixed)}. "
                "docs/deployment.md, 'What deploy.sh cannot change', says how to replace it."
            )
        elif contains(found, resource.wanted):
            print(f"  unchanged  {resource.name}")
            return found
        elif resource.update is None:
            raise DeployError(f"{resource.name} is not as wanted: {json.dumps(resource.wanted)}")
        else:
            command = resource.update(found)
        self._change("changing ", resource.name, command)
        self.changes += 1
        if not resource.looked_at_again:
            return {}
        del self._seen[resource.look]
        return self._find(resource) or {}

    def run(self, what: str, command: Command, *, unless: Callable[[], bool] | None = None) -> None:
        """Run the command, where something differs."""
        if unless is None:
            self._change("settling ", what, command)
        elif unless():
            print(f"  unchanged  {what}")
        else:
            self._change("changing ", what, command)
            self.changes += 1

    def _change(self, doing: str, what: str, command: Command) -> None:
        """Run one command, and again while it fails for what is known to pass.

        Raises:
            DeployError: it failed for another reason, or too often.
        """
        print(f"  {doing}  {what}\n             {written(command)}", flush=True)
        done = self._settled(command)
        sys.stderr.write(done.stdout + done.stderr)
        if done.returncode:
            raise DeployError(f"{what}: the command above failed")

    def _settled(self, command: Command) -> "subprocess.CompletedProcess[str]":
        """Run a command, and again while it fails for what is known to pass."""
        waits: Iterator[int] | None = None
        while True:
            done = subprocess.run(command, check=False, text=True, capture_output=True)
            sign = next((sign for sign in _NOT_YET if sign in done.stderr), None)
            if done.returncode == 0 or sign is None:
                return done
            waits = waits or iter(_NOT_YET[sign])
            wait_s = next(waits, None)
            if wait_s is None:
                return done
            print(f"  waiting    {wait_s} s: {sign}", flush=True)
            self._sleep(wait_s)

    def say(self, text: str) -> None:
        """Print a heading."""
        print(text, flush=True)

    def read(self, command: Command) -> Any:  # noqa: ANN401 - whatever JSON gcloud prints
        """Return what a listing command prints, asked once."""
        if command not in self._seen:
            done = self._settled(command)
            if done.returncode:
                raise DeployError(f"{done.stderr.strip()}\nThis command failed: {written(command)}")
            self._seen[command] = json.loads(done.stdout or "null") or []
        return self._seen[command]

    def _find(self, resource: Resource) -> Found | None:
        return resource.find(self.read(resource.look))


def contains(there: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON
    """Tell whether `there` has everything that is wanted; objects may have more, lists are compared item by item."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(contains(there.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(there, list) and len(there) == len(wanted)
        return same and all(contains(one, other) for one, other in zip(there, wanted, strict=True))
    # Google prints a default as nothing at all.
    return bool(there == wanted) or (there is None and wanted in ("", False, 0))


def named(name: str, key: str = "name") -> Callable[[Sequence[Found]], Found | None]:
    """Find by the last part of a resource name."""
    return lambda found: next((one for one in found if str(one.get(key, "")).rpartition("/")[2] == name), None)


def written(command: Command) -> str:
    """Return a command as one types it in a shell; quotes stand around a flag's value, not around the flag."""
    return " ".join(_quoted(word) for word in command)


def _quoted(word: str) -> str:
    flag, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    plain = bool(value) and all(char.isalnum() or char in "-_./:@%+,=" for char in value)
    return flag + equals + (value if plain or not (value or equals) else "'" + value.replace("'", "'\\''") + "'")
