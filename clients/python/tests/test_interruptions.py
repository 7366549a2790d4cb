"""A job that is canceled or interrupted is charged what it used, and ends in bounded time."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

import anyio
import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message

from clients.python.tests.clients import URL, async_tokens_of, tokens_of
from clients.python.tests.fake_ledger import FakeLedger
from token_economy import AsyncTokens, Tokens, Unavailable

Reached = asyncio.Event


def reserved_job(tokens: AsyncTokens, used: int, reached: Reached) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a job that uses tokens, says so, and then waits for ever."""

    async def job() -> None:
        async with tokens.reserve("ada", 500, key="job-1", reason="chat") as running:
            running.use(used)
            reached.set()
            await asyncio.Event().wait()

    return job


class Gate:
    """A ledger whose answers to one path wait until the gate opens, and then arrive."""

    def __init__(self, ledger: FakeLedger, path: str) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self._ledger = ledger.transport()
        self._path = path

    def tokens(self, cleanup_budget_s: float = 10) -> AsyncTokens:
        """Return a client whose requests pass the gate."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        return AsyncTokens(URL, http=http, cleanup_budget_s=cleanup_budget_s)

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == self._path:
            self.reached.set()
            await self.opened.wait()
        return await self._ledger.handle_async_request(request)


@pytest.mark.parametrize("used", [0, 120, 500], ids=["before", "during", "after"])
def test_a_canceled_job_is_charged_what_it_used(ledger: FakeLedger, used: int) -> None:
    async def main() -> None:
        reached = Reached()
        task = asyncio.ensure_future(reserved_job(async_tokens_of(ledger), used, reached)())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())

    assert ledger.charged("job-1") == used
    assert ledger.reservations["job-1"].state == ("captured" if used else "released")


def test_a_job_that_times_out_is_charged_what_it_used(ledger: FakeLedger) -> None:
    async def main() -> None:
        async with asyncio.timeout(0.05):
            await reserved_job(async_tokens_of(ledger), 120, Reached())()

    with pytest.raises(TimeoutError):
        asyncio.run(main())

    assert ledger.charged("job-1") == 120


def test_a_charge_survives_further_cancellations(ledger: FakeLedger) -> None:
    async def main() -> None:
        gate, reached = Gate(ledger, "/reservations/capture"), Reached()
        task = asyncio.ensure_future(reserved_job(gate.tokens(), 120, reached)())
        await reached.wait()
        task.cancel()
        await gate.reached.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert ledger.charged("job-1") == 120


def test_a_client_that_disconnects_is_charged_what_was_used(ledger: FakeLedger) -> None:
    """Starlette cancels a response through anyio, which cancels again at every turn of the loop until it is obeyed."""

    async def main() -> None:
        gate, reached = Gate(ledger, "/reservations/capture"), Reached()
        async with anyio.create_task_group() as group:
            group.start_soon(reserved_job(gate.tokens(), 120, reached))
            await reached.wait()
            group.cancel_scope.cancel()
            asyncio.get_running_loop().call_later(0.05, gate.opened.set)

    asyncio.run(main())

    assert ledger.charged("job-1") == 120


def test_a_cancellation_ends_even_if_the_ledger_hangs(ledger: FakeLedger, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        gate, reached = Gate(ledger, "/reservations/capture"), Reached()
        task = asyncio.ensure_future(reserved_job(gate.tokens(cleanup_budget_s=0.1), 120, reached)())
        await reached.wait()
        task.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert time.monotonic() - started < 5
        assert raised.value.__notes__ == caplog.messages

    asyncio.run(main())

    assert "/reservations/capture" in caplog.text
    assert "failed" in caplog.text


def test_a_cancellation_during_the_charge_of_a_success_waits_for_it(ledger: FakeLedger) -> None:
    async def job(tokens: AsyncTokens) -> None:
        async with tokens.reserve("ada", 500, key="job-1", reason="chat") as running:
            running.use(320)

    async def main() -> None:
        gate = Gate(ledger, "/reservations/capture")
        task = asyncio.ensure_future(job(gate.tokens()))
        await gate.reached.wait()
        task.cancel()
        await asyncio.sleep(0)
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert ledger.charged("job-1") == 320


def test_a_cancellation_says_that_the_charge_it_waited_for_failed(ledger: FakeLedger) -> None:
    async def job(tokens: AsyncTokens) -> None:
        async with tokens.reserve("ada", 500, key="job-1", reason="chat") as running:
            running.use(320)

    async def main() -> None:
        gate = Gate(ledger, "/reservations/capture")
        task = asyncio.ensure_future(job(gate.tokens()))
        await gate.reached.wait()
        task.cancel()
        await asyncio.sleep(0)
        ledger.reservations["job-1"].state = "released"
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert "ReservationReleased" in raised.value.__notes__[0]

    asyncio.run(main())


def test_a_job_that_is_canceled_while_it_reserves_leaves_nothing_reserved(ledger: FakeLedger) -> None:
    async def main() -> None:
        gate = Gate(ledger, "/reservations")
        arrived = ledger.transport()
        task = asyncio.ensure_future(reserved_job(gate.tokens(), 0, Reached())())
        await gate.reached.wait()
        request = httpx.Request(
            "POST",
            f"{URL}/reservations",
            json={
                "user_id": "ada",
                "amount": 500,
                "idempotency_key": "job-1",
                "expires_in_s": 300,
                "on_expiry": "release",
            },
        )
        await arrived.handle_async_request(request)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert ledger.reservations["job-1"].state == "released"


async def answer(tokens: AsyncTokens, key: str = "job-1") -> AsyncGenerator[str]:
    async with tokens.reserve("ada", 50, key=key, reason="chat") as job:
        for word in ("one", "two", "three"):
            job.use(20)
            yield word


def test_a_generator_that_is_not_read_to_its_end_is_charged(ledger: FakeLedger) -> None:
    async def main() -> None:
        async with aclosing(answer(async_tokens_of(ledger))) as words:
            assert [await anext(words), await anext(words)] == ["one", "two"]

    asyncio.run(main())

    assert ledger.charged("job-1") == 40


@pytest.mark.filterwarnings("ignore:asynchronous generator:ResourceWarning")  # httpx has some of its own
def test_generators_that_are_left_when_the_loop_ends_are_charged(
    ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop closes all generators at once, in any order: one that held another would find it running."""
    keys = [f"job-{number}" for number in range(20)]
    left = [answer(async_tokens_of(ledger), key) for key in keys]

    async def main() -> None:
        assert [await anext(words) for words in left] == ["one"] * 20

    asyncio.run(main())

    assert [ledger.charged(key) for key in keys] == [20] * 20
    assert caplog.messages == []


@pytest.mark.parametrize("spec_version", ["2.0", "2.4"])
def test_a_streamed_response_whose_reader_disconnects_is_charged(ledger: FakeLedger, spec_version: str) -> None:
    """Starlette stops reading the generator, and leaves it to the garbage collector."""

    async def main() -> None:
        reading = asyncio.Event()

        async def receive() -> Message:
            await reading.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message.get("body") == b"two":
                reading.set()
                if spec_version == "2.4":
                    raise OSError("disconnected")
                await asyncio.Event().wait()

        scope = {"type": "http", "asgi": {"spec_version": spec_version}}
        with suppress(ClientDisconnect):
            await StreamingResponse(answer(async_tokens_of(ledger)))(scope, receive, send)
        async with asyncio.timeout(20):
            while not ledger.charged("job-1"):
                gc.collect()
                await asyncio.sleep(0.01)

    asyncio.run(main())

    assert ledger.charged("job-1") == 40


def test_a_renewal_that_hangs_does_not_delay_the_end(ledger: FakeLedger) -> None:
    async def main() -> None:
        gate = Gate(ledger, "/reservations/renew")
        async with gate.tokens().reserve("ada", 500, key="job-1", reason="chat", expires_in_s=1) as job:
            job.use(120)
            await gate.reached.wait()

    asyncio.run(main())

    assert ledger.charged("job-1") == 120


# --- code that blocks


@pytest.mark.parametrize("used", [0, 120, 500], ids=["before", "during", "after"])
def test_ctrl_c_charges_what_was_used(ledger: FakeLedger, used: int) -> None:
    before = threading.active_count()

    def job() -> None:
        with tokens_of(ledger).reserve("ada", 500, key="job-1", reason="chat") as running:
            running.use(used)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job()

    assert ledger.charged("job-1") == used
    assert ledger.reservations["job-1"].state == ("captured" if used else "released")
    assert threading.active_count() == before


def test_a_renewal_that_the_charge_overtakes_is_not_an_error(
    ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    renewing, charged = threading.Event(), threading.Event()
    arrived = ledger.transport()

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/reservations/renew":
            renewing.set()
            assert charged.wait(20)
        response = arrived.handle_request(request)
        if request.url.path == "/reservations/capture":
            charged.set()
        return response

    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        context = Tokens(URL, http=http).reserve("ada", 500, key="job-1", reason="chat", expires_in_s=1)
        with context as job:
            job.use(120)
            assert renewing.wait(20)

    assert ledger.paths()[-1] == "/reservations/renew"
    assert ledger.charged("job-1") == 120
    assert caplog.messages == []


def test_ctrl_c_while_reserving_leaves_nothing_reserved(ledger: FakeLedger) -> None:
    ledger.lose(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt), tokens_of(ledger).reserve("ada", 500, key="job-1", reason="chat"):
        pytest.fail("the model was called")

    assert ledger.reservations["job-1"].state == "released"


def test_ctrl_c_during_the_charge_of_a_success_charges_first(ledger: FakeLedger) -> None:
    def job() -> None:
        with tokens_of(ledger).reserve("ada", 500, key="job-1", reason="chat") as running:
            running.use(320)
            ledger.fail(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        job()

    assert ledger.charged("job-1") == 320


def test_an_error_while_reserving_leaves_the_key_to_the_next_attempt(ledger: FakeLedger) -> None:
    """Were the reservation released, a retry with the same key would be refused."""
    ledger.lose(httpx.ReadTimeout("slow"))
    impatient = tokens_of(ledger, budget_s=0)

    with pytest.raises(Unavailable), impatient.reserve("ada", 500, key="job-1", reason="chat"):
        pytest.fail("the model was called")

    assert ledger.reservations["job-1"].state == "open"
    with tokens_of(ledger).reserve("ada", 500, key="job-1", reason="chat") as running:
        running.use(320)

    assert ledger.charged("job-1") == 320
