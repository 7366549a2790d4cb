"""A job under a reservation is charged what it used, whatever its end: both clients, on a ledger in memory.

tests/e2e/test_client.py has the same matrix on the product itself, and processes that are killed.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Protocol

import httpx
import pytest

from clients.python.tests.clients import Settings, async_tokens_of, tokens_of
from clients.python.tests.fake_ledger import FakeLedger, bodies, unavailable
from token_economy import (
    Job,
    NotEnoughTokens,
    ReservationCaptured,
    ReservationExpired,
    ReservationReleased,
    TooManyReservations,
    Unavailable,
)

Body = Callable[[Job], None]


class Run(Protocol):
    """Runs a body under a reservation of 500 tokens, or at least 100."""

    def __call__(
        self, ledger: FakeLedger, body: Body, *, settings: Settings | None = None, expires_in_s: int = 300
    ) -> None: ...


def run_blocking(ledger: FakeLedger, body: Body, *, settings: Settings | None = None, expires_in_s: int = 300) -> None:
    tokens = tokens_of(ledger, **(settings or Settings()))
    with tokens.reserve("ada", 500, at_least=100, key="job-1", reason="chat", expires_in_s=expires_in_s) as job:
        body(job)


def run_in_a_loop(ledger: FakeLedger, body: Body, *, settings: Settings | None = None, expires_in_s: int = 300) -> None:
    async def run() -> None:
        tokens = async_tokens_of(ledger, **(settings or Settings()))
        async with tokens.reserve(
            "ada", 500, at_least=100, key="job-1", reason="chat", expires_in_s=expires_in_s
        ) as job:
            # In a thread, so that the loop can renew while the body blocks.
            await asyncio.to_thread(body, job)

    asyncio.run(run())


@pytest.fixture(params=[run_blocking, run_in_a_loop], ids=["Tokens", "AsyncTokens"])
def run(request: pytest.FixtureRequest) -> Run:
    runner: Run = request.param
    return runner


def nothing(_: Job) -> None:
    """A body that uses nothing."""


def using(tokens: int, error: BaseException | None = None) -> Body:
    """Return a body that uses tokens, and then fails if there is an error."""

    def body(job: Job) -> None:
        job.use(tokens)
        if error is not None:
            raise error

    return body


class ModelError(Exception):
    """The model failed."""


# --- what is charged


@pytest.mark.parametrize("used", [1, 320, 500])
def test_a_job_that_succeeds_is_charged_what_it_used(run: Run, ledger: FakeLedger, used: int) -> None:
    run(ledger, using(used))

    assert ledger.charged("job-1") == used
    assert ledger.paths() == ["/reservations", "/reservations/capture"]


def test_a_job_that_uses_nothing_gives_its_reservation_back(run: Run, ledger: FakeLedger) -> None:
    run(ledger, nothing)

    assert ledger.charged("job-1") == 0
    assert ledger.reservations["job-1"].state == "released"


@pytest.mark.parametrize("used", [0, 120, 500], ids=["before", "during", "after"])
def test_an_error_is_settled_as_a_success_is(run: Run, ledger: FakeLedger, used: int) -> None:
    """ElizaOS #11169 settled on finish and on abort, but not on error: the reservation stayed."""
    error = ModelError()

    with pytest.raises(ModelError) as raised:
        run(ledger, using(used, error))

    assert raised.value is error
    assert ledger.charged("job-1") == used
    assert ledger.reservations["job-1"].state == ("captured" if used else "released")


def test_a_stream_that_breaks_is_charged_for_what_it_produced(run: Run, ledger: FakeLedger) -> None:
    """PageSpace #1593: "mid-stream error released the hold without billing what the provider had already burned"."""
    with pytest.raises(ModelError):
        run(ledger, using(120, ModelError()))

    assert "/reservations/release" not in ledger.paths()
    assert ledger.charged("job-1") == 120


def test_a_model_that_fails_before_its_first_token_costs_nothing(run: Run, ledger: FakeLedger) -> None:
    """Plandex #222, claude-code #51409, MiniMax #65: users were charged for errors."""
    with pytest.raises(ModelError):
        run(ledger, using(0, ModelError()))

    assert ledger.balances == {"ada": 1_000}


def test_a_job_is_never_charged_more_than_was_reserved(
    run: Run, ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    """ElizaOS #9904 reserved for 500 tokens and granted 4,096."""
    run(ledger, using(4_096))

    assert ledger.charged("job-1") == 500
    assert "Job job-1 of user ada used 4096 tokens, of 500 reserved" in caplog.messages


def test_a_user_who_can_pay_less_than_the_worst_case_is_served(run: Run) -> None:
    """OpenRouter's users: "requested up to 65536 tokens, but can only afford 30104"."""
    ledger = FakeLedger({"ada": 301})
    limits: list[int] = []

    def body(job: Job) -> None:
        limits.append(job.amount)
        job.use(job.remaining)

    run(ledger, body)

    assert limits == [301]
    assert ledger.balances == {"ada": 0}


def test_the_balance_does_not_move_while_a_job_runs(run: Run, ledger: FakeLedger) -> None:
    """sexyvoice #503: deduct, then refund "makes a failed generation look permanently charged"."""
    balances: list[int] = []

    run(ledger, lambda job: balances.append(ledger.balances["ada"]))

    assert balances == [1_000]


def test_a_job_may_set_what_it_used_and_correct_it(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(400)
        job.used = 320
        assert (job.used, job.remaining) == (320, 180)

    run(ledger, body)

    assert ledger.charged("job-1") == 320


def test_a_job_cannot_use_less_than_nothing(run: Run, ledger: FakeLedger) -> None:
    with pytest.raises(ValueError, match="-1"):
        run(ledger, using(-1))


def test_a_job_counts_in_whole_tokens(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(120)
        job.use(0.5)  # type: ignore[arg-type]  # what is tested

    with pytest.raises(TypeError):
        run(ledger, body)

    assert ledger.charged("job-1") == 120


@pytest.mark.parametrize("error", [None, ModelError()], ids=["success", "error"])
@pytest.mark.parametrize("used", [0, 120], ids=["nothing used", "used"])
def test_a_job_ends_with_one_call(run: Run, ledger: FakeLedger, used: int, error: Exception | None) -> None:
    """LibreChat #15879: the release of a reservation raced the charge of the abort."""
    with nullcontext() if error is None else pytest.raises(ModelError):
        run(ledger, using(used, error))

    [_, end] = ledger.paths()
    assert end == ("/reservations/capture" if used else "/reservations/release")


# --- when the body does not run


def test_a_user_with_too_few_tokens_is_refused_before_the_model_is_called(run: Run) -> None:
    ledger = FakeLedger({"ada": 99})

    with pytest.raises(NotEnoughTokens):
        run(ledger, lambda _: pytest.fail("the model was called"))

    assert ledger.paths() == ["/reservations"]


def test_no_answer_never_means_yes(run: Run, ledger: FakeLedger) -> None:
    """Autumn's check() answers {allowed: true} by default when it cannot ask; LiteLLM's budgets leak."""
    ledger.fail(*[httpx.ConnectError("refused")] * 1_000)

    with pytest.raises(Unavailable):
        run(ledger, lambda _: pytest.fail("the model was called"), settings={"budget_s": 0.1})


def test_the_cap_on_open_reservations_is_an_error_at_once(run: Run, ledger: FakeLedger) -> None:
    ledger.fail(httpx.Response(429, json={"error": {"code": "too_many_reservations", "message": "50 are open"}}))

    with pytest.raises(TooManyReservations):
        run(ledger, lambda _: pytest.fail("the model was called"))


def test_a_retry_after_the_capture_does_not_run_the_job_again(run: Run, ledger: FakeLedger) -> None:
    run(ledger, using(320))

    with pytest.raises(ReservationCaptured):
        run(ledger, lambda _: pytest.fail("the model was called again"))

    assert ledger.charged("job-1") == 320
    assert ledger.balances == {"ada": 680}


@pytest.mark.parametrize(("state", "error"), [("released", ReservationReleased), ("expired", ReservationExpired)])
def test_a_key_whose_reservation_has_ended_does_not_run_the_job(
    run: Run, ledger: FakeLedger, state: str, error: type[Exception]
) -> None:
    run(ledger, nothing)
    ledger.reservations["job-1"].state = state

    with pytest.raises(error):
        run(ledger, lambda _: pytest.fail("the model was called"))


def test_a_second_attempt_takes_over_an_open_reservation(run: Run, ledger: FakeLedger) -> None:
    """The process of the first one was killed, and the queue delivered its message again."""
    tokens_of(ledger).open_reservation("ada", 500, at_least=100, key="job-1", reason="chat")
    tokens_of(ledger).renew("ada", key="job-1", used=120)
    reported: list[int] = []

    def body(job: Job) -> None:
        reported.append(job.reservation.used)
        job.use(320)

    run(ledger, body)

    assert reported == [120]
    assert ledger.balances == {"ada": 680}


# --- when the end fails


def test_an_answer_to_the_capture_that_was_lost_charges_once(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(320)
        ledger.lose(httpx.ReadTimeout("slow"), unavailable())

    run(ledger, body)

    assert ledger.paths().count("/reservations/capture") == 3
    assert ledger.balances == {"ada": 680}


def test_a_capture_that_fails_after_a_success_raises(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(320)
        ledger.fail(*[httpx.ConnectError("refused")] * 1_000)

    with pytest.raises(Unavailable):
        run(ledger, body, settings={"budget_s": 0.1})


def test_a_capture_that_fails_does_not_replace_the_error_of_the_job(
    run: Run, ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    def body(job: Job) -> None:
        job.use(320)
        ledger.fail(*[httpx.ConnectError("refused")] * 1_000)
        raise ModelError

    started = time.monotonic()
    with pytest.raises(ModelError) as raised:
        run(ledger, body, settings={"cleanup_budget_s": 0.1})
    assert time.monotonic() - started < 20, "it took the budget of a call"

    [note] = raised.value.__notes__
    assert "/reservations/capture {'user_id': 'ada', 'idempotency_key': 'job-1', 'amount': 320} failed" in note
    assert [(record.name, record.levelno) for record in caplog.records] == [("token_economy", logging.ERROR)]
    assert caplog.messages == [note]


def test_a_capture_for_a_failed_job_is_tried_again(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(320)
        ledger.fail(unavailable(), httpx.ConnectError("refused"))
        raise ModelError

    with pytest.raises(ModelError):
        run(ledger, body)

    assert ledger.charged("job-1") == 320


# --- renewals


def wait_until(condition: Callable[[], bool]) -> None:
    """Block until the condition holds; fail if it does not within 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.01)


def renewals(ledger: FakeLedger) -> list[int]:
    """Return what each renewal reported as used."""
    return [body["used"] for body in bodies(ledger, "/reservations/renew")]


def test_a_long_job_stays_covered_and_reports_what_it_used(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(120)
        wait_until(lambda: len(renewals(ledger)) >= 2)
        job.use(200)

    run(ledger, body, expires_in_s=1)

    assert set(renewals(ledger)) <= {120, 320}
    assert renewals(ledger)[0] == 120
    assert ledger.charged("job-1") == 320


def test_a_short_job_is_not_renewed(run: Run, ledger: FakeLedger) -> None:
    run(ledger, using(320))

    assert renewals(ledger) == []


def test_a_renewal_reports_at_most_what_is_reserved(run: Run, ledger: FakeLedger) -> None:
    def body(job: Job) -> None:
        job.use(4_096)
        wait_until(lambda: bool(renewals(ledger)))

    run(ledger, body, expires_in_s=1)

    assert set(renewals(ledger)) == {500}


def test_a_renewal_without_an_answer_is_tried_again_before_the_end(
    run: Run, ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    def body(job: Job) -> None:
        ledger.fail(unavailable())
        job.use(120)
        wait_until(lambda: len(renewals(ledger)) >= 2)

    run(ledger, body, expires_in_s=2)

    assert ledger.charged("job-1") == 120
    assert [message for message in caplog.messages if "Job job-1 of user ada: not renewed" in message]


def test_a_reservation_that_ended_under_a_running_job_is_reported(
    run: Run, ledger: FakeLedger, caplog: pytest.LogCaptureFixture
) -> None:
    def body(job: Job) -> None:
        ledger.reservations["job-1"].state = "released"
        job.use(120)
        wait_until(lambda: "its reservation has ended before it" in caplog.text)
        time.sleep(0.6)  # longer than the next renewal would wait

    with pytest.raises(ReservationReleased):
        run(ledger, body, expires_in_s=1)

    assert len(renewals(ledger)) == 1
