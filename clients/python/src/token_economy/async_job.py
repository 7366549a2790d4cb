"""The context of a job under a reservation, for asyncio."""

import asyncio
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from token_economy import calls
from token_economy.calls import Answer, Call
from token_economy.channel import AsyncChannel
from token_economy.errors import Refused, TokensError, Unavailable
from token_economy.jobs import Job, Lifetime, begin, note_failure
from token_economy.records import ReservationAnswer


class AsyncJobContext:
    """Reserves on entry, renews meanwhile, and charges on exit.

    A class, not an async generator: a loop that ends closes all generators at once, and that of somebody who stopped
    reading would fail, because this one inside of it is being closed already.
    """

    def __init__(
        self,
        channel: AsyncChannel,
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

    async def __aenter__(self) -> Job:
        try:
            answer = await self._channel.send(self._opening, self._budget_s)
        except asyncio.CancelledError as cancellation:  # nobody knows whether the request has arrived
            await _to_its_end(self._clean_up(calls.release(self._user_id, key=self._key), cancellation))
            raise
        self._job = begin(self._user_id, answer.reservation)
        self._renewing = asyncio.create_task(self._renew())
        return self._job

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await _to_its_end(self._end(error))

    async def _end(self, error: BaseException | None) -> None:
        self._renewing.cancel()
        await asyncio.wait({self._renewing})
        if error is None:
            await self._channel.send(self._job.settlement(), self._budget_s)
        else:
            await self._clean_up(self._job.settlement(), error)

    async def _clean_up(self, call: Call[object], job_error: BaseException) -> None:
        """End the reservation of a job that failed. The job's own error is the one to raise, whatever comes of this."""
        try:
            await self._channel.send(call, self._cleanup_budget_s)
        except TokensError as error:
            note_failure(call, error, job_error)

    async def _renew(self) -> None:
        lifetime = Lifetime(self._job, self._expires_in_s)
        while True:
            await asyncio.sleep(lifetime.pause_s())
            sent_at = time.monotonic()
            try:
                await self._channel.attempt(self._job.renewal(self._expires_in_s), self._cleanup_budget_s)
            except Unavailable as error:
                lifetime.not_renewed(error)
            except Refused as error:
                lifetime.over(error)
                return
            else:
                lifetime.renewed(sent_at)


async def _to_its_end(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what the work returns. If this is canceled meanwhile, the work still ends first.

    A cancellation may be repeated until it is obeyed, as anyio's are (and so Starlette's, when a client disconnects).
    """
    task = asyncio.create_task(work)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is None:
        return task.result()
    if failure := task.exception():
        cancellation.add_note(f"What it interrupted had failed: {failure!r}")
    raise cancellation
