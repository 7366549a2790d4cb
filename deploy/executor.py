"""What a deployment is carried out on: an interface, and the dry run, which prints the commands."""

from collections.abc import Callable
from typing import Protocol

from deploy.commands import Command, shell_text
from deploy.resource import Resource, State


class Executor(Protocol):
    """Carries out a deployment, or prints it."""

    def ensure(self, resource: Resource) -> State:
        """Bring the resource to its desired state; return its state if it existed or is listed again."""

    def run(self, what: str, command: Command, *, unless: Callable[[], bool] | None = None) -> None:
        """Run a command unless nothing differs; without `unless` the command finds that out for itself."""

    def say(self, text: str) -> None:
        """Print a heading."""


class DryRun:
    """Prints the commands and runs none: it needs no credentials."""

    def __init__(self) -> None:
        self._printed: set[Command] = set()

    def ensure(self, resource: Resource) -> State:
        """Print how to list, create and update the resource."""
        print(f"\n# {resource.name}")
        if resource.look not in self._printed:
            self._printed.add(resource.look)
            print(shell_text(resource.look))
        print(shell_text(resource.create))
        placeholder = {"name": resource.name.upper().replace(" ", "_")}
        update = resource.update and resource.update(placeholder)
        if update and update != resource.create:
            print(f"# or, if it exists and differs:\n{shell_text(update)}")
        return placeholder

    def run(self, what: str, command: Command, *, unless: Callable[[], bool] | None = None) -> None:  # noqa: ARG002 - `unless` asks the live site
        """Print the command."""
        print(f"\n# {what}\n{shell_text(command)}")

    def say(self, text: str) -> None:
        """Print a comment."""
        print(f"\n# ---- {text}")
