"""One simulator per test module, kind again before each test."""

from collections.abc import Iterator

import pytest

from stripe_simulator.tests.shop import Shop, open_shop


@pytest.fixture(scope="module")
def module_shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(module_shop: Shop) -> Shop:
    module_shop.simulate("reset")
    return module_shop
