"""Run the kinds of fault one after another over one world, and judge each."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reliability.expectations import paid_sessions
from reliability.faults.kinds import Kind
from reliability.faults.traffic import Traffic
from reliability.faults.world import World
from reliability.invariants import read_books, violations

_ROUNDS_MAX = 3
"""A step that no call of a trial reached, such as a folded commit, gets more trials."""
_AFTER_A_CONFLICT = "transactions"
"""What is read only when two changes have met in one commit: nobody can make sure that they do."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one kind of fault: the steps it hit, those it should have, and what did not hold."""

    kind: str
    hit: tuple[str, ...]
    missed: tuple[str, ...]
    faults: int
    wrong: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every step was hit and every invariant held."""
        return not self.missed and not self.wrong


class Trials:
    """Trials over one world; the first ones, without a fault, learn which steps there are."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._number = 0
        self.steps: frozenset[str] = frozenset()

    def learn_steps(self) -> Trial:
        """Run the traffic without a fault, twice, and remember the steps that both runs made calls at.

        What one run alone does is chance, and cannot be demanded of later ones.
        """
        begun, wrong, seen = time.monotonic(), list[str](), list[frozenset[str]]()
        for _ in range(2):
            with self._world.trial():
                wrong += self._run()
            seen.append(frozenset(self._world.plan.seen))
        self.steps = seen[0] & seen[1]
        return Trial("none", tuple(sorted(self.steps)), (), 0, tuple(wrong), time.monotonic() - begun)

    def run(self, kind: Kind) -> Trial:
        """Run one kind of fault, again where it missed a step."""
        begun, hit, faults, wrong = time.monotonic(), set[str](), 0, list[str]()
        due = self._due(kind)
        for _ in range(_ROUNDS_MAX):
            with self._world.trial():
                wrong += self._run(kind)
            hit |= set(self._world.plan.hit)
            faults += self._world.plan.hit.total()
            if wrong or due <= hit:
                break
        missed = () if wrong else tuple(sorted(due - hit))
        return Trial(kind.name, tuple(sorted(hit)), missed, faults, tuple(wrong), time.monotonic() - begun)

    def run_all(self, kinds: Collection[Kind]) -> Iterator[Trial]:
        """Run these kinds."""
        for kind in kinds:
            yield self.run(kind)

    def _due(self, kind: Kind) -> set[str]:
        if kind.targets is None:
            return set()
        return {
            step
            for step, call in self._world.plan.calls.items()
            if step in self.steps and kind.targets(call) and call.subject != _AFTER_A_CONFLICT
        }

    def _run(self, kind: Kind | None = None) -> list[str]:
        """Run the traffic once, wait until everything is delivered, and return what does not hold."""
        self._number += 1
        traffic = Traffic(self._world, self._number, self._seed)
        self._world.uids = traffic.uids
        if kind is not None:
            kind.begin(self._world)
        traffic.run()
        self._world.calm()
        if kind is not None:
            kind.end(self._world)
        traffic.finish()
        wrong = list(traffic.failures)
        if not self._world.settled():
            wrong.append(f"{self._world.topic.unacknowledged} messages were never acknowledged")
        books = read_books(self._world.database, traffic.uids)
        return wrong + violations(books, paid_sessions(self._world.stripe, traffic.uids), traffic.answers)
