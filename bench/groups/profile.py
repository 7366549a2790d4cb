"""An owner who writes the profile as fast as possible: refunds and spends land all the same, and about as fast."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count

from bench import wire
from bench.client import Caller, Request
from bench.lab import Lab
from bench.measure import at_once, by_turns, median_ratio
from bench.results import Row, at_most, exactly

_ROUNDS = 3
_CONNECTIONS = 24
_EACH = 20
_GIVE_UP_S = 60.0


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows. The load is the same without hammering: then another user's profile is written."""
    project, numbers = lab.project(), count()
    changes = (_ROUNDS + 1) * 2 * 2 * _EACH
    lab.fund(project, {"ada": changes, "eve": 1})
    refused: list[int] = []
    with lab.function("credit_tokens", project) as credit, lab.function("spend_tokens", project) as spend:
        purchases, spends = credit.caller(), spend.caller()

        def changes_while_hammering(uid: str) -> float:
            mine = [next(numbers) for _ in range(_EACH)]
            for number in mine:
                purchases.ask(wire.push(wire.purchase("ada", number)))
            refunds = [_tried(purchases, wire.push(wire.refund("ada", number)), refused) for number in mine]
            spent = [_tried(spends, wire.spend("ada", f"key-{number}"), refused) for number in mine]
            with _hammering(lab, project, uid):
                begun = time.perf_counter()
                at_once(refunds + spent, 2 * _EACH)
                return time.perf_counter() - begun

        with_it, without = by_turns(
            _ROUNDS, lambda _: changes_while_hammering("ada"), lambda _: changes_while_hammering("eve")
        )
    name = f"hammered profile, {_EACH} refunds and {_EACH} spends"
    note = f"{max(with_it):.1f} s at worst"
    yield Row(f"{name} ÷ the same load elsewhere: time", median_ratio(with_it, without), at_most(2), note)
    yield Row(f"{name}: refused", len(refused), exactly(0), f"of {changes} changes, each sent again until it landed")


def _tried(caller: Caller, request: Request, refused: list[int]) -> Callable[[], None]:
    """Return a call that notes a refusal, and repeats the request until it is taken."""

    def call() -> None:
        deadline = time.monotonic() + _GIVE_UP_S
        while (answer := caller.send(request)).status != HTTPStatus.OK and time.monotonic() < deadline:
            refused.append(answer.status)

    return call


@contextmanager
def _hammering(lab: Lab, project: str, uid: str) -> Iterator[None]:
    """Write a user's profile on many connections, under the rules, for as long as the block lasts."""
    emulator = Caller(f"http://{lab.emulators.firestore}")
    done = threading.Event()

    def hammer(number: int) -> None:
        written = count()
        while not done.is_set():
            emulator.send(wire.profile(uid, project, f"{number}-{next(written)}"))

    emulator.ask(wire.profile(uid, project, "first"))
    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
