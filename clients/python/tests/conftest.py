"""A ledger in memory for each test, and both clients."""

import asyncio
from collections.abc import Iterator

import pytest

from clients.python.tests.clients import Caller, call_blocking, call_in_a_loop
from clients.python.tests.fake_ledger import FakeLedger


@pytest.fixture
def ledger() -> FakeLedger:
    """A ledger in which ada has 1,000 tokens."""
    return FakeLedger({"ada": 1_000})


@pytest.fixture(params=[call_blocking, call_in_a_loop], ids=["Tokens", "AsyncTokens"])
def call(request: pytest.FixtureRequest) -> Caller:
    """A call of either client."""
    caller: Caller = request.param
    return caller


@pytest.fixture(autouse=True)
def no_running_loop() -> Iterator[None]:
    """Let a test run an event loop: Playwright leaves one running in the process that it has tested pages in."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)
