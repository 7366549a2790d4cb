"""Both clients behind one face, so that a test of calls runs on each."""

import asyncio
from typing import Protocol, TypedDict, Unpack

import httpx

from clients.python.tests.fake_ledger import FakeLedger
from token_economy import AsyncTokens, Tokens

URL = "http://localhost:8090"


class Settings(TypedDict, total=False):
    """Some of the settings that both clients take."""

    grants_url: str
    timeout_s: float
    budget_s: float
    cleanup_budget_s: float


class Caller(Protocol):
    """Makes one call, and returns its answer."""

    def __call__(
        self, ledger: FakeLedger, method: str, *arguments: object, settings: Settings | None = None, **options: object
    ) -> object: ...


def tokens_of(ledger: FakeLedger, **settings: Unpack[Settings]) -> Tokens:
    """Return a client of a fake ledger."""
    return Tokens(URL, http=httpx.Client(transport=ledger.transport()), **settings)


def async_tokens_of(ledger: FakeLedger, **settings: Unpack[Settings]) -> AsyncTokens:
    """Return an asynchronous client of a fake ledger."""
    return AsyncTokens(URL, http=httpx.AsyncClient(transport=ledger.transport()), **settings)


def call_blocking(
    ledger: FakeLedger, method: str, *arguments: object, settings: Settings | None = None, **options: object
) -> object:
    """Make a call of Tokens."""
    return getattr(tokens_of(ledger, **(settings or Settings())), method)(*arguments, **options)


def call_in_a_loop(
    ledger: FakeLedger, method: str, *arguments: object, settings: Settings | None = None, **options: object
) -> object:
    """Make a call of AsyncTokens."""

    async def call() -> object:
        return await getattr(async_tokens_of(ledger, **(settings or Settings())), method)(*arguments, **options)

    return asyncio.run(call())
