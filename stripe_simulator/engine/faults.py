"""Faults on order, so that a test can see what a caller does when Stripe refuses, is slow, or loses its answer."""

import threading
from dataclasses import asdict, dataclass
from typing import Any, Literal

from stripe_simulator.engine.errors import ApiError

_BODIES = {
    401: ("invalid_request_error", "Invalid API Key provided: sk_test_*****", None),
    402: ("card_error", "Your card was declined.", "card_declined"),
    403: ("invalid_request_error", "The provided key does not have access to this resource.", None),
    409: ("invalid_request_error", "This object cannot be accessed right now. Please retry.", "lock_timeout"),
    429: ("invalid_request_error", "Request rate limit exceeded.", "rate_limit"),
}


@dataclass(slots=True)
class Fault:
    """What the next `times` API requests meet whose path begins with `path_prefix`.

    `timeout_ms` holds the answer back; `status` replaces it with Stripe's error. `before`: nothing was done, a fault
    at Stripe's door. `after`: the work was done and only its answer is late or lost, the case for idempotency keys.
    """

    path_prefix: str = "/v1/"
    method: str | None = None
    status: int | None = None
    timeout_ms: int = 0
    times: int = 1
    when: Literal["before", "after"] = "before"

    def error(self) -> ApiError | None:
        """The error that Stripe would answer, if the fault has one."""
        if self.status is None:
            return None
        kind, message, code = _BODIES.get(self.status, ("api_error", "An unknown error occurred.", None))
        return ApiError(self.status, kind, message, code=code)


class Faults:
    """The faults that are still to come, first ordered first met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Order no faults any more."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Answer the fault that this request meets, and count it as met."""
        with self._lock:
            for fault in self._faults:
                if path.startswith(fault.path_prefix) and fault.method in (None, method):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def remaining(self) -> list[dict[str, Any]]:
        """The faults that are still to come."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]
