"""How often a user, and all users of an instance, may ask."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.rate import Rate
from shared.runtime import throttle
from shared.runtime.throttle import Throttle

MANY = Rate(10_000)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(
    most=st.integers(1, 5),
    pauses=st.lists(st.integers(0, 120).map(lambda quarters: quarters / 4), max_size=40),
)
def test_no_window_has_more_than_the_rate_allows_and_nobody_waits_too_long(most: int, pauses: list[float]) -> None:
    rate, now = Rate(most), 0.0
    times: tuple[float, ...] = ()
    done: list[float] = []
    for pause in pauses:
        now += pause
        wait_s = rate.wait_s(times, now)
        if wait_s:
            assert len([one for one in done if one > now - rate.window_s]) == most
            assert rate.wait_s(times, now + wait_s) == 0
            assert rate.wait_s(times, now + wait_s - 1) > 0
        else:
            times = rate.remember(times, now)
            done.append(now)
        assert len(times) <= most
    for one in done:
        assert len([other for other in done if one <= other < one + rate.window_s]) <= most


def test_each_user_has_a_rate_of_their_own_and_gets_it_back() -> None:
    clock = Clock()
    brake = Throttle(Rate(2), MANY, seconds=clock)

    assert [brake.wait_s("ada") for _ in range(3)] == [0, 0, 60]
    assert brake.wait_s("bob") == 0
    clock.now += 59.5
    assert brake.wait_s("ada") == 1
    clock.now += 0.5
    assert [brake.wait_s("ada") for _ in range(3)] == [0, 0, 60]


def test_what_is_refused_is_not_counted() -> None:
    clock = Clock()
    brake = Throttle(Rate(1), Rate(2), seconds=clock)

    assert [brake.wait_s("ada") for _ in range(10)] == [0] + [60] * 9
    assert brake.wait_s("bob") == 0
    assert brake.wait_s("cleo") == 60


def test_users_without_end_take_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "USERS_MAX", 3)
    brake = Throttle(Rate(2), MANY, seconds=Clock())
    for uid in ("ada", "bob", "cleo", "ada", "dora"):
        brake.wait_s(uid)

    assert brake.wait_s("ada") > 0, "whose last request is recent is remembered"
    assert [brake.wait_s("bob") for _ in range(2)] == [0, 0], "whose last request is the oldest is forgotten"


def test_threads_share_one_count() -> None:
    brake = Throttle(Rate(50), MANY, seconds=Clock())

    with ThreadPoolExecutor(20) as threads:
        waits = list(threads.map(lambda _: brake.wait_s("ada"), range(400)))

    assert waits.count(0) == 50
