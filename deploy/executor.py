"""What a deployment is carried out on: an interface that a dry run, a check and a real run implement."""

from collections.abc import Callable
from typing import Protocol

from deploy.commands import Command
from deploy.google_cloud import GoogleCloud
from deploy.policy import Policy
from deploy.resource import Kind, Resource, State


class Executor(Protocol):
    """Carries out a deployment, compares it with the project, or prints it."""

    def begin(self, title: str, about: str) -> None:
        """Announce a part."""

    def own(self, kind: Kind) -> None:
        """Claim a kind: every resource of it that is ours and that nothing ensures is an orphan."""

    def ensure(self, resource: Resource) -> State:
        """Bring the resource to its desired state; return its state as far as it is known."""

    def ensure_policy(self, policy: Policy) -> None:
        """Give a resource exactly this policy."""

    def publish(self, what: str, command: Command, is_live: Callable[[GoogleCloud], bool]) -> None:
        """Run a command that publishes files, unless they are live."""

    def verify(self, what: str, command: Command) -> None:
        """Run a command that checks what was done, and stop if it fails."""
