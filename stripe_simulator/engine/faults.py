"""Faults on request: what a caller meets when Stripe refuses, is slow, or breaks off in the middle of an answer."""

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

When = Literal["before", "after"]
Form = Literal["whole", "half", "html", "reset"]


@dataclass(slots=True)
class Fault:
    """What the next API requests meet whose path begins with `path_prefix`."""

    path_prefix: str = "/v1/"
    method: str | None = None
    """Only requests of this HTTP method; None: of any."""
    status: int | None = None
    """Answer with Stripe's error of this HTTP status instead."""
    timeout_ms: int = 0
    """Hold the answer back for this long."""
    times: int = 1
    """How many requests meet the fault."""
    when: When = "before"
    """`before`: the request is not carried out. `after`: it is, and only its answer is late, lost or broken."""
    stored: bool = False
    """Whether the endpoint had begun to execute, so that the error of `status` is what the request's idempotency key
    answers from now on. With `after` the work is done nevertheless: the worst that Stripe documents."""
    form: Form = "whole"
    """How the answer arrives: `whole`, `half` of its body, as an `html` page (with status 200 unless one is given), or
    not at all, because the connection is `reset`."""

    @property
    def prevents_work(self) -> bool:
        """Whether the request is not carried out; a fault that only delays does not prevent it."""
        return self.when == "before" and (self.status is not None or self.form != "whole")

    def error(self) -> ApiError | None:
        """Return the error that Stripe would answer, if the fault has one."""
        if self.status is None:
            return None
        kind, message, code = _BODIES.get(self.status, ("api_error", "An unknown error occurred.", None))
        return ApiError(self.status, kind, message, code=code)


class Faults:
    """The faults still to come; the one requested first is met first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Request a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Cancel every fault still to come."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, and count the encounter."""
        with self._lock:
            for fault in self._faults:
                if path.startswith(fault.path_prefix) and fault.method in (None, method):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return None

    def remaining(self) -> list[dict[str, Any]]:
        """Return the faults still to come."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]
