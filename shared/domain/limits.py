"""How often one buyer may buy. Pure: times are UTC seconds, handed in."""

from collections.abc import Sequence
from dataclasses import dataclass

HOUR_S = 3_600
DAY_S = 86_400
LATEST_S = 3 * DAY_S  # how long Stripe goes on delivering an event: one may be told of so long after a newer one


@dataclass(frozen=True, slots=True)
class Limits:
    """The most purchases in any hour and in any day."""

    per_hour: int = 5
    per_day: int = 20

    def exceeded(self, purchases: Sequence[int], at: int) -> bool:
        """Tell whether one more purchase, at `at`, would be one too many among `purchases` (UTC seconds, any order).

        Events arrive in any order, so every window that holds `at` counts, also one that ends after it.
        """
        times = sorted([*purchases, at])
        return any(
            times[first + most] - times[first] < window_s and times[first] <= at <= times[first + most]
            for window_s, most in self._windows()
            for first in range(len(times) - most)
        )

    def wait_s(self, purchases: Sequence[int], now: int) -> int:
        """Return how many seconds a buyer has to wait before the next purchase; 0 when none."""
        newest_first = sorted(purchases, reverse=True)
        waits = [
            newest_first[most - 1] + window_s - now for window_s, most in self._windows() if len(newest_first) >= most
        ]
        return max([0, *waits])

    def _windows(self) -> tuple[tuple[int, int], ...]:
        return (HOUR_S, self.per_hour), (DAY_S, self.per_day)


def remember(purchases: Sequence[int], at: int) -> tuple[int, ...]:
    """Add a purchase to those remembered, and forget what no purchase yet to be told of can share a window with."""
    times = sorted([*purchases, at])
    return tuple(time for time in times if time > times[-1] - LATEST_S - DAY_S)
