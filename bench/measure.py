"""Timing: concurrent calls, and measurements that take turns so that a noisy machine affects all of them alike."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Measurement = TypeVar("Measurement")


@dataclass(frozen=True, slots=True)
class Run:
    """The duration of a set of concurrent calls, and of each call."""

    seconds: float
    each_ms: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Calls per second."""
        return len(self.each_ms) / self.seconds


def run_concurrently(calls: Sequence[Callable[[], object]], threads: int) -> Run:
    """Run the calls on this many threads. Raises what a call raises."""
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        each_ms = tuple(pool.map(milliseconds, calls))
    return Run(time.perf_counter() - start, each_ms)


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def interleaved(rounds: int, *measures: Callable[[int], Measurement]) -> tuple[list[Measurement], ...]:
    """Take every measurement once per round, after one warm-up round; return each one's results.

    The order is reversed in every other round, so that no measurement always runs second.
    """
    results: tuple[list[Measurement], ...] = tuple([] for _ in measures)
    for number in range(rounds + 1):
        pairs = list(zip(measures, results, strict=True))
        for measure, collected in pairs if number % 2 else reversed(pairs):
            result = measure(number)
            if number:
                collected.append(result)
    return results


def interleaved_calls(times: int, *calls: Callable[[], object]) -> tuple[list[float], ...]:
    """Make the calls in turn, each this many times, after one warm-up; return each one's milliseconds."""

    def timed(call: Callable[[], object]) -> Callable[[int], float]:
        return lambda _: milliseconds(call)

    return interleaved(times, *(timed(call) for call in calls))


def median_ratio(ours: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the median of the rounds' ratios: whatever slows down a whole round cancels out."""
    return statistics.median(one / other for one, other in zip(ours, baseline, strict=True))


def percentile(values: Iterable[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
