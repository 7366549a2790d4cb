"""An owner who writes their profile without pause: refunds and spends are still accepted, and about as fast."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count

from bench import wire
from bench.client import HttpClient, Request, UnexpectedResponseError
from bench.lab import Lab
from bench.measure import interleaved, median_ratio, run_concurrently
from bench.results import Row, at_most, exactly

_ROUNDS = 12  # the emulator's Java needs some to get fast at evaluating rules
_CONNECTIONS = 24
_CHANGES = 20  # of each kind
_TIMEOUT_S = 120.0


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows. Without hammering the load is the same: then it is another user's profile that is written."""
    project, numbers = lab.project(), count()
    total = (_ROUNDS + 1) * 2 * 2 * _CHANGES
    lab.fund(project, {"ada": total, "eve": 1})
    refusals: list[int] = []
    with lab.function("credit_tokens", project) as credit, lab.function("spend_tokens", project) as spend:
        credit_client, spend_client = credit.client(), spend.client()

        def seconds_while_hammering(uid: str) -> float:
            ids = [next(numbers) for _ in range(_CHANGES)]
            for number in ids:
                credit_client.send_ok(wire.push(wire.purchase("ada", number)))
            refunds = [_persistent(credit_client, wire.push(wire.refund("ada", number)), refusals) for number in ids]
            spends = [_persistent(spend_client, wire.spend("ada", f"key-{number}"), refusals) for number in ids]
            with _hammering(lab, project, uid):
                return run_concurrently(refunds + spends, 2 * _CHANGES).seconds

        hammered, elsewhere = interleaved(
            _ROUNDS, lambda _: seconds_while_hammering("ada"), lambda _: seconds_while_hammering("eve")
        )
    name = f"hammered profile, {_CHANGES} refunds and {_CHANGES} spends"
    note = f"{max(hammered):.1f} s at worst"
    yield Row(f"{name} ÷ the same load elsewhere: time", median_ratio(hammered, elsewhere), at_most(2), note)
    yield Row(f"{name}: refused", len(refusals), exactly(0), f"of {total} changes; each is sent until it is accepted")


def _persistent(client: HttpClient, request: Request, refusals: list[int]) -> Callable[[], None]:
    """Return a call that sends a request until it is accepted, and collects the refusals."""

    def call() -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while (response := client.send(request)).status != HTTPStatus.OK:
            refusals.append(response.status)
            if time.monotonic() > deadline:
                raise UnexpectedResponseError(f"Not accepted in {_TIMEOUT_S:.0f} s: {response.body!r}")

    return call


@contextmanager
def _hammering(lab: Lab, project: str, uid: str) -> Iterator[None]:
    """Write a user's profile, under the rules, from many connections, while the block runs."""
    emulator = HttpClient(f"http://{lab.emulators.firestore}")
    stop = threading.Event()

    def hammer(connection: int) -> None:
        for number in count():
            if stop.is_set():
                return
            emulator.send(wire.profile(uid, project, f"{connection}-{number}"))

    emulator.send_ok(wire.profile(uid, project, "first"))
    threads = [threading.Thread(target=hammer, args=(connection,)) for connection in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
