"""Who may do what on one resource: an IAM policy, compared member by member."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.commands import Command, gcloud, listing

Binding = tuple[str, str]
"""A role and a member."""

PUBLIC = ("allUsers", "allAuthenticatedUsers")


@dataclass(frozen=True)
class Policy:
    """The complete policy of a resource, or of a project the part that concerns our accounts.

    Attributes:
        resource: the resource as gcloud names it: ("pubsub", "topics", "stripe-events").
        grants: the members of each role.
        flags: what gcloud needs to find the resource.
        owns: whether a binding is ours to remove if `grants` lacks it.
    """

    resource: tuple[str, ...]
    grants: Mapping[str, frozenset[str]]
    flags: tuple[str, ...] = ()
    owns: Callable[[str, str], bool] = lambda _role, _member: True

    @property
    def title(self) -> str:
        """What people call it."""
        return f"access to {self.resource[-1]}"

    @property
    def look(self) -> Command:
        """The command that prints the policy."""
        *kind, name = self.resource
        return listing(*kind, "get-iam-policy", name, *self.flags)

    def desired(self) -> list[Binding]:
        """Return the bindings that must exist, in order."""
        return [(role, member) for role, members in self.grants.items() for member in sorted(members)]

    def missing(self, state: Any) -> list[Binding]:  # noqa: ANN401 - JSON
        """Return the bindings that have to be added.

        Removing a conditional binding removes the unconditional one of the same role and member: that is added again.
        """
        lost = set(self.excess(state))
        existing = _bindings(state, conditional=False) - lost
        return [binding for binding in self.desired() if binding not in existing]

    def excess(self, state: Any) -> list[Binding]:  # noqa: ANN401 - JSON
        """Return the bindings that have to be removed. We set no conditions, so every conditional one of ours is."""
        desired = set(self.desired())
        unwanted = (_bindings(state, conditional=False) - desired) | _bindings(state, conditional=True)
        return sorted(binding for binding in unwanted if self.owns(*binding))

    def add(self, binding: Binding) -> Command:
        """Return the command that adds a binding."""
        *kind, name = self.resource
        role, member = binding
        condition = ("--condition=None",) if kind == ["projects"] else ()
        return gcloud(
            *kind,
            "add-iam-policy-binding",
            name,
            f"--member={member}",
            f"--role={role}",
            *condition,
            *self.flags,
        )

    def remove(self, binding: Binding) -> Command:
        """Return the command that removes a binding, whatever its condition."""
        *kind, name = self.resource
        role, member = binding
        track = ("alpha",) if kind[0] == "pubsub" else ()  # there, the released command knows no conditions
        return gcloud(
            *track,
            *kind,
            "remove-iam-policy-binding",
            name,
            f"--member={member}",
            f"--role={role}",
            "--all",
            *self.flags,
        )


def described_binding(policy: Policy, binding: Binding) -> str:
    """Return a binding as people read it."""
    role, member = binding
    return f"{role} on {policy.resource[-1]} for {member}"


def _bindings(state: Any, *, conditional: bool) -> set[Binding]:  # noqa: ANN401 - JSON
    """Return a policy's bindings; gcloud prints a policy without bindings as an empty list."""
    bindings = state.get("bindings", []) if isinstance(state, dict) else []
    return {
        (binding["role"], member)
        for binding in bindings
        for member in binding["members"]
        if bool(binding.get("condition")) is conditional
    }
