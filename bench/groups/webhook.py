"""Stripe's webhook, which Stripe and the buyer wait for: verify and publish, against nothing but the publishing."""

import json
import statistics
from collections.abc import Callable, Iterator
from itertools import count

from bench import wire
from bench.baselines.bare import calls
from bench.client import Request
from bench.lab import Lab
from bench.measure import by_turns, median_ratio, milliseconds, percentile
from bench.results import Row, at_most

_ROUNDS = 5
_CALLS = 100


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: one request at a time, as the buyer's redirect waits for one webhook."""
    project, numbers = lab.project(topics=True), count()
    publisher = calls.publisher(lab.emulators.pubsub)
    topic = f"projects/{project}/topics/stripe-events"
    with lab.function("stripe_webhook", project) as webhook, lab.baseline("bare", "bare_publish", project) as bare:
        ours, theirs = webhook.caller(), bare.caller()

        def webhooks(_round: int) -> list[float]:
            events = [wire.purchase(f"webhook-{next(numbers)}", 0) for _ in range(_CALLS)]
            return _each_ms([lambda event=event: ours.ask(wire.webhook(event)) for event in events])  # type: ignore[misc] # mypy infers no type for a lambda's default

        def published(_round: int) -> list[float]:
            bodies = _bodies(numbers)
            return _each_ms([lambda body=body: theirs.ask(Request("POST", "/", {}, body)) for body in bodies])  # type: ignore[misc] # as above

        def bare_calls(_round: int) -> list[float]:
            return _each_ms([lambda body=body: calls.publish(publisher, topic, body) for body in _bodies(numbers)])  # type: ignore[misc] # as above

        answered, over_http, alone = by_turns(_ROUNDS, webhooks, published, bare_calls)
    note = f"{_median(answered):.1f} and {_median(over_http):.1f} ms"
    yield Row("webhook ÷ bare publish, both over HTTP: p50", _ratio(answered, over_http, 50), at_most(1.5), note)
    yield Row("webhook ÷ bare publish, both over HTTP: p99", _ratio(answered, over_http, 99))
    note = f"{_median(alone):.1f} ms without HTTP"
    yield Row("webhook over HTTP ÷ bare publish in a loop: p50", _ratio(answered, alone, 50), note=note)
    yield Row("webhook over HTTP ÷ bare publish in a loop: p99", _ratio(answered, alone, 99))


def _bodies(numbers: Iterator[int]) -> list[bytes]:
    return [json.dumps(wire.purchase(f"bare-{next(numbers)}", 0), indent=2).encode() for _ in range(_CALLS)]


def _each_ms(made: list[Callable[[], object]]) -> list[float]:
    return [milliseconds(call) for call in made]


def _median(rounds: list[list[float]]) -> float:
    return statistics.median(statistics.median(one) for one in rounds)


def _ratio(ours: list[list[float]], theirs: list[list[float]], percent: int) -> float:
    return median_ratio([percentile(one, percent) for one in ours], [percentile(one, percent) for one in theirs])
