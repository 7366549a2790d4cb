"""The desired state of one resource, and its comparison with what Google Cloud lists."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.commands import Command

State = dict[str, Any]
"""A resource as gcloud prints it."""


@dataclass(frozen=True)
class Resource:
    """One resource that has to exist.

    Attributes:
        name: what people call it.
        look: the command that lists all resources of its kind.
        find: picks the resource out of what `look` printed.
        create: the command that creates it.
        update: returns the command that updates it, given its state; None if it cannot be updated.
        desired: the fields it must have; it may have more.
        immutable: desired fields that cannot change once the resource exists.
        reread: whether to list it again after a change, because what follows needs its new state. Each listing takes
            a second or two.
    """

    name: str
    look: Command
    find: Callable[[Any], State | None]
    create: Command
    update: Callable[[State], Command] | None = None
    desired: Mapping[str, Any] = field(default_factory=dict)
    immutable: Mapping[str, Any] = field(default_factory=dict)
    reread: bool = False


def contains(actual: Any, desired: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether `actual` has everything that is desired; objects may have more, lists are compared item by item."""
    if isinstance(desired, Mapping):
        return isinstance(actual, Mapping) and all(contains(actual.get(key), value) for key, value in desired.items())
    if isinstance(desired, list):
        same_length = isinstance(actual, list) and len(actual) == len(desired)
        return same_length and all(contains(one, other) for one, other in zip(actual, desired, strict=True))
    # gcloud omits fields at their default.
    return bool(actual == desired) or (actual is None and desired in ("", False, 0))


def by_name(name: str) -> Callable[[Sequence[State]], State | None]:
    """Find by the last part of a resource name."""
    return lambda listed: next((one for one in listed if str(one.get("name", "")).rpartition("/")[2] == name), None)


def by_value(path: str, value: str) -> Callable[[Sequence[State]], State | None]:
    """Find by the value at a path of keys, such as metadata.name."""

    def at_path(state: Any) -> Any:  # noqa: ANN401 - JSON
        for key in path.split("."):
            state = state.get(key) if isinstance(state, dict) else None
        return state

    return lambda listed: next((one for one in listed if at_path(one) == value), None)


def always(command: Command) -> Callable[[State], Command]:
    """Return an update that does not depend on the state."""
    return lambda _: command


def last_part(state: State) -> str:
    """Return the last part of a resource name: its id."""
    return str(state["name"]).rpartition("/")[2]
