"""The desired state of resources, and its comparison with what Google Cloud lists."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.commands import Command

State = dict[str, Any]
"""A resource as gcloud prints it."""

OWNER = "token-economy"
LABELS = {"managed-by": OWNER}
"""On every resource of a kind that has labels."""
MARK = f"Managed by {OWNER}."
"""In the description of every resource of a kind that has no labels."""


class Exact(dict[str, Any]):
    """A desired object that may have no other fields than these."""


@dataclass(frozen=True)
class Kind:
    """All resources of one sort in the project.

    Attributes:
        name: what people call it, such as "topic".
        look: the command that lists them all, or prints the only one.
        key: returns the name of a listed one; None if it cannot be one of ours.
        is_ours: whether this deployment created it, now or in an earlier version.
        delete: returns the command that deletes it; None if it must never be deleted. Orphans are deleted only of kinds
            that a part claims; the others only when a whole environment is destroyed.
        items: the field of the printed object that has the list, as in answers of REST APIs; empty if it is the list.
    """

    name: str
    look: Command
    key: Callable[[State], str | None]
    is_ours: Callable[[State], bool] = lambda _: False
    delete: Callable[[State], Command] | None = None
    items: str = ""

    def states(self, listed: Sequence[State] | State) -> Sequence[State]:
        """Return the resources among what `look` printed."""
        if not isinstance(listed, Mapping):
            return listed
        return listed.get(self.items, []) if self.items else [listed]

    def find(self, listed: Sequence[State] | State, name: str) -> State | None:
        """Return the resource of this name."""
        return next((state for state in self.states(listed) if self.key(state) == name), None)


@dataclass(frozen=True)
class Resource:
    """One resource that has to exist.

    Attributes:
        kind: what it is.
        name: its name among its kind.
        create: the command that creates it; None if something else has to.
        update: returns the commands that update it, given its state; None if it cannot be updated.
        desired: the fields it must have. None, False, 0 and the empty text, list and object also match a missing field.
        view: turns its state into what `desired` is compared with, where Google's form is not fit for that.
        immutable: desired fields that cannot change once the resource exists.
        reread: whether to list it again after a change, because what follows needs its new state, or because `create`
            cannot set all that is desired.
        hint: what to do if it is missing and cannot be created, or differs and cannot be updated.
    """

    kind: Kind
    name: str
    create: Command | None
    update: Callable[[State], Sequence[Command]] | None = None
    desired: Mapping[str, Any] = field(default_factory=dict)
    view: Callable[[State], Mapping[str, Any]] = lambda state: state
    immutable: Mapping[str, Any] = field(default_factory=dict)
    reread: bool = False
    hint: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.kind.name} {self.name}"


@dataclass(frozen=True)
class Difference:
    """One field that is not as desired."""

    field: str
    actual: Any
    desired: Any

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.field}: {_brief(self.actual)} instead of {_brief(self.desired)}"


def differences(actual: Any, desired: Any, path: str = "") -> Iterator[Difference]:  # noqa: ANN401 - JSON
    """Return what has to change in `actual`; objects may have more fields unless they are Exact, lists may not.

    A set is compared without order.
    """
    if isinstance(desired, Mapping) and (isinstance(actual, Mapping) or (desired and actual is None)):
        existing = actual or {}
        extra = [key for key in existing if key not in desired] if isinstance(desired, Exact) else []
        for key in [*desired, *extra]:
            yield from differences(existing.get(key), desired.get(key), f"{path}.{key}" if path else key)
    elif isinstance(desired, list) and isinstance(actual, list) and len(actual) == len(desired):
        for number, (one, other) in enumerate(zip(actual, desired, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif isinstance(desired, frozenset):
        if frozenset(actual or ()) != desired:
            yield Difference(path, sorted(actual or ()), sorted(desired))
    # gcloud omits fields at their default.
    elif actual != desired and (actual or desired):
        yield Difference(path, actual, desired)


def last_part(state: State, key: str = "name") -> str:
    """Return the last part of a resource name: its id."""
    return str(state.get(key, "")).rpartition("/")[2]


def at_path(state: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value at a path of keys, such as metadata.name; None if there is none."""
    for key in path.split("."):
        state = state.get(key) if isinstance(state, Mapping) else None
    return state


def labeled(path: str = "labels") -> Callable[[State], bool]:
    """Return whether a resource carries our label, at a path of keys."""
    return lambda state: (at_path(state, path) or {}).get("managed-by") == OWNER


def described(path: str = "description") -> Callable[[State], bool]:
    """Return whether our mark is in the description of a resource, at a path of keys."""
    return lambda state: MARK in str(at_path(state, path) or "")


def always(*commands: Command) -> Callable[[State], Sequence[Command]]:
    """Return an update that does not depend on the state."""
    return lambda _: commands


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    limit = 120
    return text if len(text) <= limit else f"{text[:limit]}…"
