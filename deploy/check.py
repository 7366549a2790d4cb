"""Compares a project with this checkout, and changes nothing."""

from collections.abc import Callable
from typing import Any

from deploy.commands import Command, shell_text
from deploy.google_cloud import DisabledError, GoogleCloud, NotFoundError
from deploy.policy import Policy, described_binding
from deploy.report import Foreign, Report
from deploy.resource import Difference, Kind, Resource, State, differences


class Check:
    """Fills a report with the differences, by commands that only read."""

    def __init__(self, cloud: GoogleCloud) -> None:
        self.report = Report()
        self._cloud = cloud
        self._owned: list[Kind] = []
        self._ensured: set[tuple[str, str]] = set()

    def begin(self, title: str, about: str) -> None:
        """Say nothing: the report has it all."""

    def own(self, kind: Kind) -> None:
        """Remember the kind, whose orphans `finish` finds."""
        self._owned.append(kind)

    def ensure(self, resource: Resource) -> State:
        """Report what is missing or different."""
        self._ensured.add((resource.kind.name, resource.name))
        state = resource.kind.find(self._read(resource.kind.look), resource.name)
        if state is None:
            self.report.missing.append(resource.title)
            if resource.create is None:
                self.report.obstacles.append(f"{resource.title} is missing. {resource.hint}")
            return {"name": f"(new {resource.title})"}
        view = resource.view(state)
        fixed = list(differences(view, resource.immutable))
        found = list(differences(view, resource.desired))
        if fixed:
            self.report.obstacles.append(
                f"{resource.title} cannot be changed: {'; '.join(map(str, fixed))}. "
                "docs/deployment.md, 'What deploy.sh cannot change', says how to replace it."
            )
        if found:
            self.report.different[resource.title] = found
            if resource.update is None:
                self.report.obstacles.append(f"{resource.title}: {'; '.join(map(str, found))}. {resource.hint}")
        return state

    def ensure_policy(self, policy: Policy) -> None:
        """Report bindings that are missing, and those that no table names."""
        state = self._read(policy.look)
        for binding in policy.missing(state):
            if binding not in policy.excess(state):
                self.report.missing.append(described_binding(policy, binding))
        for binding in policy.excess(state):
            self.report.rights.append(Foreign("right", described_binding(policy, binding)))

    def publish(self, what: str, command: Command, is_live: Callable[[GoogleCloud], bool]) -> None:
        """Report files that are not live."""
        if not is_live(self._cloud):
            self.report.different[what] = [Difference("live", "other files", shell_text(command))]

    def verify(self, what: str, command: Command) -> None:
        """Do nothing: nothing was done that could be verified."""

    def finish(self) -> Report:
        """Return the report, with the orphans of every kind that was claimed."""
        for kind in self._owned:
            for state in kind.states(self._read(kind.look)):
                name = kind.key(state)
                if name is not None and kind.is_ours(state) and (kind.name, name) not in self._ensured:
                    self.report.orphans.append(Foreign(kind.name, name))
        return self.report

    def _read(self, command: Command) -> Any:  # noqa: ANN401 - JSON
        """Read, and take it for empty where the API or the resource is still to be created."""
        try:
            return self._cloud.read(command)
        except (DisabledError, NotFoundError):
            return []
