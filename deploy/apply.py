"""Carries out a deployment: list, compare, and create, update or remove only what differs."""

from collections.abc import Callable, Sequence
from typing import Any

from deploy.commands import Command
from deploy.environment import DeployError
from deploy.google_cloud import ExistsError, GoogleCloud, NotFoundError
from deploy.policy import Policy, described_binding
from deploy.resource import Kind, Resource, State, differences


class Apply:
    """Changes the project; `changes` counts what it changed."""

    def __init__(self, cloud: GoogleCloud) -> None:
        self.changes = 0
        self._cloud = cloud
        self._owned: list[Kind] = []
        self._ensured: set[tuple[str, str]] = set()

    def begin(self, title: str, about: str) -> None:
        """Print a heading."""
        print(f"{title}: {about}", flush=True)

    def own(self, kind: Kind) -> None:
        """Remember the kind, whose orphans `prune` deletes."""
        self._owned.append(kind)

    def ensure(self, resource: Resource) -> State:
        """Create the resource, update it if it differs, or leave it.

        Its kind is not listed again for the next resource of the kind: creating one does not change the others.

        Raises:
            DeployError: the resource differs in something that cannot be changed, or a command failed.
        """
        self._ensured.add((resource.kind.name, resource.name))
        state = resource.kind.find(self._read(resource.kind.look), resource.name)
        if state is None:
            state = self._create(resource)
        if state is None:
            return {}
        commands = self._updates(resource, state)
        for command in commands:
            self._change(resource.title, command)
        return self._reread(resource) if commands and resource.reread else state

    def _create(self, resource: Resource) -> State | None:
        """Create the resource; return its state if it is needed, or if it existed and the list was out of date."""
        if resource.create is None:
            raise DeployError(f"{resource.title} is missing. {resource.hint}")
        try:
            self._change(resource.title, resource.create)
        except ExistsError:
            return self._reread(resource)
        return self._reread(resource) if resource.reread else None

    def _updates(self, resource: Resource, state: State) -> Sequence[Command]:
        """Return the commands that bring an existing resource to its desired state."""
        view = resource.view(state)
        if fixed := list(differences(view, resource.immutable)):
            raise DeployError(f"{resource.title} cannot be changed: {'; '.join(map(str, fixed))}")
        found = list(differences(view, resource.desired))
        if found and resource.update is None:
            raise DeployError(f"{resource.title}: {'; '.join(map(str, found))}. {resource.hint}")
        for difference in found:
            print(f"             {resource.title}: {difference}")
        return resource.update(state) if found and resource.update else ()

    def _reread(self, resource: Resource) -> State:
        """Return the resource as it is listed now; a list may lag behind a change by seconds.

        Raises:
            DeployError: it is still not listed after a minute.
        """
        for wait_s in (0, 2, 5, 10, 20, 30):
            if wait_s:
                self._cloud.sleep(wait_s)
            self._cloud.forget(resource.kind.look)
            state = resource.kind.find(self._read(resource.kind.look), resource.name)
            if state is not None:
                return state
        raise DeployError(f"{resource.title} was created, but it is not listed. Run this again in a few minutes.")

    def ensure_policy(self, policy: Policy) -> None:
        """Remove the bindings that no table names, then add the missing ones."""
        state = self._read(policy.look)
        for binding in policy.excess(state):
            self._change(described_binding(policy, binding), policy.remove(binding), announce="removing ")
        for binding in policy.missing(state):
            self._change(described_binding(policy, binding), policy.add(binding))

    def publish(self, what: str, command: Command, is_live: Callable[[GoogleCloud], bool]) -> None:
        """Publish the files, unless they are live."""
        if not is_live(self._cloud):
            self._change(what, command)

    def verify(self, what: str, command: Command) -> None:
        """Run the check.

        Raises:
            DeployError: it failed.
        """
        self._cloud.change(what, command, announce="checking ")

    def prune(self) -> None:
        """Delete the orphans of every claimed kind, last kind first: what is created last depends on the rest."""
        for kind in reversed(self._owned):
            for state in self._orphans(kind):
                if kind.delete:
                    self._change(f"{kind.name} {kind.key(state)}", kind.delete(state), announce="deleting ")

    def _orphans(self, kind: Kind) -> list[State]:
        return [
            state
            for state in kind.states(self._read(kind.look))
            if kind.is_ours(state) and (name := kind.key(state)) and (kind.name, name) not in self._ensured
        ]

    def _read(self, command: Command) -> Any:  # noqa: ANN401 - JSON
        """Read, and wait for an API that was enabled a moment ago; empty if the resource does not exist."""
        try:
            return self._cloud.read(command, patient=True)
        except NotFoundError:
            return []

    def _change(self, what: str, command: Command, *, announce: str = "changing ") -> None:
        self._cloud.change(what, command, announce=announce)
        self.changes += 1
