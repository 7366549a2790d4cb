"""Which calls meet a fault: those of the steps that a trial chose, each a number of times."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import grpc

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a function makes: of which instance, of which method, and what it is about."""

    instance: str
    function: str
    method: str
    subject: str

    @property
    def step(self) -> str:
        """The step of the product that makes this call."""
        return f"{self.function}: {self.method} {self.subject}".rstrip()


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a call, before or after it took effect: a delay, an act, and a refusal, in this order."""

    when: When
    code: grpc.StatusCode | None = None
    delay_s: float = 0.0
    act: Callable[[Call], object] | None = None


class Plan:
    """The faults of a trial. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._times = 0
        self._targets: Callable[[Call], bool] = lambda _: True
        self.calls: dict[str, Call] = {}
        self.seen: Counter[str] = Counter()
        self.hit: Counter[str] = Counter()

    def arm(self, fault: Fault, *, times: int, targets: Callable[[Call], bool] = lambda _: True) -> None:
        """Let each step meet the fault at its first `times` calls from now on."""
        with self._lock:
            self._fault, self._times, self._targets = fault, times, targets

    def disarm(self) -> None:
        """Let every call through."""
        with self._lock:
            self._fault = None

    def reset(self) -> None:
        """Begin a new trial."""
        with self._lock:
            self._fault = None
            self.seen, self.hit = Counter(), Counter()

    def fault_of(self, call: Call) -> Fault | None:
        """Return what this call meets, None when nothing."""
        with self._lock:
            self.seen[call.step] += 1
            self.calls.setdefault(call.step, call)
            if self._fault is None or not self._targets(call) or self.hit[call.step] >= self._times:
                return None
            self.hit[call.step] += 1
            return self._fault


def meet(fault: Fault | None, when: When, call: Call, context: grpc.ServicerContext) -> None:
    """Let a call meet its fault, if this is the moment."""
    if fault is None or fault.when != when:
        return
    if fault.delay_s:
        time.sleep(fault.delay_s)
    if fault.act is not None:
        fault.act(call)
    if fault.code is not None:
        context.abort(fault.code, f"injected {when} the call")
