"""Group commit: who waits for whom, and whose fault is whose."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from shared.adapters.firestore.folding import Group, GroupQueue
from shared.domain.errors import Unavailable

HERE_S = 5.0


class Handler:
    """Handles groups one by one when it is let, and remembers them."""

    def __init__(self) -> None:
        self.group_max = 100
        self.groups: list[tuple[str, list[object]]] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def __call__(self, key: str, group: Group) -> None:
        self.groups.append((key, group.requests(self.group_max)))
        self.entered.release()
        assert self.gate.acquire(timeout=HERE_S)
        for slot in group.slots:
            if slot.request == "bad":
                slot.fail(ValueError("bad"))
            elif slot.request == "broken":
                raise OSError("the whole group fails")
            else:
                slot.succeed(f"{slot.request} done")


@pytest.fixture
def handler() -> Handler:
    return Handler()


def queue_of(handler: Handler, *, gather_s: float = 0.0, patience_s: float = HERE_S) -> GroupQueue:
    return GroupQueue(handler, gather_s=gather_s, patience_s=patience_s)


def line_up(queue: GroupQueue, pool: ThreadPoolExecutor, *requests: str, key: str = "ada") -> list["Future[object]"]:
    """Start a caller per request; each is in line before the next one comes."""
    futures = []
    for request in requests:
        waiting = sum(len(line.waiting) for line in queue._lines.values())
        futures.append(pool.submit(queue.run, key, request))
        if key in queue._lines:
            deadline = time.monotonic() + HERE_S
            while sum(len(line.waiting) for line in queue._lines.values()) == waiting and time.monotonic() < deadline:
                time.sleep(0.001)
    return futures


def test_those_who_wait_are_handled_together(handler: Handler) -> None:
    queue = queue_of(handler)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        others = line_up(queue, pool, "2", "3", "4")
        handler.gate.release(2)

        assert [future.result(HERE_S) for future in (first, *others)] == ["1 done", "2 done", "3 done", "4 done"]

    assert handler.groups == [("ada", ["1"]), ("ada", ["2", "3", "4"])]
    assert queue._lines == {}


def test_a_group_is_bounded(handler: Handler) -> None:
    handler.group_max = 2
    queue = queue_of(handler)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        others = line_up(queue, pool, "2", "3", "4")
        handler.gate.release(3)
        for future in (first, *others):
            future.result(HERE_S)

    assert [requests for _, requests in handler.groups] == [["1"], ["2", "3"], ["4"]]


def test_other_keys_do_not_wait(handler: Handler) -> None:
    queue = queue_of(handler)
    with ThreadPoolExecutor() as pool:
        ada = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        bob = pool.submit(queue.run, "bob", "1")
        assert handler.entered.acquire(timeout=HERE_S), "bob is handled while ada's group is"
        handler.gate.release(2)

        assert (ada.result(HERE_S), bob.result(HERE_S)) == ("1 done", "1 done")


def test_a_fault_of_one_is_its_own(handler: Handler) -> None:
    queue = queue_of(handler)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        good, bad = line_up(queue, pool, "good", "bad")
        handler.gate.release(2)

        assert (first.result(HERE_S), good.result(HERE_S)) == ("1 done", "good done")
        with pytest.raises(ValueError, match="bad"):
            bad.result(HERE_S)


def test_a_fault_of_the_group_reaches_all_that_wait_and_the_next_group_is_handled(handler: Handler) -> None:
    handler.group_max = 2
    queue = queue_of(handler)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        broken, beside, after = line_up(queue, pool, "broken", "beside", "after")
        handler.gate.release(3)

        assert first.result(HERE_S) == "1 done"
        for future in (broken, beside):
            with pytest.raises(OSError, match="whole group"):
                future.result(HERE_S)
        assert after.result(HERE_S) == "after done"


def test_who_waits_too_long_is_told_so_and_nothing_is_done(handler: Handler) -> None:
    queue = queue_of(handler, patience_s=0.05)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)

        with pytest.raises(Unavailable) as raised:
            queue.run("ada", "2")

        assert raised.value.code == "account_busy"
        handler.gate.release()
        assert first.result(HERE_S) == "1 done"
    assert handler.groups == [("ada", ["1"])]


def test_lone_callers_never_wait(handler: Handler) -> None:
    queue = queue_of(handler, gather_s=60.0)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        [second] = line_up(queue, pool, "2")
        handler.gate.release(3)

        assert [future.result(HERE_S) for future in (first, second)] == ["1 done", "2 done"]
    assert queue.run("ada", "3") == "3 done"


def test_those_who_come_back_at_once_are_waited_for(handler: Handler) -> None:
    queue = queue_of(handler, gather_s=HERE_S * 2)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        leader, *others = line_up(queue, pool, "2", "3", "4")
        handler.gate.release(3)
        first.result(HERE_S)

        assert [other.result(HERE_S) for other in others] == ["3 done", "4 done"]
        line_up(queue, pool, "5")
        assert not leader.done(), "two were answered, and one is back"
        handler.group_max = 1  # the last ones are not to wait for anybody
        line_up(queue, pool, "6")
        leader.result(HERE_S)

    assert [requests for _, requests in handler.groups] == [["1"], ["2", "3", "4"], ["5"], ["6"]]
    assert queue._lines == {}


def test_those_who_do_not_come_back_are_not_waited_for_long(handler: Handler) -> None:
    queue = queue_of(handler, gather_s=0.05)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        others = line_up(queue, pool, "2", "3")
        handler.gate.release(2)

        assert [future.result(HERE_S) for future in (first, *others)] == ["1 done", "2 done", "3 done"]
    assert queue._lines == {}


def test_a_leader_who_is_interrupted_while_it_waits_hands_over(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_line: object, _expected: int) -> None:
        raise KeyboardInterrupt

    queue = queue_of(handler)
    monkeypatch.setattr(queue, "_gather", interrupted)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(queue.run, "ada", "1")
        assert handler.entered.acquire(timeout=HERE_S)
        leader, other = line_up(queue, pool, "2", "3")
        handler.gate.release(2)

        assert [first.result(HERE_S), other.result(HERE_S)] == ["1 done", "3 done"]
        with pytest.raises(KeyboardInterrupt):
            leader.result(HERE_S)
    assert queue._lines == {}


def test_whoever_comes_while_a_group_is_handled_may_join_it() -> None:
    entered, gate, rounds = threading.Semaphore(0), threading.Semaphore(0), []

    def handle(_key: str, group: Group) -> None:
        """Ask for the requests three times, as a commit that loses twice does."""
        for _ in range(3):
            rounds.append(group.requests(3))
            entered.release()
            assert gate.acquire(timeout=HERE_S)
        for slot in group.slots:
            slot.succeed(f"{slot.request} done")

    queue = GroupQueue(handle, gather_s=0.0, patience_s=HERE_S)
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(queue.run, "ada", "1")]
        for requests in (("2",), ("3", "4"), ()):
            assert entered.acquire(timeout=HERE_S)
            futures += line_up(queue, pool, *requests)
            gate.release()
        gate.release(3)

        assert [future.result(HERE_S) for future in futures] == ["1 done", "2 done", "3 done", "4 done"]
    assert rounds[:4] == [["1"], ["1", "2"], ["1", "2", "3"], ["4"]]
