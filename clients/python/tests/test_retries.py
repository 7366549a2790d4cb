"""Pauses grow, are random, respect the server's wish, and end with the budget."""

import pytest

from token_economy.errors import Unavailable
from token_economy.retries import Budget


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_pauses_double_up_to_five_seconds(clock: Clock) -> None:
    budget = Budget(1_000, clock=clock, up_to=lambda most: most)

    pauses = [budget.pause_s(Unavailable("down")) for _ in range(7)]

    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_pauses_are_random() -> None:
    pauses = {Budget(1_000).pause_s(Unavailable("down")) for _ in range(20)}

    assert len(pauses) > 10
    assert all(0 <= pause <= 0.2 for pause in pauses)


def test_a_pause_is_at_least_what_the_server_asked_for(clock: Clock) -> None:
    budget = Budget(1_000, clock=clock, up_to=lambda most: most / 2)

    assert budget.pause_s(Unavailable("busy", retry_after_s=5)) == 5.1


def test_the_error_is_raised_when_the_next_attempt_would_be_too_late(clock: Clock) -> None:
    budget = Budget(10, clock=clock, up_to=lambda _: 0.0)
    busy = Unavailable("busy", retry_after_s=6)
    assert budget.pause_s(busy) == 6
    clock.now += 6

    with pytest.raises(Unavailable) as raised:
        budget.pause_s(busy)

    assert raised.value is busy
    assert budget.left_s() == 4
