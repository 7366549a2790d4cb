"""How often something may be done. Pure: times are seconds, handed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` times in any `window_s` seconds."""

    most: int
    window_s: int = 60

    def wait_s(self, earlier: Sequence[float], now: float) -> int:
        """Return how many seconds to wait until it may be done once more; 0 when it may be done now.

        `earlier` are the times when it was done, in order.
        """
        if len(earlier) < self.most:
            return 0
        return max(0, ceil(earlier[-self.most] + self.window_s - now))

    def remember(self, earlier: Sequence[float], now: float) -> tuple[float, ...]:
        """Return the times that still count, with one more at `now`."""
        return (*earlier, now)[-self.most :]
