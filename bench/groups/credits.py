"""Credits of different users over HTTP, eight at once, compared with the bare calls and with the monolith's webhook."""

import statistics
from collections.abc import Iterator
from itertools import count

from bench import wire
from bench.baselines.bare import calls
from bench.lab import Lab
from bench.measure import Run, interleaved, median_ratio, run_concurrently
from bench.results import Row, at_least

_ROUNDS = 5
_AT_ONCE = 8
_CREDITS = 20 * _AT_ONCE


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows. Ours is the push that credits; the webhook before it has rows of its own."""
    project, numbers = lab.project(), count()
    database = lab.database(project)
    with lab.function("credit_tokens", project) as credit, lab.monolith(project) as monolith:
        credit_client, monolith_client = credit.client(), monolith.client()

        def pushes(_round: int) -> Run:
            requests = [wire.push(wire.purchase(f"ours-{next(numbers)}", 0)) for _ in range(_CREDITS)]
            return run_concurrently(credit_client.calls(requests), _AT_ONCE)

        def webhooks(_round: int) -> Run:
            requests = [wire.webhook(wire.purchase(f"monolith-{next(numbers)}", 0)) for _ in range(_CREDITS)]
            return run_concurrently(monolith_client.calls(requests), _AT_ONCE)

        def bare_calls(_round: int) -> Run:
            return run_concurrently([lambda: calls.credit(database, f"bare-{next(numbers)}")] * _CREDITS, _AT_ONCE)

        ours, monoliths, bare = (
            [run.per_second for run in runs] for runs in interleaved(_ROUNDS, pushes, webhooks, bare_calls)
        )
    name = f"credits over HTTP, {_AT_ONCE} at once"
    yield Row(f"{name} ÷ bare get + commit", median_ratio(ours, bare), at_least(0.6), _note(ours, bare))
    yield Row(f"{name} ÷ monolith", median_ratio(ours, monoliths), at_least(3), _note(ours, monoliths))


def _note(ours: list[float], theirs: list[float]) -> str:
    return f"{statistics.median(ours):.0f} and {statistics.median(theirs):.0f} per second"
