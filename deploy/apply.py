"""Carries out a deployment with gcloud: list, compare, and create or update only what differs.

A kind is listed by one gcloud command that prints all its resources as JSON, so nothing is read out of error messages.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deploy.commands import Command, shell_text
from deploy.environment import DeployError
from deploy.resource import Resource, State, contains

# A resource created a moment ago is not visible everywhere at once. Seconds to wait between attempts, by error message.
_API = (5, 10, 20, 40, 60, 60)
_ACCOUNT = (5, 10, 20, 40, 60, 60)
_METRIC = (5, 10, 20, 40, *[60] * 10)
_TRANSIENT: Mapping[str, Sequence[int]] = {
    "SERVICE_DISABLED": _API,
    "has not been used in project": _API,
    "does not exist.": _ACCOUNT,
    "Cannot find metric": _METRIC,  # "it could take up to 10 minutes to become available"
}


class Apply:
    """Carries out a deployment with the gcloud on PATH; `changes` counts what it changed."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._listed: dict[Command, Any] = {}
        self._sleep = sleep
        self.changes = 0

    def ensure(self, resource: Resource) -> State:
        """Create the resource, update it if it differs, or leave it.

        Its kind is not listed again for the next resource of the kind: creating one does not change the others.

        Raises:
            DeployError: the resource differs in something that cannot be changed, or a command failed.
        """
        existing = self._find(resource)
        if existing is None:
            command = resource.create
        elif not contains(existing, resource.immutable):
            raise DeployError(
                f"{resource.name} exists and differs in fields that cannot be changed: it must have "
                f"{json.dumps(resource.immutable)}. "
                "docs/deployment.md, 'What deploy.sh cannot change', says how to replace it."
            )
        elif contains(existing, resource.desired):
            print(f"  unchanged  {resource.name}")
            return existing
        elif resource.update is None:
            raise DeployError(f"{resource.name} differs and cannot be updated: it must have {resource.desired}")
        else:
            command = resource.update(existing)
        self._change("changing ", resource.name, command)
        self.changes += 1
        if not resource.reread:
            return {}
        del self._listed[resource.look]
        return self._find(resource) or {}

    def run(self, what: str, command: Command, *, unless: Callable[[], bool] | None = None) -> None:
        """Run the command, if something differs."""
        if unless is None:
            self._change("checking ", what, command)
        elif unless():
            print(f"  unchanged  {what}")
        else:
            self._change("changing ", what, command)
            self.changes += 1

    def say(self, text: str) -> None:
        """Print a heading."""
        print(text, flush=True)

    def read(self, command: Command) -> Any:  # noqa: ANN401 - whatever JSON gcloud prints
        """Return what a listing command prints; each runs once.

        Raises:
            DeployError: the command failed.
        """
        if command not in self._listed:
            done = self._run_patiently(command)
            if done.returncode:
                raise DeployError(f"{done.stderr.strip()}\nThis command failed: {shell_text(command)}")
            self._listed[command] = json.loads(done.stdout or "null") or []
        return self._listed[command]

    def _change(self, action: str, what: str, command: Command) -> None:
        print(f"  {action}  {what}\n             {shell_text(command)}", flush=True)
        done = self._run_patiently(command)
        sys.stderr.write(done.stdout + done.stderr)
        if done.returncode:
            raise DeployError(f"{what}: the command above failed")

    def _run_patiently(self, command: Command) -> "subprocess.CompletedProcess[str]":
        """Run a command, and run it again while it fails with an error that is known to pass."""
        waits: Iterator[int] | None = None
        while True:
            done = subprocess.run(command, check=False, text=True, capture_output=True)
            transient = next((message for message in _TRANSIENT if message in done.stderr), None)
            if done.returncode == 0 or transient is None:
                return done
            waits = waits or iter(_TRANSIENT[transient])
            wait_s = next(waits, None)
            if wait_s is None:
                return done
            print(f"  waiting    {wait_s} s: {transient}", flush=True)
            self._sleep(wait_s)

    def _find(self, resource: Resource) -> State | None:
        return resource.find(self.read(resource.look))
