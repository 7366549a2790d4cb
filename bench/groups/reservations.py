"""Reserve and capture, against a plain spend."""

import statistics
from collections.abc import Iterator
from http import HTTPStatus
from itertools import count

from bench import wire
from bench.lab import Lab
from bench.measure import by_turns, median_ratio, milliseconds
from bench.results import Row, at_most

_ROUNDS = 5
_CALLS = 60
_NAME = "reserve + capture ÷ spend: p50"


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the row, or why there is none."""
    project, keys = lab.project(), count()
    lab.fund(project, {"ada": 4 * (_ROUNDS + 1) * _CALLS})
    with lab.function("spend_tokens", project) as service:
        caller = service.caller()
        probe = caller.send(wire.reserve("ada", "probe"))
        if probe.status != HTTPStatus.OK or "reservation" not in probe.fields:
            yield Row(_NAME, None, at_most(2.1), "spend_tokens takes no reservations yet")
            return

        def reserve_and_capture() -> None:
            key = f"{next(keys)}"
            caller.ask(wire.reserve("ada", key))
            caller.ask(wire.capture("ada", key))

        def spend() -> None:
            caller.ask(wire.spend("ada", f"{next(keys)}"))

        both, alone = by_turns(
            _ROUNDS,
            lambda _: statistics.median(milliseconds(reserve_and_capture) for _ in range(_CALLS)),
            lambda _: statistics.median(milliseconds(spend) for _ in range(_CALLS)),
        )
    note = f"{statistics.median(both):.1f} and {statistics.median(alone):.1f} ms"
    yield Row(_NAME, median_ratio(both, alone), at_most(2.1), note)
