"""How controls are declared and served: JSON in, JSON out, errors in Stripe's shape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request

from stripe_simulator.api import account_of_request
from stripe_simulator.engine.errors import ApiError, invalid, missing
from stripe_simulator.engine.simulator import Account, Simulator
from stripe_simulator.resources.checkout import expire_overdue

Act = Callable[..., Mapping[str, Any]]


class Body:
    """A control's JSON body; its methods check what they read."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a required string, unless there is a default."""
        value = self._values.get(name, default)
        if value is None:
            raise missing(name)
        return str(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the choices."""
        chosen = self.text(name, default)
        if chosen not in choices:
            raise invalid(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return chosen

    def integer(self, name: str, default: int | None = None, *, least: int | None = None) -> int | None:
        """Return an integer, or the default."""
        number = self._values.get(name, default)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise invalid(f"Invalid integer: {number}", code="parameter_invalid_integer", param=name)
        if number is not None and least is not None and number < least:
            raise invalid(f"Invalid {name}: must be at least {least}", param=name)
        return number

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number that is not negative."""
        value = self._values.get(name, default)
        if value is None:
            raise missing(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise invalid(f"Invalid {name}: must be a number of at least 0", param=name)
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise invalid(f"Invalid boolean: {value}", param=name)
        return value

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of strings."""
        values = self._values.get(name, list(default))
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise invalid("Invalid array", param=name)
        return tuple(values)


@dataclass(frozen=True, slots=True)
class Control:
    """One path below /_sim."""

    method: str
    path: str
    fields: tuple[str, ...]
    act: Act
    locked: bool


class Controls(list[Control]):
    """The controls of one topic."""

    def declare(self, method: str, path: str, *fields: str, locked: bool = True) -> Callable[[Act], Act]:
        """Declare a control.

        Args:
            method: its HTTP method.
            path: below /_sim.
            fields: what its body may contain; anything else is refused.
            locked: whether it runs as one step; one that waits for deliveries must not.
        """

        def register(act: Act) -> Act:
            self.append(Control(method, f"/_sim{path}", fields, act, locked))
            return act

        return register

    def install(self, app: Flask, simulator: Simulator) -> None:
        """Serve these controls."""
        for control in self:
            app.add_url_rule(
                control.path,
                endpoint=f"{control.method} {control.path}",
                view_func=_view(simulator, control),
                methods=[control.method],
            )


def _view(simulator: Simulator, control: Control) -> Callable[..., Response]:
    def view(**path_ids: str) -> Response:
        try:
            account: Account = account_of_request(simulator)
            body = _body(control.fields)
            if not control.locked:
                return jsonify(control.act(account, body, **path_ids))
            with simulator.lock:
                expire_overdue(simulator)
                return jsonify(control.act(account, body, **path_ids))
        except ApiError as error:
            refusal = jsonify({"error": error.error})
            refusal.status_code = error.status
            return refusal

    return view


def _body(fields: tuple[str, ...]) -> Body:
    values = request.get_json(force=True, silent=True) if request.data else {}
    if not isinstance(values, dict):
        raise invalid("The body must be a JSON object.")
    for name in values:
        if name not in fields:
            raise invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    return Body(values)
