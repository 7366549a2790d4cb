"""A job that runs under a reservation: what it may use, what it used, and until when it is covered. No I/O."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from operator import index

from token_economy import calls
from token_economy.errors import Refused, ReservationCaptured, ReservationExpired, ReservationReleased, TokensError
from token_economy.records import Reservation, ReservationAnswer, TransactionAnswer

EXPIRES_IN_S = 300

log = logging.getLogger("token_economy")

_PAUSE_LEAST_S = 1.0
_ENDED: dict[str, type[Refused]] = {
    "captured": ReservationCaptured,
    "released": ReservationReleased,
    "expired": ReservationExpired,
}


class Job:
    """What `reserve` hands to the body of a `with` block.

    Attributes:
        amount: the tokens that are reserved. Limit the job by it, such as with `max_tokens`: it may be less than
            what was asked for, and nothing beyond it is charged.
        reservation: the reservation as it was opened. Its `used` is what an earlier attempt with this key reported.
    """

    def __init__(self, user_id: str, reservation: Reservation) -> None:
        self.user_id = user_id
        self.reservation = reservation
        self.amount = reservation.amount
        self._used = 0

    @property
    def used(self) -> int:
        """The tokens that this job has used so far. They are charged at the end, whatever the end is."""
        return self._used

    @used.setter
    def used(self, tokens: int) -> None:
        whole = index(tokens)  # whoever counts in fractions must hear it now, and not when the job cannot be charged
        if whole < 0:
            raise ValueError(f"A job cannot use {tokens} tokens")
        self._used = whole

    def use(self, tokens: int) -> None:
        """Add to what was used."""
        self.used += tokens

    @property
    def chargeable(self) -> int:
        """What is charged if the job ends now: what it used, at most what is reserved."""
        return min(self._used, self.amount)

    @property
    def remaining(self) -> int:
        """The reserved tokens that are left; what the job uses beyond them is not charged."""
        return self.amount - self.chargeable

    def renewal(self, expires_in_s: int) -> calls.Call[ReservationAnswer]:
        """Return the call that extends the reservation and reports what was used."""
        return calls.renew(self.user_id, key=self.reservation.key, used=self.chargeable, expires_in_s=expires_in_s)

    def settlement(self) -> calls.Call[TransactionAnswer | ReservationAnswer]:
        """Return the call that ends the job: capture what was used, or release if that is nothing."""
        key = self.reservation.key
        if self._used > self.amount:
            log.warning("%s used %s tokens, of %s reserved", self, self._used, self.amount)
        if self.chargeable:
            return calls.capture(self.user_id, self.chargeable, key=key)
        return calls.release(self.user_id, key=key)

    def __str__(self) -> str:
        return f"Job {self.reservation.key} of user {self.user_id}"


def begin(user_id: str, reservation: Reservation) -> Job:
    """Return the job, if its reservation is open.

    Raises:
        ReservationCaptured, ReservationReleased, ReservationExpired: an earlier attempt with this key has ended.
    """
    if ended := _ENDED.get(reservation.state):
        message = f"Reservation {reservation.key} of user {user_id} has ended; it was charged {reservation.used} tokens"
        raise ended(f"reservation_{reservation.state}", message)
    return Job(user_id, reservation)


class Lifetime:
    """Until when the reservation of a job covers it, by this machine's monotonic clock."""

    def __init__(self, job: Job, expires_in_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._job = job
        self._clock = clock
        self._expires_in_s = expires_in_s
        # An earlier attempt may have opened it long ago. A wrong clock costs an early renewal at most.
        left_s = (job.reservation.expires_at - datetime.now(UTC)).total_seconds()
        self._end = clock() + min(left_s, expires_in_s)

    def pause_s(self) -> float:
        """Return how long to wait before the next renewal: half of the remaining time, so failures get several."""
        return max((self._end - self._clock()) / 2, min(_PAUSE_LEAST_S, self._expires_in_s / 4))

    def renewed(self, sent_at: float) -> None:
        """Note that a renewal, sent then, succeeded."""
        self._end = sent_at + self._expires_in_s

    def not_renewed(self, error: TokensError) -> None:
        """Note that a renewal got no answer."""
        log.warning("%s: not renewed, %.0f s are left: %s", self._job, self._end - self._clock(), error)

    def over(self, error: TokensError) -> None:
        """Note that the reservation cannot be renewed."""
        log.error("%s: its reservation has ended before it: %s", self._job, error)


def note_failure(call: calls.Call[object], error: TokensError, job_error: BaseException) -> None:
    """Record that the end of a failed job failed too: in the log, and on the error of the job itself."""
    message = f"{call.path} {dict(call.body)} failed: {error}"
    log.error(message)
    job_error.add_note(message)
