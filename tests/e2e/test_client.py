"""The Python client on the running product: a job is charged what it used, whatever ends it and whenever."""

import asyncio
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
import pytest
from google.cloud import firestore

from clients.python.tests.fake_ledger import FakeLedger
from local.stack import Stack
from tests.e2e import client_job
from tests.e2e.buyer import eventually
from token_economy import (
    AsyncTokens,
    NotEnoughTokens,
    Refused,
    ReservationAnswer,
    ReservationCaptured,
    ReservationExpired,
    Tokens,
    TooManyReservations,
    TransactionAnswer,
)
from topology.functions import ROOT

KINDS = ("Tokens", "AsyncTokens")
STAGES = {"before": 0, "during": 120, "after": 320}
LIFETIME_S = 10

each_kind = pytest.mark.parametrize("kind", KINDS)
each_stage = pytest.mark.parametrize("used", STAGES.values(), ids=STAGES)


class ModelError(Exception):
    """The model failed."""


@dataclass(frozen=True)
class User:
    """A user with 1,000 tokens, and what the ledger knows about them."""

    uid: str
    url: str
    database: firestore.Client

    def charged(self, key: str) -> int:
        """Return how many tokens were taken under a key."""
        entry = self.database.document(f"transactions/spend:{self.uid}:{key}").get()
        return -int(entry.get("amount")) if entry.exists else 0

    def reported(self, key: str) -> int | None:
        """Return what the open reservation under a key is known to have used; None when there is none."""
        account = self.database.document(f"accounts/{self.uid}").get().to_dict() or {}
        reservation = account.get("reservations", {}).get(key)
        return None if reservation is None else int(reservation["used"])

    def tokens(self) -> tuple[int, int]:
        """Return the balance, and what is available of it, as the ledger decides now."""
        with Tokens(self.url) as tokens:
            probe = tokens.open_reservation(self.uid, 1, key=uuid.uuid4().hex, reason="probe")
            tokens.release(self.uid, key=probe.reservation.key)
        return probe.balance, probe.available + 1


@pytest.fixture(autouse=True)
def no_running_loop() -> Iterator[None]:
    """Let a test run an event loop: Playwright leaves one running in the process that it has tested pages in."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)


@pytest.fixture(scope="module")
def tokens(stack: Stack) -> Iterator[Tokens]:
    functions = stack.endpoints.functions
    with Tokens(functions["spend_tokens"], grants_url=functions["grant_tokens"]) as tokens:
        yield tokens


def new_user(stack: Stack, database: firestore.Client, tokens: Tokens) -> User:
    uid = f"user-{uuid.uuid4().hex}"
    tokens.grant(uid, 1_000, key="gift", reason="test")
    return User(uid, stack.endpoints.functions["spend_tokens"], database)


@pytest.fixture
def user(stack: Stack, database: firestore.Client, tokens: Tokens) -> User:
    return new_user(stack, database, tokens)


def run(kind: str, user: User, used: int, error: BaseException | None) -> None:
    """Run a job that uses tokens, and then fails if there is an error; a CancelledError comes from outside."""
    if kind == "Tokens":
        with Tokens(user.url) as tokens, tokens.reserve(user.uid, 500, key="job-1", reason="chat") as job:
            job.use(used)
            if error is not None:
                raise error
    else:
        asyncio.run(run_in_a_loop(user, used, error))


async def run_in_a_loop(user: User, used: int, error: BaseException | None) -> None:
    async with AsyncTokens(user.url) as tokens, tokens.reserve(user.uid, 500, key="job-1", reason="chat") as job:
        job.use(used)
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.Event().wait()
        if error is not None:
            raise error


# --- {before, during, after the model call} x {success, exception, cancellation, kill -9}


@each_kind
@each_stage
def test_a_job_that_succeeds_is_charged_what_it_used(user: User, kind: str, used: int) -> None:
    run(kind, user, used, None)

    assert user.charged("job-1") == used
    assert user.tokens() == (1_000 - used, 1_000 - used)


@each_kind
@each_stage
def test_a_job_that_fails_is_charged_what_it_used(user: User, kind: str, used: int) -> None:
    with pytest.raises(ModelError):
        run(kind, user, used, ModelError())

    assert user.charged("job-1") == used
    assert user.tokens() == (1_000 - used, 1_000 - used)


@each_kind
@each_stage
def test_a_job_that_is_canceled_is_charged_what_it_used(user: User, kind: str, used: int) -> None:
    cancellation = KeyboardInterrupt() if kind == "Tokens" else asyncio.CancelledError()

    with pytest.raises(type(cancellation)):
        run(kind, user, used, cancellation)

    assert user.charged("job-1") == used
    assert user.tokens() == (1_000 - used, 1_000 - used)


@pytest.fixture(scope="module")
def killed(stack: Stack, database: firestore.Client, tokens: Tokens) -> dict[tuple[str, int], User]:
    """Users whose jobs were killed after a renewal had reported what they used; all run at once, to wait only once."""

    def kill(kind: str, used: int) -> User:
        user = new_user(stack, database, tokens)
        command = (kind, user.url, user.uid, "job-1", str(used), str(LIFETIME_S))
        with subprocess.Popen(
            (sys.executable, client_job.__file__, *command),
            env={**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")},
        ) as process:
            try:
                eventually(lambda: user.reported("job-1") == used)
            finally:
                process.kill()
        assert user.charged("job-1") == 0
        return user

    cases = list(product(KINDS, STAGES.values()))
    with ThreadPoolExecutor(len(cases)) as pool:
        return dict(zip(cases, pool.map(lambda case: kill(*case), cases), strict=True))


@each_kind
@each_stage
def test_a_job_that_is_killed_is_charged_what_it_reported(
    killed: dict[tuple[str, int], User], tokens: Tokens, kind: str, used: int
) -> None:
    user = killed[kind, used]

    eventually(lambda: user.tokens() == (1_000 - used, 1_000 - used))

    assert user.charged("job-1") == used
    again = tokens.reserve(user.uid, 500, key="job-1", reason="chat", expires_in_s=LIFETIME_S)
    with pytest.raises(ReservationExpired, match=f"charged {used} tokens"), again:
        pytest.fail("the model was called")


# --- what the reservation promises


def test_a_long_job_outlives_the_lifetime_of_its_reservation(user: User, tokens: Tokens) -> None:
    lifetime_s = 2
    with tokens.reserve(user.uid, 500, key="job-1", reason="chat", expires_in_s=lifetime_s) as job:
        job.use(120)
        eventually(lambda: user.reported("job-1") == 120)
        job.use(200)
        eventually(lambda: user.reported("job-1") == 320)

    assert user.charged("job-1") == 320


def test_a_user_who_can_pay_less_than_the_worst_case_is_served(user: User, tokens: Tokens) -> None:
    with tokens.reserve(user.uid, 65_536, at_least=100, key="job-1", reason="chat") as job:
        assert job.amount == 1_000
        job.use(30)

    assert user.tokens() == (970, 970)


def test_a_user_with_too_few_tokens_is_refused_before_the_model_is_called(user: User, tokens: Tokens) -> None:
    with (
        pytest.raises(NotEnoughTokens, match="1000 tokens"),
        tokens.reserve(user.uid, 65_536, at_least=1_001, key="job-1", reason="chat"),
    ):
        pytest.fail("the model was called")


@each_kind
def test_a_retry_after_the_capture_neither_runs_nor_reserves(user: User, kind: str) -> None:
    run(kind, user, 320, None)

    with pytest.raises(ReservationCaptured, match="charged 320 tokens"):
        run(kind, user, 100, None)

    assert user.tokens() == (680, 680)


def test_fifty_jobs_of_a_user_may_run_at_once(user: User, tokens: Tokens) -> None:
    for number in range(50):
        tokens.open_reservation(user.uid, 1, key=f"job-{number}", reason="chat")

    with pytest.raises(TooManyReservations) as raised:
        tokens.open_reservation(user.uid, 1, key="job-50", reason="chat")

    assert 0 < raised.value.retry_after_s <= 301  # whole seconds, never too few


def test_a_charge_waits_for_a_ledger_that_is_away(stack: Stack, user: User) -> None:
    with ThreadPoolExecutor(1) as pool, Tokens(user.url, budget_s=120) as tokens:
        with tokens.reserve(user.uid, 500, key="job-1", reason="chat") as job:
            job.use(320)
            stack.stop("spend_tokens")
            starting = pool.submit(stack.start, "spend_tokens")
        starting.result()

    assert user.charged("job-1") == 320


# --- the client's other promises


def outcomes(tokens: Tokens, uid: str) -> list[object]:
    """Return what becomes of a series of calls."""
    found: list[object] = []

    def note(answer: TransactionAnswer | ReservationAnswer) -> None:
        account = (answer.balance, answer.available)
        if isinstance(answer, TransactionAnswer):
            found.append(
                (answer.transaction.type, answer.transaction.amount, answer.transaction.balance_after, account)
            )
        else:
            one = answer.reservation
            found.append((one.key, one.amount, one.used, one.state, account))

    calls: list[Callable[[], TransactionAnswer | ReservationAnswer]] = [
        lambda: tokens.spend(uid, 30, key="picture-1", reason="one picture"),
        lambda: tokens.spend(uid, 30, key="picture-1", reason="one picture"),
        lambda: tokens.open_reservation(uid, 500, at_least=100, key="job-1", reason="chat"),
        lambda: tokens.open_reservation(uid, 500, at_least=100, key="job-1", reason="chat"),
        lambda: tokens.open_reservation(uid, 400, at_least=100, key="job-1", reason="chat"),
        lambda: tokens.open_reservation(uid, 500, at_least=480, key="job-2", reason="chat"),
        lambda: tokens.renew(uid, key="job-1", used=120),
        lambda: tokens.renew(uid, key="job-1", used=60),
        lambda: tokens.capture(uid, 501, key="job-1"),
        lambda: tokens.capture(uid, 320, key="job-1"),
        lambda: tokens.capture(uid, 320, key="job-1"),
        lambda: tokens.capture(uid, 321, key="job-1"),
        lambda: tokens.renew(uid, key="job-1", used=330),
        lambda: tokens.release(uid, key="job-1"),
        lambda: tokens.open_reservation(uid, 500, at_least=100, key="job-1", reason="chat"),
        lambda: tokens.open_reservation(uid, 500, key="job-3", reason="chat"),
        lambda: tokens.release(uid, key="job-3"),
        lambda: tokens.release(uid, key="job-3"),
        lambda: tokens.capture(uid, 10, key="job-3"),
        lambda: tokens.open_reservation(uid, 500, key="job-3", reason="chat"),
        lambda: tokens.capture(uid, 10, key="job-4"),
        lambda: tokens.spend(uid, 1_000, key="picture-2", reason="one picture"),
        lambda: tokens.spend("nobody", 1, key="picture-1", reason="one picture"),
    ]
    for call in calls:
        try:
            note(call())
        except Refused as error:
            found.append((type(error), error.code, error.status))
    return found


def test_the_ledger_of_the_clients_tests_answers_as_the_product_does(user: User, tokens: Tokens) -> None:
    fake = FakeLedger({user.uid: 1_000})

    with httpx.Client(transport=fake.transport()) as http:
        expected = outcomes(Tokens("http://localhost", http=http), user.uid)

    assert outcomes(tokens, user.uid) == expected


def test_a_captured_spend_is_given_back(user: User, tokens: Tokens) -> None:
    run("Tokens", user, 320, None)

    part = tokens.reverse_spend(user.uid, "job-1", key="back-1", reason="blurred", amount=20)
    rest = tokens.reverse_spend(user.uid, "job-1", key="back-2", reason="blurred")

    assert (part.transaction.amount, rest.transaction.amount, rest.balance) == (20, 300, 1_000)


def test_the_readmes_example_runs(stack: Stack, user: User, tmp_path: Path) -> None:
    (tmp_path / ".local").symlink_to(stack.directory)
    for name in (".venv", "clients"):
        (tmp_path / name).symlink_to(ROOT / name)
    readme = (ROOT / "clients" / "python" / "README.md").read_text()
    [commands] = [block for block in re.findall(r"```bash\n(.*?)```", readme, re.DOTALL) if "ask.py" in block]

    done = subprocess.run(
        ("bash", "-euo", "pipefail", "-c", commands.replace("USER_ID", user.uid)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "Why is the sky blue? "
    assert user.charged("request-1") == len(done.stdout)
    assert user.tokens() == (1_000 - len(done.stdout), 1_000 - len(done.stdout))
