"""When a reservation is renewed: at half of what remains, whoever opened it and whenever."""

from datetime import UTC, datetime, timedelta

import pytest

from token_economy.jobs import Job, Lifetime
from token_economy.records import Reservation


class Clock:
    """A monotonic clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lifetime(clock: Clock, *, left_s: float, expires_in_s: int = 300) -> Lifetime:
    """Return the lifetime of a reservation that the server lets expire in so many seconds."""
    expires_at = datetime.now(UTC) + timedelta(seconds=left_s)
    return Lifetime(Job("ada", Reservation("job-1", 500, 0, "open", expires_at)), expires_in_s, clock=clock)


def test_a_new_reservation_is_renewed_at_half_of_its_life(clock: Clock) -> None:
    assert lifetime(clock, left_s=300).pause_s() == pytest.approx(150, abs=5)


def test_one_that_an_earlier_attempt_opened_is_renewed_at_half_of_what_is_left(clock: Clock) -> None:
    assert lifetime(clock, left_s=60).pause_s() == pytest.approx(30, abs=5)


@pytest.mark.parametrize(("left_s", "pause_s"), [(4_000, 150), (-3_400, 1)], ids=["behind", "ahead"])
def test_a_clock_that_is_an_hour_wrong_renews_in_time(clock: Clock, left_s: int, pause_s: int) -> None:
    life = lifetime(clock, left_s=left_s)
    assert life.pause_s() == pause_s

    life.renewed(clock.now)

    assert life.pause_s() == 150


def test_a_life_counts_from_when_its_renewal_was_sent(clock: Clock) -> None:
    life = lifetime(clock, left_s=300)
    clock.now += 170
    life.renewed(sent_at=clock.now - 20)

    assert life.pause_s() == 140


def test_failed_renewals_come_closer_and_closer(clock: Clock) -> None:
    life = lifetime(clock, left_s=4_000)
    pauses = []
    for _ in range(9):
        pauses.append(life.pause_s())
        clock.now += pauses[-1]

    assert pauses == [150, 75, 37.5, 18.75, 9.375, 4.6875, 2.34375, 1.171875, 1.0]


def test_the_shortest_life_is_renewed_in_time(clock: Clock) -> None:
    assert lifetime(clock, left_s=1, expires_in_s=1).pause_s() == pytest.approx(0.5, abs=0.25)
