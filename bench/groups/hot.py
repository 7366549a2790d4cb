"""One busy account, compared with as many quiet ones, with the first version's queue, and with the monolith."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from itertools import count

from google.cloud import firestore

from bench import wire
from bench.baselines.queue.ledger import QueueLedger
from bench.client import HttpClient
from bench.lab import Lab
from bench.measure import Run, interleaved, interleaved_calls, median_ratio, percentile, run_concurrently
from bench.product import spender
from bench.results import Row, at_least, at_most, exactly

_CONNECTIONS = 32
_SPENDS = 20 * _CONNECTIONS
_ROUNDS = 5
_ALL_SPENDS = (_ROUNDS + 1) * _SPENDS  # with the warm-up round
_THREADS = 40
_LONE_SPENDS = 1000
_WINDOWS = 2
_WINDOW_S = 10.0
_PURCHASES = 240  # of one account: more would be held, beyond the highest limit


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows."""
    yield from _one_instance(lab)
    yield from _two_instances(lab)
    yield from _in_process(lab)
    yield from _credits(lab)


def _one_instance(lab: Lab) -> Iterator[Row]:
    """Spends over HTTP: the same connections on one account, and each on an account of its own."""
    project, keys = lab.project(), count()
    accounts = [f"spread-{number}" for number in range(_CONNECTIONS)]
    lab.fund(project, {"hot": _ALL_SPENDS} | dict.fromkeys(accounts, _ALL_SPENDS // _CONNECTIONS))
    database = lab.database(project)
    with lab.function("spend_tokens", project) as service:
        client = service.client()

        def spend(uids: list[str]) -> Run:
            requests = [wire.spend(uids[number % len(uids)], f"{next(keys)}") for number in range(_SPENDS)]
            return run_concurrently(client.calls(requests), _CONNECTIONS)

        before = _balance(database, "hot")
        hot, spread = interleaved(_ROUNDS, lambda _: spend(["hot"]), lambda _: spend(accounts))
        spent = before - _balance(database, "hot")
    name = f"one hot account ÷ {_CONNECTIONS} accounts, {_CONNECTIONS} connections"
    hot_p99, spread_p99 = ([percentile(run.each_ms, 99) for run in runs] for runs in (hot, spread))
    note = f"{statistics.median(hot_p99):.0f} and {statistics.median(spread_p99):.0f} ms"
    yield Row(f"{name}: throughput", _speedup(hot, spread), at_least(1.0), _rates(hot, spread))
    yield Row(f"{name}: p99", median_ratio(hot_p99, spread_p99), at_most(1.0), note)
    yield Row("one hot account: tokens spent ÷ spends accepted", spent / _ALL_SPENDS, exactly(1))


def _two_instances(lab: Lab) -> Iterator[Row]:
    """Spends of one account over HTTP through two instances: of spend_tokens, and of the queue."""
    project, keys = lab.project(), count()
    lab.fund(project, {"hot": _ALL_SPENDS})
    QueueLedger(lab.database(project)).fund("queued", _ALL_SPENDS)
    with ExitStack() as exits:
        ours = [exits.enter_context(lab.function("spend_tokens", project)).client() for _ in range(2)]
        queues = [exits.enter_context(lab.baseline("queue", "queue_spend", project)).client() for _ in range(2)]

        def spend(clients: list[HttpClient], uid: str) -> Run:
            requests = [wire.spend(uid, f"{next(keys)}") for _ in range(_SPENDS)]
            first, second = clients[0].calls(requests[::2]), clients[1].calls(requests[1::2])
            return run_concurrently([call for pair in zip(first, second, strict=True) for call in pair], _CONNECTIONS)

        folded, queued = interleaved(_ROUNDS, lambda _: spend(ours, "hot"), lambda _: spend(queues, "queued"))
    name = "one hot account, two instances ÷ two of the queue: throughput"
    yield Row(name, _speedup(folded, queued), at_least(4), _rates(folded, queued))


def _in_process(lab: Lab) -> Iterator[Row]:
    """The ledger without HTTP: many threads on one account, and a spend with no other beside it."""
    project, keys = lab.project(), count()
    spends = 10 * _THREADS
    tokens = (_ROUNDS + 1) * spends + _LONE_SPENDS + 1
    lab.fund(project, {"hot": tokens})
    queue = QueueLedger(lab.database(project))
    spend = spender(project)
    queue.fund("queued", tokens)

    def our_spend() -> object:
        return spend("hot", f"{next(keys)}")

    def queue_spend() -> object:
        return queue.spend("queued", f"{next(keys)}", 1)

    folded, queued = interleaved(
        _ROUNDS,
        lambda _: run_concurrently([our_spend] * spends, _THREADS),
        lambda _: run_concurrently([queue_spend] * spends, _THREADS),
    )
    name = f"in process, {_THREADS} threads on one account ÷ the queue: throughput"
    yield Row(name, _speedup(folded, queued), at_least(8), _rates(folded, queued))
    ours_ms, queue_ms = map(statistics.median, interleaved_calls(_LONE_SPENDS, our_spend, queue_spend))
    note = f"{ours_ms:.2f} and {queue_ms:.2f} ms"
    yield Row("in process, a lone spend ÷ the queue's: p50", ours_ms / queue_ms, at_most(1.05), note)


def _credits(lab: Lab) -> Iterator[Row]:
    """Credits of one account over HTTP, a new one each time: credit_tokens, and the monolith's webhook."""
    project, numbers = lab.project(), count()
    database = lab.database(project)
    with lab.function("credit_tokens", project) as credit, lab.monolith(project) as monolith:
        credit_client, monolith_client = credit.client(), monolith.client()

        def push(uid: str) -> bool:
            return credit_client.send(wire.push(wire.purchase(uid, next(numbers)))).status == HTTPStatus.OK

        def post_to_monolith(uid: str) -> bool:
            return monolith_client.send(wire.webhook(wire.purchase(uid, next(numbers)))).status == HTTPStatus.OK

        ours, theirs = interleaved(
            _WINDOWS,
            lambda number: _window(partial(push, f"hot-{number}")),
            lambda number: _window(partial(post_to_monolith, f"old-{number}")),
        )
        accepted = _window(partial(push, "hot")).accepted
        credited = _balance(database, "hot") / wire.TOKENS
    our_rates, their_rates = [window.per_second for window in ours], [window.per_second for window in theirs]
    note = f"{statistics.median(our_rates):.1f} and {statistics.median(their_rates):.1f} credits per second"
    name = f"one hot account ÷ monolith, {_CONNECTIONS} connections: credits"
    yield Row(name, median_ratio(our_rates, their_rates), at_least(10), note)
    yield Row("one hot account: purchases credited ÷ purchases accepted", credited / accepted, exactly(1))


@dataclass(frozen=True, slots=True)
class _Window:
    """How many requests were accepted in some seconds."""

    accepted: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Requests per second, as if at least one had been accepted: the monolith's locks let hardly any through."""
        return max(self.accepted, 1) / self.seconds


def _window(send: Callable[[], bool]) -> _Window:
    """Send from many connections until the time is up, or the purchases are."""
    start = time.perf_counter()
    purchases = iter(range(_PURCHASES))

    def send_until_the_end(_connection: int) -> int:
        accepted = 0
        while time.perf_counter() < start + _WINDOW_S and next(purchases, None) is not None:
            accepted += send()
        return accepted

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        accepted = sum(pool.map(send_until_the_end, range(_CONNECTIONS)))
    return _Window(accepted, time.perf_counter() - start)


def _balance(database: firestore.Client, uid: str) -> int:
    snapshot = database.document(f"users/{uid}").get()
    return int((snapshot.to_dict() or {}).get("tokenBalance", 0))


def _speedup(ours: list[Run], baseline: list[Run]) -> float:
    return median_ratio([run.per_second for run in ours], [run.per_second for run in baseline])


def _rates(ours: list[Run], baseline: list[Run]) -> str:
    our_rate, baseline_rate = (statistics.median(run.per_second for run in runs) for runs in (ours, baseline))
    return f"{our_rate:.0f} and {baseline_rate:.0f} per second"
