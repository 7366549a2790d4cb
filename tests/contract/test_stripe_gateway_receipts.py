"""Receipts and invoices of purchases, as Stripe links to them, against the simulator."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe

from shared.adapters.stripe_api import StripeGateway
from shared.adapters.time_limit import time_limit
from shared.domain.errors import StripeRefused, Unavailable
from tests.contract.controls import simulate

SESSIONS = "/v1/checkout/sessions"


@pytest.fixture(autouse=True)
def kind(url: str) -> Iterator[None]:
    yield
    simulate(url, "reset")


def open_session(client: stripe.StripeClient, **more: object) -> str:
    product = {"currency": "usd", "unit_amount": 999, "product_data": {"name": "Popular"}}
    line_items = [{"price_data": product, "quantity": 1}]
    params: Any = {"mode": "payment", "line_items": line_items, "success_url": "http://localhost/ok", **more}
    return client.v1.checkout.sessions.create(params).id


def paid_session(client: stripe.StripeClient, url: str, **more: object) -> str:
    session_id = open_session(client, **more)
    simulate(url, f"sessions/{session_id}/pay")
    return session_id


def free(client: stripe.StripeClient) -> dict[str, object]:
    """Return what makes a session cost nothing."""
    return {"discounts": [{"coupon": client.v1.coupons.create({"percent_off": 100}).id}]}


def test_a_payment_has_a_receipt_that_can_be_read(
    gateway: StripeGateway, client: stripe.StripeClient, url: str
) -> None:
    address = gateway.receipt_url(paid_session(client, url))

    assert address is not None
    assert "$9.99 paid." in httpx.get(address, verify=False).text


def test_it_is_one_request(gateway: StripeGateway, client: stripe.StripeClient, url: str) -> None:
    session_id = paid_session(client, url)
    simulate(url, "faults", path_prefix="/v1/", times=100, timeout_ms=1)

    assert gateway.receipt_url(session_id) is not None

    [fault] = httpx.get(f"{url}/_sim/state", verify=False).json()["faults"]
    assert fault["times"] == 99


def test_the_second_card_is_the_one_on_the_receipt(
    gateway: StripeGateway, client: stripe.StripeClient, url: str
) -> None:
    session_id = open_session(client)
    declined = httpx.post(f"{url}/_sim/sessions/{session_id}/pay", json={"card": "4000000000000002"}, verify=False)
    assert declined.status_code == 402
    assert gateway.receipt_url(session_id) is None, "a failed charge has none"
    simulate(url, f"sessions/{session_id}/pay")

    address = gateway.receipt_url(session_id)

    assert address is not None
    assert "$9.99 paid." in httpx.get(address, verify=False).text


@pytest.mark.parametrize("costs_nothing", [False, True])
def test_where_the_shop_makes_invoices_it_is_the_invoice(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, costs_nothing: bool
) -> None:
    more = free(client) if costs_nothing else {}
    session_id = paid_session(client, url, invoice_creation={"enabled": True}, **more)

    address = gateway.receipt_url(session_id)

    invoice = client.v1.checkout.sessions.retrieve(session_id).invoice
    assert isinstance(invoice, str)
    assert address == client.v1.invoices.retrieve(invoice).hosted_invoice_url


def test_what_cost_nothing_or_is_not_paid_yet_has_none(
    gateway: StripeGateway, client: stripe.StripeClient, url: str
) -> None:
    assert gateway.receipt_url(paid_session(client, url, **free(client))) is None
    assert gateway.receipt_url(open_session(client)) is None
    delayed = open_session(client)
    simulate(url, f"sessions/{delayed}/pay", method="delayed")
    assert gateway.receipt_url(delayed) is None
    simulate(url, f"sessions/{delayed}/settle", outcome="succeeded")
    assert gateway.receipt_url(delayed) is not None


def test_a_session_that_stripe_does_not_know_has_none(gateway: StripeGateway) -> None:
    assert gateway.receipt_url("cs_test_of_another_account") is None


def test_a_wrong_key_is_an_error_and_not_a_missing_receipt(client: stripe.StripeClient, url: str) -> None:
    session_id = paid_session(client, url)
    with pytest.raises(StripeRefused):
        StripeGateway(lambda: "sk_test_wrong", api_base=url).receipt_url(session_id)


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 503}, {"status": 429}, {"timeout_ms": 5_000}, {"form": "reset"}, {"form": "html"}],
    ids=str,
)
def test_a_stripe_that_does_not_answer_is_unavailable(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, fault: dict[str, object]
) -> None:
    session_id = paid_session(client, url)
    simulate(url, "faults", path_prefix=SESSIONS, times=20, **fault)

    begun = time.monotonic()
    with pytest.raises(Unavailable), time_limit(0.5):
        gateway.receipt_url(session_id)

    assert time.monotonic() - begun < 4
