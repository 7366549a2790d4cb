"""Invoices for one-time payments and subscriptions, and what buyers see of them."""

from typing import Any

import pytest
import stripe

from stripe_simulator.tests.shop import PRICE_CENTS, Shop, charge_of


def test_a_payment_that_asks_for_it_gets_a_paid_invoice(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"email": "ada@example.com"})
    session = shop.pay(
        shop.open(
            customer=customer.id,
            invoice_creation={"enabled": True, "invoice_data": {"description": "Tokens", "metadata": {"order": "7"}}},
        )
    )
    invoice = shop.get(f"invoices/{session.invoice}")
    assert (invoice["status"], invoice["total"], invoice["amount_paid"]) == ("paid", PRICE_CENTS, PRICE_CENTS)
    assert (invoice["customer"], invoice["billing_reason"], invoice["parent"]) == (customer.id, "manual", None)
    assert (invoice["description"], invoice["metadata"]) == ("Tokens", {"order": "7"})
    assert [line["description"] for line in invoice["lines"]["data"]] == ["Popular Pack"]
    assert {line["invoice"] for line in invoice["lines"]["data"]} == {invoice["id"]}
    assert shop.types_about(invoice["id"]) == ["invoice.paid", "invoice.payment_succeeded"]
    completed = next(event for event in shop.events_about(session.id))
    assert completed["data"]["object"]["invoice"] == invoice["id"]


def test_its_pages_can_be_read(shop: Shop) -> None:
    shop.simulate("tax", percent=10)
    session = shop.pay(shop.open(invoice_creation={"enabled": True}, automatic_tax={"enabled": True}))
    invoice = shop.get(f"invoices/{session.invoice}")
    page = shop.http.get(invoice["hosted_invoice_url"]).text
    for words in (invoice["number"], "Popular Pack", "$9.99", "Tax", "$1.00", "$10.99", "Paid"):
        assert words in page
    receipt = shop.http.get(str(charge_of(session).receipt_url)).text
    assert "$10.99 paid." in receipt
    assert shop.http.get("/invoices/in_missing").status_code == 404


def test_a_discount_is_on_the_invoice(shop: Shop) -> None:
    coupon = shop.client.v1.coupons.create({"percent_off": 50})
    session = shop.pay(shop.open(invoice_creation={"enabled": True}, discounts=[{"coupon": coupon.id}]))
    invoice = shop.get(f"invoices/{session.invoice}")
    assert (invoice["subtotal"], invoice["total"]) == (999, 499)
    assert "-$5.00" in shop.http.get(invoice["hosted_invoice_url"]).text


def test_a_guest_becomes_a_customer_for_the_invoice(shop: Shop) -> None:
    session = shop.pay(shop.open(invoice_creation={"enabled": True}), email="guest@example.com")
    assert shop.get(f"invoices/{session.invoice}")["customer_email"] == "guest@example.com"
    assert isinstance(session.customer, str)


def test_nobody_gets_an_invoice_without_asking(shop: Shop) -> None:
    assert shop.pay(shop.open()).invoice is None
    assert shop.pay(shop.open(invoice_creation={"enabled": False})).invoice is None


@pytest.mark.parametrize(("outcome", "invoices"), [("succeeded", 1), ("failed", 0)])
def test_a_delayed_payment_is_invoiced_when_it_succeeds(shop: Shop, outcome: str, invoices: int) -> None:
    customer = shop.client.v1.customers.create({})
    session = shop.pay(shop.open(customer=customer.id, invoice_creation={"enabled": True}), method="delayed")
    assert session.invoice is None
    shop.simulate(f"sessions/{session.id}/settle", outcome=outcome)
    assert len(shop.get("invoices", customer=customer.id)["data"]) == invoices


def test_a_subscription_session_names_its_user_and_is_invoiced(shop: Shop) -> None:
    yearly = shop.client.v1.prices.create(
        {"currency": "usd", "unit_amount": 5000, "recurring": {"interval": "year"}, "product_data": {"name": "Yearly"}}
    )
    params: Any = {
        "mode": "subscription",
        "client_reference_id": "u1",
        "line_items": [{"price": yearly.id, "quantity": 1}],
        "success_url": "http://localhost/ok",
    }
    session = shop.pay(shop.client.v1.checkout.sessions.create(params))
    [completed] = shop.events_about(session.id)
    shown = completed["data"]["object"]
    assert (shown["client_reference_id"], shown["mode"], shown["subscription"]) == (
        "u1",
        "subscription",
        session.subscription,
    )
    invoice = shop.get(f"invoices/{shown['invoice']}")
    assert (invoice["status"], invoice["billing_reason"]) == ("paid", "subscription_create")
    assert shop.types_about(str(session.subscription), invoice["id"]) == [
        "customer.subscription.created",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    params["invoice_creation"] = {"enabled": True}
    with pytest.raises(stripe.InvalidRequestError, match="invoice creation"):
        shop.client.v1.checkout.sessions.create(params)
