"""One function's address: calls are sent there, with the caller's identity, until an answer says what happened."""

import asyncio
import time
from dataclasses import dataclass

import httpx

from token_economy import answers
from token_economy.calls import Answer, Call
from token_economy.errors import Unavailable
from token_economy.retries import Budget


@dataclass(frozen=True, slots=True)
class Channel:
    """Blocks until there is an answer. `timeout_s` is for one attempt."""

    http: httpx.Client
    url: str
    auth: httpx.Auth
    timeout_s: float

    def send(self, call: Call[Answer], budget_s: float) -> Answer:
        """Return the answer; the request is repeated as long as there is none.

        Raises:
            Unavailable: there was none within the budget.
            Refused: the ledger refused.
        """
        budget = Budget(budget_s)
        while True:
            try:
                return self.attempt(call, min(self.timeout_s, budget.left_s()))
            except Unavailable as error:
                pause_s = budget.pause_s(error)
            time.sleep(pause_s)

    def attempt(self, call: Call[Answer], timeout_s: float) -> Answer:
        """Send the request once; raises as `send` does."""
        try:
            response = self.http.post(self.url + call.path, json=call.body, auth=self.auth, timeout=timeout_s)
        except httpx.RequestError as error:
            raise unanswered(self.url, error) from error
        return answers.read(response, call)


@dataclass(frozen=True, slots=True)
class AsyncChannel:
    """The same for an event loop."""

    http: httpx.AsyncClient
    url: str
    auth: httpx.Auth
    timeout_s: float

    async def send(self, call: Call[Answer], budget_s: float) -> Answer:
        """Return the answer, as `Channel.send` does; the budget also ends an attempt that hangs."""
        budget = Budget(budget_s)
        try:
            async with asyncio.timeout(budget_s):
                while True:
                    try:
                        return await self.attempt(call, self.timeout_s)
                    except Unavailable as error:
                        pause_s = budget.pause_s(error)
                    await asyncio.sleep(pause_s)
        except TimeoutError as error:
            raise unanswered(self.url, error) from error

    async def attempt(self, call: Call[Answer], timeout_s: float) -> Answer:
        """Send the request once."""
        try:
            response = await self.http.post(self.url + call.path, json=call.body, auth=self.auth, timeout=timeout_s)
        except httpx.RequestError as error:
            raise unanswered(self.url, error) from error
        return answers.read(response, call)


def unanswered(url: str, error: Exception) -> Unavailable:
    """Return the error for a request without an answer."""
    return Unavailable(f"{url} did not answer: {error!r}")
