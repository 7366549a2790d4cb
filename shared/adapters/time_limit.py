"""How long a request may wait for others: all calls, repetitions and pauses together.

A call's own time-out bounds one attempt. Several calls with several attempts each could outlast the function's, which
would then end without an answer, and leave its caller to guess.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STRIPE_S = 30.0
"""Until how long after its begin a function's request waits for Stripe. One change of an account can follow."""

_ends_at: ContextVar[float] = ContextVar("ends_at", default=float("inf"))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Bound the waiting inside this context; an outer limit that ends earlier stays."""
    token = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float:
    """Return how long a call may still take: infinity without a limit, never less than zero."""
    return max(0.0, _ends_at.get() - time.monotonic())
