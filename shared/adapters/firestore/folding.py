"""Group commit: callers that want the same thing changed line up, and the first one works for all that wait.

    caller 1 ── leads: handle([1]) ────────────────────────────┐
    caller 2 ── waits ─┐                                       └─> wakes the first that waits
    caller 3 ── waits ─┴── caller 2 leads: handle([2, 3]) ──> ...

A group stays open until its handler asks for the requests; each time it asks again, whoever has come meanwhile joins.
Nobody leads twice: a leader hands over once its own group is done, so that no caller works for others for long. After a
group of several it first waits a moment for those who were answered, because they often come back at once: so the next
group is larger. What the handler returned goes along to the next leader, and is forgotten when nobody waits any more.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from math import inf
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
class Group:
    """The callers of a key that are handled together; `left` is what the handler returned for the group before."""

    slots: list[Slot]
    left: Any = None
    waiting: Callable[[int], Iterable[Slot]] = lambda room: ()  # noqa: ARG005 - without a line nobody can join

    def requests(self, most: int) -> list[Any]:
        """Take in who waits, up to this many in all, and return the requests."""
        self.slots.extend(self.waiting(most - len(self.slots)))
        return [slot.request for slot in self.slots]


@dataclass(slots=True)
class _Line:
    """The callers of a key behind the one that leads; `is_full` is set when as many as `expected` wait."""

    waiting: deque[Slot] = field(default_factory=deque)
    left: Any = None
    expected: float = inf
    is_full: Event = field(default_factory=Event)


class GroupQueue:
    """Lines of callers, one per key.

    Args:
        handle: is given a key and a group; it settles each of the slots, or raises for all.
        gather_s: how long the leader of several waits, at most, for as many to wait again.
        patience_s: how long a caller waits for its turn.
    """

    def __init__(self, handle: Callable[[str, Group], Any], *, gather_s: float, patience_s: float) -> None:
        self._handle = handle
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
                if len(line.waiting) >= line.expected:
                    line.is_full.set()
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
        left, line.left = line.left, None
        group = Group([slot], left, partial(self._take, line))
        try:
            line.left = self._handle(key, group)
        except BaseException as fault:
            for one in group.slots:
                if not one.done:
                    one.fail(fault)
            if not isinstance(fault, Exception):
                raise
        finally:
            others = group.slots[1:]
            for one in others:
                one.turn.set()
            try:
                if others:
                    self._gather(line, len(others))
            finally:
                self._hand_over(key, line)

    def _take(self, line: _Line, room: int) -> list[Slot]:
        with self._lock:
            return [line.waiting.popleft() for _ in range(min(len(line.waiting), room))]

    def _gather(self, line: _Line, expected: int) -> None:
        with self._lock:
            if len(line.waiting) >= expected:
                return
            line.expected = expected
        line.is_full.wait(self._gather_s)
        with self._lock:
            line.expected = inf
            line.is_full.clear()

    def _hand_over(self, key: str, line: _Line) -> None:
        with self._lock:
            if line.waiting:
                line.waiting.popleft().turn.set()
            else:
                del self._lines[key]
