"""Prints every command that a deployment may run."""

from collections.abc import Callable

from deploy.commands import Command, shell_text
from deploy.google_cloud import GoogleCloud
from deploy.policy import Policy
from deploy.resource import Kind, Resource, State


class DryRun:
    """Prints the commands and runs none: it needs no credentials."""

    def __init__(self) -> None:
        self._printed: set[Command] = set()

    def begin(self, title: str, about: str) -> None:
        """Print a heading."""
        print(f"\n# ---- {title}: {about}")

    def own(self, kind: Kind) -> None:
        """Print how the kind is listed, and how an orphan of it is deleted."""
        self._look(kind.look)
        if kind.delete:
            placeholder = _placeholder(kind.name)
            print(f"# With --prune, for each {kind.name} of ours that no table names:")
            print(shell_text(kind.delete(placeholder)))

    def ensure(self, resource: Resource) -> State:
        """Print how to create and update the resource."""
        print(f"\n# {resource.title}")
        self._look(resource.kind.look)
        if resource.create:
            print(shell_text(resource.create))
        placeholder = _placeholder(resource.title)
        for command in resource.update(placeholder) if resource.update else ():
            if command != resource.create:
                print(f"# or, if it exists and differs:\n{shell_text(command)}")
        return placeholder

    def ensure_policy(self, policy: Policy) -> None:
        """Print how bindings are added, and how others are removed."""
        print(f"\n# {policy.title}")
        self._look(policy.look)
        for binding in policy.desired():
            print(shell_text(policy.add(binding)))
        print(f"# and for every other binding of ours:\n{shell_text(policy.remove(('ROLE', 'MEMBER')))}")

    def publish(self, what: str, command: Command, is_live: Callable[[GoogleCloud], bool]) -> None:  # noqa: ARG002 - `is_live` asks the project
        """Print the command."""
        print(f"\n# {what}, unless it is live\n{shell_text(command)}")

    def verify(self, what: str, command: Command) -> None:
        """Print the command."""
        print(f"\n# {what}\n{shell_text(command)}")

    def _look(self, command: Command) -> None:
        if command not in self._printed:
            self._printed.add(command)
            print(shell_text(command))


def _placeholder(title: str) -> State:
    """Return a state whose ids are the title in capitals: nothing is known of the project."""
    name = title.upper().replace(" ", "_").replace("'", "")
    path = f"projects/PROJECT/collectionGroups/GROUP/{name}"
    return {"name": path, "email": f"{name}@PROJECT.iam.gserviceaccount.com", "metadata": {"name": name}}
