"""Reserve and capture, against a plain spend."""

import statistics
from collections.abc import Iterator
from http import HTTPStatus
from itertools import count

from bench import wire
from bench.lab import Lab
from bench.measure import alternately
from bench.results import Row, at_most

_CALLS = 300
_NAME = "reserve + capture ÷ spend: p50"


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the row, or why there is none."""
    project, keys = lab.project(), count()
    lab.fund(project, {"ada": 3 * (_CALLS + 1)})
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

        both, alone = alternately(_CALLS, reserve_and_capture, spend)
    both_ms, alone_ms = statistics.median(both), statistics.median(alone)
    yield Row(_NAME, both_ms / alone_ms, at_most(2.1), f"{both_ms:.1f} and {alone_ms:.1f} ms")
