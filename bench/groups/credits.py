"""Credits of different users over HTTP, eight at once: against the bare calls, and against the monolith's webhook."""

import statistics
from collections.abc import Iterator
from itertools import count

from bench import environments, wire
from bench.baselines.bare import calls
from bench.lab import Lab, asks
from bench.measure import Run, at_once, by_turns, median_ratio
from bench.results import Row, at_least

_ROUNDS = 5
_AT_ONCE = 8
_CREDITS = 20 * _AT_ONCE


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows. Ours is the push that credits; what comes before it is measured by the webhook's rows."""
    project, numbers = lab.project(), count()
    database = lab.database(project)
    environment = environments.of_baseline("monolith")
    with lab.function("credit_tokens", project) as credit, lab.monolith(environment, project) as monolith:
        monolith.wait_until_it_listens()
        ours, old = credit.caller(), monolith.caller()

        def pushes(_round: int) -> Run:
            requests = [wire.push(wire.purchase(f"ours-{next(numbers)}", 0)) for _ in range(_CREDITS)]
            return at_once(asks(ours, requests), _AT_ONCE)

        def webhooks(_round: int) -> Run:
            requests = [wire.webhook(wire.purchase(f"old-{next(numbers)}", 0)) for _ in range(_CREDITS)]
            return at_once(asks(old, requests), _AT_ONCE)

        def bare_calls(_round: int) -> Run:
            return at_once([lambda: calls.credit(database, f"bare-{next(numbers)}")] * _CREDITS, _AT_ONCE)

        credited, webhooked, bare = by_turns(_ROUNDS, pushes, webhooks, bare_calls)
    note = f"{_rate(credited)} and {_rate(bare)} per second"
    name = f"credits over HTTP, {_AT_ONCE} at once"
    yield Row(f"{name} ÷ bare get + commit", median_ratio(_rates(credited), _rates(bare)), at_least(0.6), note)
    note = f"{_rate(credited)} and {_rate(webhooked)} per second"
    yield Row(f"{name} ÷ monolith", median_ratio(_rates(credited), _rates(webhooked)), at_least(3), note)


def _rates(runs: list[Run]) -> list[float]:
    return [run.per_second for run in runs]


def _rate(runs: list[Run]) -> str:
    return f"{statistics.median(_rates(runs)):.0f}"
