"""How often one buyer may buy. Pure: times are UTC seconds, handed in."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.times import DAY_S, HOUR_S

_DELIVERY_S = 3 * DAY_S  # how long Stripe retries an event: it may arrive that long after a newer one
REMEMBERED_MAX = 1_000
"""The most purchases that an account remembers: limits beyond it could not be enforced."""


@dataclass(frozen=True, slots=True)
class PurchaseTime:
    """When a purchase was paid, as Stripe says, and when the ledger credited it."""

    paid_at: int
    entered_at: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The most purchases in any hour and in any day."""

    per_hour: int = 5
    per_day: int = 20

    def exceeded(self, purchases: Sequence[int], at: int) -> bool:
        """Tell whether another purchase, at `at`, would be one too many among `purchases` (any order).

        Events arrive in any order, so every window that holds `at` counts, even one that ends after it.
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


def remember(purchases: Sequence[PurchaseTime], new: PurchaseTime) -> tuple[PurchaseTime, ...]:
    """Add a purchase, and drop those too old to share a window with any purchase still to arrive."""
    every = sorted([*purchases, new], key=lambda one: (one.paid_at, one.entered_at))
    newest = every[-1].paid_at
    kept = [
        one for one in every if one.paid_at > newest - _DELIVERY_S - DAY_S or one.entered_at > new.entered_at - DAY_S
    ]
    return tuple(kept[-REMEMBERED_MAX:])
