"""Fixtures of the tests that go through the whole running product."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from local.stack import Stack
from tests.e2e.buyer import Buyer, StripeSide


@pytest.fixture(scope="session")
def web(stack: Stack) -> Iterator[httpx.Client]:
    """The web origin."""
    with httpx.Client(base_url=stack.endpoints.web, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def stripe_side(stack: Stack) -> Iterator[StripeSide]:
    side = StripeSide(stack.endpoints)
    yield side
    side.close()


@pytest.fixture
def sign_up(stack: Stack, web: httpx.Client) -> Callable[[], Buyer]:
    """Makes a new buyer each time it is called."""
    return lambda: Buyer.sign_up(stack.endpoints, web)


@pytest.fixture
def buyer(sign_up: Callable[[], Buyer]) -> Buyer:
    return sign_up()
