"""A reservation and its capture, compared with a plain spend."""

import statistics
from collections.abc import Iterator
from http import HTTPStatus
from itertools import count

from bench import wire
from bench.lab import Lab
from bench.measure import interleaved_calls
from bench.results import Row, at_most

_CALLS = 300
_NAME = "reserve + capture ÷ spend: p50"
_TARGET = at_most(2.1)


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the row, skipped if the function has no reservations."""
    project, keys = lab.project(), count()
    lab.fund(project, {"ada": 3 * (_CALLS + 1)})
    with lab.function("spend_tokens", project) as service:
        client = service.client()
        probe = client.send(wire.reserve("ada", "probe"))
        if probe.status != HTTPStatus.OK or "reservation" not in probe.fields:
            yield Row(_NAME, None, _TARGET, "spend_tokens has no reservations yet")
            return

        def reserve_and_capture() -> None:
            key = f"{next(keys)}"
            client.send_ok(wire.reserve("ada", key))
            client.send_ok(wire.capture("ada", key))

        def spend() -> None:
            client.send_ok(wire.spend("ada", f"{next(keys)}"))

        both, plain = interleaved_calls(_CALLS, reserve_and_capture, spend)
    both_ms, plain_ms = statistics.median(both), statistics.median(plain)
    yield Row(_NAME, both_ms / plain_ms, _TARGET, f"{both_ms:.1f} and {plain_ms:.1f} ms")
