"""Timing: calls made together, and two things measured by turns, so that a noisy machine disturbs both alike."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Run:
    """Calls that were made together: how long all took, and each."""

    seconds: float
    each_ms: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Calls per second."""
        return len(self.each_ms) / self.seconds


def at_once(calls: Sequence[Callable[[], object]], threads: int) -> Run:
    """Make the calls on so many threads; an error of a call is raised."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        each_ms = tuple(pool.map(milliseconds, calls))
    return Run(time.perf_counter() - begun, each_ms)


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def by_turns(rounds: int, *measures: Callable[[int], Measured]) -> tuple[list[Measured], ...]:
    """Take each measure once per round, after a round that does not count; return each one's results.

    The order turns around in every other round: what comes second is not always second.
    """
    results: tuple[list[Measured], ...] = tuple([] for _ in measures)
    for number in range(rounds + 1):
        pairs = list(zip(measures, results, strict=True))
        for measure, kept in pairs if number % 2 else reversed(pairs):
            result = measure(number)
            if number:
                kept.append(result)
    return results


def alternately(times: int, *calls: Callable[[], object]) -> tuple[list[float], ...]:
    """Make the calls one after another, so many times each; return each one's milliseconds."""

    def timed(call: Callable[[], object]) -> Callable[[int], float]:
        return lambda _: milliseconds(call)

    return by_turns(times, *(timed(call) for call in calls))


def median_ratio(ours: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the median of the rounds' own ratios: what slows a whole round down cancels out."""
    return statistics.median(one / other for one, other in zip(ours, baseline, strict=True))


def percentile(values: Iterable[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
