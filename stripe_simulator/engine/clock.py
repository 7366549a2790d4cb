"""The simulator's time: this machine's clock, unless a test shifts or stops it."""

import time


class Clock:
    """UTC seconds since the epoch, as Stripe measures time."""

    def __init__(self) -> None:
        self.offset_s = 0
        self._stopped_at: float | None = None

    def now(self) -> int:
        """Return the current second."""
        return int(self.exact())

    def exact(self) -> float:
        """Return the current time with its fraction of a second."""
        return (time.time() if self._stopped_at is None else self._stopped_at) + self.offset_s

    @property
    def stopped(self) -> bool:
        """Whether time stands still."""
        return self._stopped_at is not None

    def stop(self) -> None:
        """Stop at this moment, so that everything that follows happens in the same second."""
        if self._stopped_at is None:
            self._stopped_at = time.time()

    def resume(self) -> None:
        """Follow this machine's clock again."""
        self._stopped_at = None
