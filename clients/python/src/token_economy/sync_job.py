"""The context of a job under a reservation, for code that blocks."""

import threading
import time
from types import TracebackType

from token_economy import calls
from token_economy.calls import Answer, Call
from token_economy.channel import Channel
from token_economy.errors import Refused, TokensError, Unavailable
from token_economy.jobs import Job, Lifetime, begin, note_failure
from token_economy.records import ReservationAnswer


class JobContext:
    """Reserves on entry, renews meanwhile, in a thread of its own, and charges on exit."""

    def __init__(
        self,
        channel: Channel,
        opening: Call[ReservationAnswer],
        *,
        user_id: str,
        key: str,
        expires_in_s: int,
        budget_s: float,
        cleanup_budget_s: float,
    ) -> None:
        self._channel = channel
        self._opening = opening
        self._user_id = user_id
        self._key = key
        self._expires_in_s = expires_in_s
        self._budget_s = budget_s
        self._cleanup_budget_s = cleanup_budget_s
        self._over = threading.Event()

    def __enter__(self) -> Job:
        answer = self._send_or(calls.release(self._user_id, key=self._key), self._opening)
        self._job = begin(self._user_id, answer.reservation)
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._renewing.start()
        return self._job

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        try:
            if error is None:
                self._send_or(self._job.settlement(), self._job.settlement())
            else:
                self._clean_up(self._job.settlement(), error)
        finally:
            self._renewing.join()

    def _send_or(self, if_interrupted: Call[object], call: Call[Answer]) -> Answer:
        """Return the answer. When Ctrl-C interrupts it, nobody knows what the call did: make sure of the other one."""
        try:
            return self._channel.send(call, self._budget_s)
        except (KeyboardInterrupt, SystemExit) as interruption:
            self._clean_up(if_interrupted, interruption)
            raise

    def _clean_up(self, call: Call[object], job_error: BaseException) -> None:
        """End the reservation of a job that failed. The job's own error is the one to raise, whatever comes of this."""
        try:
            self._channel.send(call, self._cleanup_budget_s)
        except TokensError as error:
            note_failure(call, error, job_error)

    def _renew(self) -> None:
        lifetime = Lifetime(self._job, self._expires_in_s)
        while not self._over.wait(lifetime.pause_s()):
            sent_at = time.monotonic()
            try:
                self._channel.attempt(self._job.renewal(self._expires_in_s), self._cleanup_budget_s)
            except Unavailable as error:
                lifetime.not_renewed(error)
            except Refused as error:
                if not self._over.is_set():  # else the end of the job has overtaken this renewal
                    lifetime.over(error)
                return
            else:
                lifetime.renewed(sent_at)
