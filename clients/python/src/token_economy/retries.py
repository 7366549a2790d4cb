"""How long a call is tried: until its seconds are used up, with longer and longer pauses of random length."""

import random
import time
from collections.abc import Callable

from token_economy.errors import Unavailable

_PAUSE_FIRST_S = 0.2
_PAUSE_MAX_S = 5.0


class Budget:
    """The seconds of one call, all attempts and pauses together."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        up_to: Callable[[float], float] = lambda most: random.uniform(0, most),  # noqa: S311 - not a secret
    ) -> None:
        self._clock = clock
        self._up_to = up_to
        self._deadline = clock() + seconds
        self._pause_most_s = _PAUSE_FIRST_S

    def left_s(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self._deadline - self._clock())

    def pause_s(self, error: Unavailable) -> float:
        """Return how long to wait after a failed attempt.

        At least as long as the server asked for, and beyond that a random part of a time that doubles at each
        failure: callers that failed together do not come back together.

        Raises:
            Unavailable: the same error, if the next attempt would begin after the budget's end.
        """
        pause = error.retry_after_s + self._up_to(self._pause_most_s)
        self._pause_most_s = min(2 * self._pause_most_s, _PAUSE_MAX_S)
        if pause >= self.left_s():
            raise error
        return pause
