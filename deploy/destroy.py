"""Takes a deployment down: lists what is ours, then deletes it, last first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from deploy.commands import Command
from deploy.google_cloud import DisabledError, GoogleCloud, NotFoundError
from deploy.policy import Policy, described_binding
from deploy.resource import Kind, Resource, State


@dataclass(frozen=True)
class Removal:
    """One thing to be removed."""

    what: str
    command: Command


class Destroy:
    """Collects what a deployment created, by commands that only read; `carry_out` deletes it."""

    def __init__(self, cloud: GoogleCloud) -> None:
        self._cloud = cloud
        self._removals: dict[Command, Removal] = {}

    @property
    def removals(self) -> list[Removal]:
        """What to remove, in order: what was created last depends on the rest."""
        return list(reversed(self._removals.values()))

    def carry_out(self) -> int:
        """Remove everything; return how much it was.

        Raises:
            DeployError: a command failed; the next run removes the rest.
        """
        for removal in self.removals:
            self._cloud.change(removal.what, removal.command, announce="deleting ")
        return len(self._removals)

    def begin(self, title: str, about: str) -> None:
        """Say nothing: the list has it all."""

    def own(self, kind: Kind) -> None:
        """Collect all of this kind that are ours."""
        for state in kind.states(self._read(kind.look)):
            if kind.is_ours(state):
                self._collect(kind, state)

    def ensure(self, resource: Resource) -> State:
        """Collect the resource, if it exists."""
        state = resource.kind.find(self._read(resource.kind.look), resource.name)
        if state is not None and not state.get("deleted"):  # a deleted role is shown for a week
            self._collect(resource.kind, state)
        return state or {"name": f"(no {resource.title})"}

    def ensure_policy(self, policy: Policy) -> None:
        """Collect our accounts' rights in the project; those on a resource go with it."""
        if policy.resource[0] == "projects":
            for binding in replace(policy, grants={}).excess(self._read(policy.look)):
                self._add(described_binding(policy, binding), policy.remove(binding))

    def publish(self, what: str, command: Command, is_live: Callable[[GoogleCloud], bool]) -> None:
        """Leave it."""

    def verify(self, what: str, command: Command) -> None:
        """Do nothing."""

    def lines(self) -> Iterator[str]:
        """Return the list as people read it."""
        yield from (f"  {removal.what}" for removal in self.removals)

    def _collect(self, kind: Kind, state: State) -> None:
        if kind.delete and (name := kind.key(state)):
            self._add(f"{kind.name} {name}", kind.delete(state))

    def _add(self, what: str, command: Command) -> None:
        self._removals.setdefault(command, Removal(what, command))

    def _read(self, command: Command) -> Any:  # noqa: ANN401 - JSON
        try:
            return self._cloud.read(command)
        except (DisabledError, NotFoundError):
            return []
