"""Brakes what one user, or all users of an instance, ask for too often. It knows of no other instance."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from shared.domain.rate import Rate

USERS_MAX = 10_000
"""The most users that are remembered: those who asked last. An instance takes minutes to serve more."""


class Throttle:
    """Counts what was let through in this instance."""

    def __init__(self, per_user: Rate, per_instance: Rate, *, seconds: Callable[[], float] = time.monotonic) -> None:
        """Let through what both rates allow; `seconds` is a clock that only rises."""
        self._per_user = per_user
        self._per_instance = per_instance
        self._seconds = seconds
        self._lock = threading.Lock()
        self._users: OrderedDict[str, tuple[float, ...]] = OrderedDict()
        self._all: tuple[float, ...] = ()

    def wait_s(self, uid: str) -> int:
        """Return 0 and count the user's request, or the seconds to wait before it may be sent again."""
        with self._lock:
            now = self._seconds()
            times = self._users.get(uid, ())
            wait_s = max(self._per_user.wait_s(times, now), self._per_instance.wait_s(self._all, now))
            if wait_s:
                return wait_s
            self._all = self._per_instance.remember(self._all, now)
            self._users[uid] = self._per_user.remember(times, now)
            self._users.move_to_end(uid)
            if len(self._users) > USERS_MAX:
                self._users.popitem(last=False)
            return 0
