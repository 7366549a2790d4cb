"""What paying and settling a Checkout Session does, seen through Stripe's own library."""

from typing import Any

import pytest
import stripe
from stripe.params import CouponCreateParams

from stripe_simulator.tests.shop import METADATA, Shop, charge_of, intent_of


def test_a_card_pays(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"email": "ada@example.com"})
    session = shop.pay(shop.open(customer=customer.id), card="4242 4242 4242 4242")
    intent, charge = intent_of(session), charge_of(session)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer == intent.customer == charge.customer == customer.id
    assert session.customer_details is not None
    assert session.customer_details.email == charge.billing_details.email == "ada@example.com"
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == ("succeeded", 999, METADATA)
    assert (charge.paid, charge.amount_captured, charge.metadata.to_dict()) == (True, 999, METADATA)
    assert shop.types_about(session.id, intent.id, charge.id) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]
    completed = shop.events_about(session.id)[0]
    assert completed["data"]["object"]["metadata"] == METADATA
    assert completed["data"]["object"]["payment_intent"] == intent.id
    assert (completed["livemode"], completed["api_version"]) == (False, stripe.api_version)
    found = shop.client.v1.checkout.sessions.list({"payment_intent": intent.id})
    assert [one.id for one in found.data] == [session.id]


def test_a_paid_session_cannot_be_paid_again(shop: Shop) -> None:
    session = shop.pay(shop.open())
    answer = shop.sim(f"sessions/{session.id}/pay")
    assert answer.status_code == 400
    assert "no longer open" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("number", "code", "decline_code", "message"),
    [
        ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
        ("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
        ("4000000000000069", "expired_card", None, "Your card has expired."),
    ],
)
def test_a_card_declines_and_another_may_pay(
    shop: Shop, number: str, code: str, decline_code: str | None, message: str
) -> None:
    session = shop.open()
    answer = shop.sim(f"sessions/{session.id}/pay", card=number)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert (error.get("decline_code"), error["message"]) == (decline_code, message)
    declined = shop.session(session)
    intent, charge = intent_of(declined), charge_of(declined)
    assert (declined.status, intent.status) == ("open", "requires_payment_method")
    assert (charge.status, charge.failure_code, charge.paid) == ("failed", code, False)
    paid = shop.pay(session)
    assert intent_of(paid).id == intent.id
    assert charge_of(paid).id != charge.id
    assert shop.types_about(intent.id, charge.id) == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize("number", ["4242424242424241", "1234", "4111111111111111"])
def test_a_number_that_is_not_a_test_card_is_declined(shop: Shop, number: str) -> None:
    session = shop.open()
    assert shop.sim(f"sessions/{session.id}/pay", card=number).status_code == 402
    assert shop.session(session).status == "open"


def test_3d_secure_completes_or_fails(shop: Shop) -> None:
    session = shop.open()
    failed = shop.sim(f"sessions/{session.id}/pay", card="4000002500003155", three_d_secure="fail")
    assert failed.status_code == 402
    assert failed.json()["error"]["code"] == "payment_intent_authentication_failure"
    assert shop.session(session).status == "open"
    paid = shop.pay(session, card="4000002500003155", three_d_secure="complete")
    assert paid.payment_status == "paid"


def test_a_delayed_method_settles_later(shop: Shop) -> None:
    session = shop.pay(shop.open(), method="delayed")
    intent, charge = intent_of(session), charge_of(session)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert (intent.status, charge.status) == ("processing", "pending")
    assert shop.sim(f"sessions/{session.id}/settle", outcome="succeeded").json()["payment_status"] == "paid"
    assert charge_of(shop.session(session)).paid
    assert shop.sim(f"sessions/{session.id}/settle", outcome="failed").status_code == 400
    assert shop.types_about(session.id, intent.id, charge.id) == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_delayed_method_fails_later(shop: Shop) -> None:
    session = shop.pay(shop.open(), method="delayed")
    assert shop.sim(f"sessions/{session.id}/settle", outcome="failed").json()["payment_status"] == "unpaid"
    failed = shop.session(session)
    assert (charge_of(failed).status, intent_of(failed).status) == ("failed", "requires_payment_method")
    assert shop.types_about(session.id) == ["checkout.session.completed", "checkout.session.async_payment_failed"]


def test_a_card_only_session_offers_no_delayed_method(shop: Shop) -> None:
    session = shop.open(payment_method_types=["card"])
    assert shop.sim(f"sessions/{session.id}/pay", method="delayed").status_code == 400


def promotion(shop: Shop, coupon: CouponCreateParams) -> str:
    created = shop.client.v1.coupons.create(coupon)
    code = shop.client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": created.id}})
    return str(code.code)


def test_a_promotion_code_takes_its_share_off(shop: Shop) -> None:
    code = promotion(shop, {"percent_off": 25})
    session = shop.pay(shop.open(allow_promotion_codes=True), promotion_code=code.lower())
    assert session.total_details is not None
    assert (session.amount_subtotal, session.amount_total) == (999, 749)
    assert session.total_details.amount_discount == 250
    assert charge_of(session).amount == 749
    assert shop.client.v1.promotion_codes.list({"code": code}).data[0].times_redeemed == 1


def test_a_promotion_code_works_only_where_it_is_allowed(shop: Shop) -> None:
    code = promotion(shop, {"amount_off": 100, "currency": "usd"})
    session = shop.open()
    assert shop.sim(f"sessions/{session.id}/pay", promotion_code=code).status_code == 400
    allowed = shop.open(allow_promotion_codes=True)
    assert shop.sim(f"sessions/{allowed.id}/pay", promotion_code="NONSENSE").status_code == 400
    with pytest.raises(stripe.InvalidRequestError, match="only specify one of these parameters"):
        shop.open(allow_promotion_codes=True, discounts=[{"coupon": "any"}])


def test_a_free_session_needs_no_payment(shop: Shop) -> None:
    code = promotion(shop, {"percent_off": 100, "max_redemptions": 1})
    session = shop.pay(shop.open(allow_promotion_codes=True), promotion_code=code)
    assert (session.amount_total, session.payment_status) == (0, "no_payment_required")
    assert session.payment_intent is None
    again = shop.open(allow_promotion_codes=True)
    assert shop.sim(f"sessions/{again.id}/pay", promotion_code=code).status_code == 400


def test_automatic_tax_is_added(shop: Shop) -> None:
    session = shop.open(automatic_tax={"enabled": True})
    untaxed = shop.open()
    assert session.amount_total == 999
    assert shop.simulate("tax", percent="8.25") == {"percent": 8.25}
    paid = shop.pay(session)
    assert paid.total_details is not None
    assert (paid.amount_subtotal, paid.amount_total, paid.total_details.amount_tax) == (999, 1081, 82)
    assert shop.pay(untaxed).amount_total == 999


def test_checkout_creates_the_customer_when_asked(shop: Shop) -> None:
    session = shop.pay(shop.open(customer_creation="always"), email="new@example.com")
    assert isinstance(session.customer, str)
    assert shop.client.v1.customers.retrieve(session.customer).email == "new@example.com"
    assert shop.pay(shop.open()).customer is None


def test_a_subscription_lives_through_its_statuses(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"email": "sub@example.com"})
    monthly = shop.client.v1.prices.create(
        {"currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}, "product_data": {"name": "Monthly"}}
    )
    subscription = shop.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": monthly.id}], "metadata": {"firebase_uid": "u1"}}
    )
    item = subscription["items"].data[0]
    assert (subscription.status, item.price.id) == ("active", monthly.id)
    assert 28 <= (item.current_period_end - item.current_period_start) / 86400 <= 31
    invoice = shop.sim(f"subscriptions/{subscription.id}/fail_invoice").json()
    assert invoice["parent"]["subscription_details"]["subscription"] == subscription.id
    assert shop.client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert shop.sim(f"subscriptions/{subscription.id}", status="active").json()["status"] == "active"
    ending = shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (ending.cancel_at_period_end, ending.cancel_at) == (True, item.current_period_end)
    assert shop.client.v1.subscriptions.cancel(subscription.id).status == "canceled"
    assert shop.types_about(subscription.id) == [
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.updated",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    ]
    assert shop.types_about(invoice["id"]) == ["invoice.payment_failed"]


def test_checkout_starts_a_subscription(shop: Shop) -> None:
    yearly = shop.client.v1.prices.create(
        {"currency": "usd", "unit_amount": 5000, "recurring": {"interval": "year"}, "product_data": {"name": "Yearly"}}
    )
    params: Any = {
        "mode": "subscription",
        "line_items": [{"price": yearly.id, "quantity": 1}],
        "success_url": "http://localhost/ok",
        "subscription_data": {"metadata": {"firebase_uid": "u1"}},
    }
    session = shop.pay(shop.client.v1.checkout.sessions.create(params))
    assert (session.payment_status, session.payment_intent) == ("paid", None)
    subscription = shop.client.v1.subscriptions.retrieve(str(session.subscription))
    assert subscription.metadata.to_dict() == {"firebase_uid": "u1"}
    with pytest.raises(stripe.InvalidRequestError, match="recurring price"):
        shop.open(line_items=[{"price": yearly.id, "quantity": 1}])


def test_events_are_listed_by_type_and_carry_their_request(shop: Shop) -> None:
    shop.paid_charge()
    kinds: Any = {"types": ["charge.succeeded", "checkout.session.completed"], "limit": 2}
    assert [event.type for event in shop.client.v1.events.list(kinds).data] == [
        "checkout.session.completed",
        "charge.succeeded",
    ]
    assert {event.type for event in shop.client.v1.events.list({"type": "charge.*", "limit": 4}).data} >= {
        "charge.succeeded",
        "charge.updated",
    }
    customer = shop.client.v1.customers.create({}, {"idempotency_key": "caused"})
    created = shop.events_about(customer.id)[0]
    assert created["request"]["idempotency_key"] == "caused"
    assert created["request"]["id"].startswith("req_")
    assert shop.client.v1.events.retrieve(created["id"]).type == "customer.created"
