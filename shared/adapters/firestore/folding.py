"""Group commit: callers that want the same thing changed line up, and the first one works for all that wait.

    caller 1 ── leads: takes the line ──> handle([1]) ─────────┐
    caller 2 ── waits ─┐                                       └─> wakes the first that waits
    caller 3 ── waits ─┴── caller 2 leads: handle([2, 3]) ──> ...

Nobody leads twice: a leader hands over once its own group is done, so that no caller works for others for long. After
a group of several it waits a moment before that, because those who were answered often come back at once: so the next
group is larger. What the handler returned goes along to the next leader, and is forgotten when nobody waits any more.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from shared.domain.errors import Unavailable


class Slot:
    """One caller's request, and in the end its outcome or its fault."""

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - whatever the handler understands
        self.request = request
        self.turn = Event()
        self._outcome: Any = None
        self._fault: BaseException | None = None
        self.done = False

    def succeed(self, outcome: Any) -> None:  # noqa: ANN401 - the handler's
        """Give the caller this outcome."""
        self._outcome, self.done = outcome, True

    def fail(self, fault: BaseException) -> None:
        """Raise this fault in the caller's thread."""
        self._fault, self.done = fault, True

    def result(self) -> Any:  # noqa: ANN401 - the handler's
        """Return the outcome, or raise the fault."""
        if self._fault is not None:
            raise self._fault
        return self._outcome


@dataclass(slots=True)
class _Line:
    """The callers of a key behind the one that leads."""

    waiting: deque[Slot] = field(default_factory=deque)
    left: Any = None


class GroupQueue:
    """Lines of callers, one per key.

    Args:
        handle: is given a key, the slots of a group, and what it returned for the group before in the same line, else
            None; it settles each of the slots, or raises for all.
        group_max: the most slots in a group.
        gather_s: how long the leader of several waits for others to join the next group.
        patience_s: how long a caller waits for its turn.
    """

    def __init__(
        self, handle: Callable[[str, list[Slot], Any], Any], *, group_max: int, gather_s: float, patience_s: float
    ) -> None:
        self._handle = handle
        self._group_max = group_max
        self._gather_s = gather_s
        self._patience_s = patience_s
        self._lock = Lock()
        # A key is here while somebody leads it.
        self._lines: dict[str, _Line] = {}

    def run(self, key: str, request: Any) -> Any:  # noqa: ANN401 - the handler's
        """Have a request handled, together with others of its key, and return its outcome.

        Raises:
            Unavailable: it waited too long for its turn; nothing was done.
        """
        slot = Slot(request)
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                self._lines[key] = _Line()
            else:
                line.waiting.append(slot)
        if line is not None and not self._wait_for_turn(key, slot):
            raise Unavailable("account_busy", "The account changes too often - try again in a moment")
        if not slot.done:
            self._lead(key, slot)
        return slot.result()

    def _wait_for_turn(self, key: str, slot: Slot) -> bool:
        """Wait until the slot was handled or is to lead; tell whether either came to pass in time."""
        if slot.turn.wait(self._patience_s):
            return True
        with self._lock:
            line = self._lines.get(key)
            if line is not None and slot in line.waiting:
                line.waiting.remove(slot)
                return False
        # It is being handled, or it was just told to lead.
        slot.turn.wait()
        return True

    def _lead(self, key: str, slot: Slot) -> None:
        line = self._lines[key]
        with self._lock:
            group = [slot, *(line.waiting.popleft() for _ in range(min(len(line.waiting), self._group_max - 1)))]
        left, line.left = line.left, None
        try:
            line.left = self._handle(key, group, left)
        except BaseException as fault:
            for one in group:
                if not one.done:
                    one.fail(fault)
            if not isinstance(fault, Exception):
                raise
        finally:
            for one in group[1:]:
                one.turn.set()
            if len(group) > 1:
                time.sleep(self._gather_s)
            self._hand_over(key, line)

    def _hand_over(self, key: str, line: _Line) -> None:
        with self._lock:
            if line.waiting:
                line.waiting.popleft().turn.set()
            else:
                del self._lines[key]
