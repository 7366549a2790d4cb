"""Reserve and capture against a plain spend; an account full of reservations and lots against an empty one."""

import statistics
from collections.abc import Iterator
from itertools import count

from bench import wire
from bench.lab import Lab
from bench.measure import Run, interleaved, interleaved_calls, median_ratio, run_concurrently
from bench.results import Row, at_least, at_most

_CALLS = 300
_CONNECTIONS = 32
_SPENDS = 10 * _CONNECTIONS
_ROUNDS = 5
_RESERVATIONS = 50
_LOTS = 48
_LOT = 10_000


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows."""
    project, keys = lab.project(), count()
    lab.fund(project, dict.fromkeys(("ada", "plain", "full"), 1_000_000))
    with lab.function("grant_tokens", project) as service:
        for number in range(_LOTS):
            service.client().send_ok(wire.grant("full", f"lot-{number}", _LOT, expires_in_days=1 + number))
    with lab.function("spend_tokens", project) as service:
        client = service.client()
        for number in range(_RESERVATIONS):
            client.send_ok(wire.reserve("full", f"open-{number}"))

        def reserve_and_capture() -> None:
            key = f"{next(keys)}"
            client.send_ok(wire.reserve("ada", key))
            client.send_ok(wire.capture("ada", key))

        def spend() -> None:
            client.send_ok(wire.spend("ada", f"{next(keys)}"))

        def spend_all(uid: str) -> Run:
            requests = [wire.spend(uid, f"{next(keys)}") for _ in range(_SPENDS)]
            return run_concurrently(client.calls(requests), _CONNECTIONS)

        both, plain = interleaved_calls(_CALLS, reserve_and_capture, spend)
        full, empty = interleaved(_ROUNDS, lambda _: spend_all("full"), lambda _: spend_all("plain"))
    both_ms, plain_ms = statistics.median(both), statistics.median(plain)
    yield Row(
        "reserve + capture ÷ spend: p50", both_ms / plain_ms, at_most(2.1), f"{both_ms:.1f} and {plain_ms:.1f} ms"
    )
    name = f"hot account with {_LOTS} lots and {_RESERVATIONS} reservations ÷ with none: throughput"
    rates = [statistics.median(run.per_second for run in runs) for runs in (full, empty)]
    ratio = median_ratio([run.per_second for run in full], [run.per_second for run in empty])
    yield Row(name, ratio, at_least(0.8), f"{rates[0]:.0f} and {rates[1]:.0f} per second")
