"""What reconciliation, subscriptions and operators read from Stripe, against the simulator."""

import json

import pytest
import stripe

from shared.adapters.stripe_api import StripeGateway
from shared.domain.errors import StripeRefused
from shared.domain.payment_events import fact_of_dispute, fact_of_refund
from shared.domain.payment_facts import RefundFailed, RefundMade
from tests.contract.controls import simulate

CUSTOMERS = "customer.created"


@pytest.fixture(scope="module")
def customers(client: stripe.StripeClient) -> list[str]:
    """More customers than a page of events has, newest first."""
    return [client.v1.customers.create({}).id for _ in range(205)][::-1]


# --- events


def test_events_of_all_pages_come_newest_first(gateway: StripeGateway, customers: list[str]) -> None:
    events = list(gateway.events({CUSTOMERS}, since=0))

    assert [event["data"]["object"]["id"] for event in events] == customers
    assert {event["type"] for event in events} == {CUSTOMERS}
    json.dumps(events)


def test_events_continue_after_a_given_one(gateway: StripeGateway, customers: list[str]) -> None:
    events = list(gateway.events({CUSTOMERS}, since=0))

    rest = list(gateway.events({CUSTOMERS}, since=0, after=events[102]["id"]))

    assert rest == events[103:]
    assert list(gateway.events({CUSTOMERS}, since=0, after=events[-1]["id"])) == []


@pytest.mark.usefixtures("customers")
def test_older_events_and_those_of_other_types_are_left_out(gateway: StripeGateway) -> None:
    newest = next(gateway.events({CUSTOMERS}, since=0))

    assert list(gateway.events({CUSTOMERS}, since=newest["created"] + 1)) == []
    assert list(gateway.events({"charge.refunded"}, since=0)) == []


@pytest.mark.usefixtures("customers")
def test_after_an_event_that_stripe_has_forgotten_there_is_none(gateway: StripeGateway) -> None:
    assert list(gateway.events({CUSTOMERS}, since=0, after="evt_forgotten")) == []


def test_a_wrong_key_is_an_error_and_not_the_end_of_the_events(url: str) -> None:
    with pytest.raises(StripeRefused):
        list(StripeGateway(lambda: "sk_test_wrong", api_base=url).events({CUSTOMERS}, since=0, after="evt_1"))


# --- subscriptions


@pytest.fixture(scope="module")
def price(client: stripe.StripeClient) -> str:
    product = client.v1.products.create({"name": "Pro"})
    return client.v1.prices.create(
        {"currency": "usd", "unit_amount": 1900, "recurring": {"interval": "month"}, "product": product.id}
    ).id


def test_a_subscription_is_read_as_it_is_now(gateway: StripeGateway, client: stripe.StripeClient, price: str) -> None:
    customer = client.v1.customers.create({}).id
    begun = client.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})

    found = gateway.current_subscription(begun.id)

    assert found is not None
    assert (found.id, found.status, found.price_id, found.cancel_at_period_end) == (begun.id, "active", price, False)
    assert found.current_period_end is not None
    assert found.current_period_end.timestamp() == begun["items"].data[0].current_period_end


def begin(client: stripe.StripeClient, price: str, customer: str | None = None) -> tuple[str, str]:
    """Return the ids of a new subscription and of its customer."""
    customer = customer or client.v1.customers.create({}).id
    return client.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]}).id, customer


def test_the_one_that_runs_counts_whichever_is_asked_for(
    gateway: StripeGateway, client: stripe.StripeClient, price: str
) -> None:
    former, customer = begin(client, price)
    present, _ = begin(client, price, customer)
    client.v1.subscriptions.cancel(former)
    for asked in (former, present):
        found = gateway.current_subscription(asked)
        assert found is not None
        assert found.id == present

    client.v1.subscriptions.cancel(present)
    ended = [gateway.current_subscription(asked) for asked in (former, present)]
    assert ended[0] == ended[1]
    assert ended[0] is not None
    assert ended[0].status == "canceled"


@pytest.mark.parametrize("known_by", ["the saved customer", "the saved subscription", "both"])
def test_a_former_customers_subscription_does_not_replace_the_one_that_runs(
    gateway: StripeGateway, client: stripe.StripeClient, price: str, known_by: str
) -> None:
    former, former_customer = begin(client, price)
    present, customer = begin(client, price)
    client.v1.subscriptions.cancel(former)
    client.v1.customers.delete(former_customer)

    found = gateway.current_subscription(
        former,
        saved_id=None if known_by == "the saved customer" else present,
        customer_id=None if known_by == "the saved subscription" else customer,
    )

    assert found is not None
    assert (found.id, found.status) == (present, "active")


def test_a_saved_subscription_that_stripe_does_not_know_is_replaced(
    gateway: StripeGateway, client: stripe.StripeClient, price: str
) -> None:
    present, _ = begin(client, price)

    found = gateway.current_subscription(present, saved_id="sub_of_another_account", customer_id="cus_unknown")

    assert found is not None
    assert found.id == present


def test_a_subscription_that_stripe_does_not_know_is_none(gateway: StripeGateway) -> None:
    assert gateway.current_subscription("sub_unknown") is None


# --- refunds and disputes


def test_what_went_back_of_a_payment_is_read(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, payment: str
) -> None:
    assert gateway.reversals_of_payment(payment) == ([], [])

    refund = client.v1.refunds.create({"payment_intent": payment, "amount": 500})
    other = client.v1.refunds.create({"payment_intent": payment, "amount": 100})
    simulate(url, f"refunds/{refund.id}/fail")
    dispute = simulate(url, "disputes", charge=refund.charge)

    refunds, disputes = gateway.reversals_of_payment(payment)
    assert {fact_of_refund(one) for one in refunds} == {
        RefundFailed(refund.id, 500, "failed"),
        RefundMade(other.id, 100),
    }
    [state] = [fact_of_dispute(one) for one in disputes]
    assert (state.dispute_id, state.cents, state.currency, state.status) == (
        dispute["id"],
        999,
        "usd",
        "needs_response",
    )
    assert [one.cents for one in state.transactions] == [-999]
