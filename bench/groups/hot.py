"""One busy account: against as many accounts, against the first version's queue, and against the monolith."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count

from google.cloud import firestore

from bench import environments, wire
from bench.baselines.queue.ledger import QueueLedger
from bench.client import Answer, Caller
from bench.lab import Lab, asks
from bench.measure import Run, alternately, at_once, by_turns, median_ratio, percentile
from bench.product import spender
from bench.results import Row, at_least, at_most, exactly

_CONNECTIONS = 32
_CALLS = 15 * _CONNECTIONS
_ROUNDS = 5
_WINDOWS = 2
_WINDOW_S = 10.0
_THREADS = 40
_LONE_SPENDS = 1000


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows."""
    yield from _one_instance(lab)
    yield from _two_instances(lab)
    yield from _in_process(lab)
    yield from _credits(lab)


def _one_instance(lab: Lab) -> Iterator[Row]:
    """Spends over HTTP: the same connections on one account, and on as many accounts."""
    project, keys = lab.project(), count()
    everybody = [f"spread-{number}" for number in range(_CONNECTIONS)]
    tokens = (_ROUNDS + 2) * _CALLS
    lab.fund(project, {"hot": tokens} | dict.fromkeys(everybody, tokens // _CONNECTIONS))
    database = lab.database(project)
    with lab.function("spend_tokens", project) as service:
        caller = service.caller()

        def spends(uids: list[str]) -> Run:
            requests = [wire.spend(uids[n % len(uids)], f"{next(keys)}") for n in range(_CALLS)]
            return at_once(asks(caller, requests), _CONNECTIONS)

        before = _balance(database, "hot")
        hot, spread = by_turns(_ROUNDS, lambda _: spends(["hot"]), lambda _: spends(everybody))
        landed = before - _balance(database, "hot")
    name = f"one hot account ÷ {_CONNECTIONS} accounts, {_CONNECTIONS} connections"
    note = f"{_rate(hot)} and {_rate(spread)} spends per second"
    yield Row(f"{name}: throughput", median_ratio(_rates(hot), _rates(spread)), at_least(1.0), note)
    yield Row(f"{name}: p99", median_ratio(_p99s(hot), _p99s(spread)), at_most(1.0))
    yield Row("one hot account: spends that landed ÷ spends sent", landed / ((_ROUNDS + 1) * _CALLS), at_least(1.0))


def _two_instances(lab: Lab) -> Iterator[Row]:
    """Spends of one account over HTTP through two instances: ours, and two of the queue."""
    project, keys = lab.project(), count()
    tokens = (_ROUNDS + 2) * _CALLS
    lab.fund(project, {"hot": tokens})
    database = lab.database(project)
    QueueLedger(database).fund("queued", tokens)
    with ExitStack() as running:
        ours = [running.enter_context(lab.function("spend_tokens", project)).caller() for _ in range(2)]
        queue = [running.enter_context(lab.baseline("queue", "queue_spend", project)).caller() for _ in range(2)]

        def spends(callers: list[Caller], uid: str, calls: int) -> Run:
            both = [asks(caller, [wire.spend(uid, f"{next(keys)}") for _ in range(calls // 2)]) for caller in callers]
            return at_once([call for pair in zip(*both, strict=True) for call in pair], _CONNECTIONS)

        folded, queued = by_turns(
            _ROUNDS, lambda _: spends(ours, "hot", _CALLS), lambda _: spends(queue, "queued", _CALLS)
        )
    note = f"{_rate(folded)} and {_rate(queued)} spends per second"
    name = "one hot account, two instances ÷ two of the queue: throughput"
    yield Row(name, median_ratio(_rates(folded), _rates(queued)), at_least(4), note)


def _in_process(lab: Lab) -> Iterator[Row]:
    """The ledger alone, without HTTP: many threads on one account, and a spend that nobody else waits with."""
    project, keys = lab.project(), count()
    spends = 10 * _THREADS
    tokens = (_ROUNDS + 2) * spends + _LONE_SPENDS
    lab.fund(project, {"ours": tokens})
    database = lab.database(project)
    queue = QueueLedger(database)
    queue.fund("queued", tokens)
    ours = spender(database)

    def run(spend: Callable[[], object], calls: int, threads: int) -> Run:
        return at_once([spend] * calls, threads)

    def our_spend() -> object:
        return ours("ours", f"{next(keys)}")

    def queued_spend() -> object:
        return queue.spend("queued", f"{next(keys)}", 1)

    folded, queued = by_turns(
        _ROUNDS, lambda _: run(our_spend, spends, _THREADS), lambda _: run(queued_spend, spends, _THREADS)
    )
    note = f"{_rate(folded)} and {_rate(queued)} spends per second"
    name = f"in process, {_THREADS} threads on one account ÷ the queue: throughput"
    yield Row(name, median_ratio(_rates(folded), _rates(queued)), at_least(8), note)
    lone, lone_queued = alternately(_LONE_SPENDS, our_spend, queued_spend)
    lone_ms, lone_queued_ms = statistics.median(lone), statistics.median(lone_queued)
    note = f"{lone_ms:.2f} and {lone_queued_ms:.2f} ms"
    yield Row("in process, a lone spend ÷ the queue's: p50", lone_ms / lone_queued_ms, at_most(1.05), note)


def _credits(lab: Lab) -> Iterator[Row]:
    """Purchases of one account over HTTP, for some seconds: credit_tokens, and the monolith's webhook."""
    project, numbers = lab.project(), count()
    environment = environments.of_baseline("monolith")
    database = lab.database(project)
    acknowledged: list[Answer] = []
    with lab.function("credit_tokens", project) as credit, lab.monolith(environment, project) as monolith:
        monolith.wait_until_it_listens()
        pushed, posted = credit.caller(), monolith.caller()

        def credited() -> bool:
            acknowledged.append(pushed.ask(wire.push(wire.purchase("hot", next(numbers)))))
            return True

        def credited_by_monolith() -> bool:
            return posted.send(wire.webhook(wire.purchase("old", next(numbers)))).status == HTTPStatus.OK

        ours, old = by_turns(_WINDOWS, lambda _: _landed(credited), lambda _: _landed(credited_by_monolith))
    found = _balance(database, "hot") / wire.TOKENS
    rates = [run.per_second for run in ours], [run.per_second for run in old]
    note = f"{statistics.median(rates[0]):.1f} and {statistics.median(rates[1]):.1f} credits per second"
    yield Row(
        f"one hot account ÷ monolith, {_CONNECTIONS} connections: credits", median_ratio(*rates), at_least(10), note
    )
    yield Row("one hot account: credits found ÷ credits acknowledged", found / len(acknowledged), exactly(1))


@dataclass(frozen=True, slots=True)
class _Window:
    """How many credits landed within some seconds; the monolith's transactions hardly let one through."""

    landed: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Credits per second, as if at least one had landed."""
        return max(self.landed, 1) / self.seconds


def _landed(deliver: Callable[[], bool]) -> _Window:
    """Deliver on many connections until the time is up."""
    begun = time.perf_counter()

    def deliver_until_the_end(_connection: int) -> int:
        landed = 0
        while time.perf_counter() < begun + _WINDOW_S:
            landed += deliver()
        return landed

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        landed = sum(pool.map(deliver_until_the_end, range(_CONNECTIONS)))
    return _Window(landed, time.perf_counter() - begun)


def _balance(database: firestore.Client, uid: str) -> int:
    read = database.document(f"users/{uid}").get()
    return int((read.to_dict() or {}).get("tokenBalance", 0))


def _rates(runs: list[Run]) -> list[float]:
    return [run.per_second for run in runs]


def _rate(runs: list[Run]) -> str:
    return f"{statistics.median(_rates(runs)):.0f}"


def _p99s(runs: list[Run]) -> list[float]:
    return [percentile(run.each_ms, 99) for run in runs]
