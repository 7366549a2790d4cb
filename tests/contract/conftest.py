"""The Stripe gateway, and Stripe's own client, both talking to the simulator."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from shared.adapters.stripe_api import StripeGateway
from stripe_simulator.server import serving
from stripe_simulator.settings import Settings
from tests.contract.controls import KEY, simulate


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(Settings(port=0, secret_key=KEY)) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[stripe.StripeClient]:
    transport = stripe.RequestsClient(timeout=5)
    yield stripe.StripeClient(KEY, base_addresses={"api": url}, http_client=transport)
    transport.close()  # type: ignore[no-untyped-call] # the library annotates it nowhere


@pytest.fixture
def gateway(url: str) -> StripeGateway:
    return StripeGateway(lambda: KEY, api_base=url)


@pytest.fixture
def payment(client: stripe.StripeClient, url: str) -> str:
    """The PaymentIntent of a paid session of $9.99."""
    product = {"currency": "usd", "unit_amount": 999, "product_data": {"name": "Popular"}}
    line_items = [{"price_data": product, "quantity": 1}]
    params: Any = {"mode": "payment", "line_items": line_items, "success_url": "http://localhost/ok"}
    session = client.v1.checkout.sessions.create(params)
    return str(simulate(url, f"sessions/{session.id}/pay")["payment_intent"])
