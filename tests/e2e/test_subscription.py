"""Subscriptions through the whole chain: users/{uid}.subscription follows Stripe."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from google.cloud import firestore

from local.stack import Stack
from tests.e2e.buyer import Buyer, StripeSide, eventually


class Subscriptions:
    """Stripe's part: subscriptions, as another shop of the same account sells them."""

    def __init__(self, stack: Stack) -> None:
        self._client = stripe.StripeClient("sk_test_local", base_addresses={"api": stack.endpoints.stripe})
        self._simulator = httpx.Client(base_url=stack.endpoints.stripe, timeout=30)
        product = self._client.v1.products.create({"name": "Pro"})
        self.price = self._client.v1.prices.create(
            {"currency": "usd", "unit_amount": 1900, "recurring": {"interval": "month"}, "product": product.id}
        ).id

    def close(self) -> None:
        self._simulator.close()

    def customer(self) -> str:
        return self._client.v1.customers.create({}).id

    def begin(self, customer: str, uid: str | None = None) -> str:
        metadata = {"firebase_uid": uid} if uid else {}
        params: Any = {"customer": customer, "items": [{"price": self.price}], "metadata": metadata}
        return self._client.v1.subscriptions.create(params).id

    def checkout(self, uid: str) -> str:
        """Open a Checkout Session that names its user by client_reference_id only."""
        return self._client.v1.checkout.sessions.create(
            {
                "mode": "subscription",
                "line_items": [{"price": self.price, "quantity": 1}],
                "client_reference_id": uid,
                "success_url": "http://localhost/subscribed",
            }
        ).id

    def cancel_at_period_end(self, subscription: str) -> None:
        self._client.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})

    def cancel(self, subscription: str) -> None:
        self._client.v1.subscriptions.cancel(subscription)

    def fail_invoice(self, subscription: str) -> None:
        self._simulator.post(f"/_sim/subscriptions/{subscription}/fail_invoice").raise_for_status()

    def events_of(self, subscription: str) -> list[str]:
        """Return the events of a subscription, newest first."""
        events = self._client.v1.events.list({"types": ["customer.subscription.*"], "limit": 100})
        return [event.id for event in events.data if event.data.object["id"] == subscription]


@pytest.fixture(scope="module")
def subscriptions(stack: Stack) -> Iterator[Subscriptions]:
    subscriptions = Subscriptions(stack)
    yield subscriptions
    subscriptions.close()


def saved(database: firestore.Client, uid: str) -> dict[str, Any]:
    return dict((database.document(f"users/{uid}").get().to_dict() or {}).get("subscription", {}))


def test_the_state_of_a_subscription_is_saved_from_its_beginning_to_its_end(
    buyer: Buyer, subscriptions: Subscriptions, database: firestore.Client, stripe_side: StripeSide
) -> None:
    def becomes(**fields: object) -> None:
        eventually(lambda: fields.items() <= saved(database, buyer.uid).items())

    subscription = subscriptions.begin(subscriptions.customer(), buyer.uid)
    becomes(id=subscription, status="active", priceId=subscriptions.price, cancelAtPeriodEnd=False)
    assert saved(database, buyer.uid)["currentPeriodEnd"] > saved(database, buyer.uid)["syncedAt"]

    subscriptions.cancel_at_period_end(subscription)
    becomes(status="active", cancelAtPeriodEnd=True)

    subscriptions.cancel(subscription)
    becomes(status="canceled")

    synced_at = saved(database, buyer.uid)["syncedAt"]
    oldest = subscriptions.events_of(subscription)[-1]
    assert stripe_side.resend(oldest) == [200]
    eventually(lambda: saved(database, buyer.uid)["syncedAt"] > synced_at)
    assert saved(database, buyer.uid)["status"] == "canceled"


def test_a_user_is_found_by_the_stripe_customer_when_an_invoice_fails(
    buyer: Buyer, subscriptions: Subscriptions, database: firestore.Client
) -> None:
    buyer.checkout()
    customer = (database.document(f"users/{buyer.uid}").get().to_dict() or {})["stripeCustomerId"]

    subscriptions.fail_invoice(subscriptions.begin(customer))

    eventually(lambda: saved(database, buyer.uid).get("status") == "past_due")
    assert buyer.balance() == 0


def test_a_late_event_of_a_former_subscription_does_not_end_the_one_after_it(
    buyer: Buyer, subscriptions: Subscriptions, database: firestore.Client, stripe_side: StripeSide
) -> None:
    customer = subscriptions.customer()
    former = subscriptions.begin(customer, buyer.uid)
    subscriptions.cancel(former)
    present = subscriptions.begin(customer, buyer.uid)
    eventually(lambda: saved(database, buyer.uid).get("id") == present)
    eventually(stripe_side.has_delivered_everything)

    synced_at = saved(database, buyer.uid)["syncedAt"]
    stripe_side.resend(subscriptions.events_of(former)[0])

    eventually(lambda: saved(database, buyer.uid)["syncedAt"] > synced_at)
    assert (saved(database, buyer.uid)["id"], saved(database, buyer.uid)["status"]) == (present, "active")


def test_a_subscription_sold_by_a_session_is_followed_though_only_the_session_names_its_user(
    buyer: Buyer, subscriptions: Subscriptions, database: firestore.Client, stripe_side: StripeSide
) -> None:
    stripe_side.pay(subscriptions.checkout(buyer.uid)).raise_for_status()
    eventually(lambda: saved(database, buyer.uid).get("status") == "active")

    subscriptions.cancel(saved(database, buyer.uid)["id"])

    eventually(lambda: saved(database, buyer.uid)["status"] == "canceled")
    assert buyer.balance() == 0


def test_a_former_customers_late_event_does_not_end_the_subscription_of_the_present_one(
    buyer: Buyer, subscriptions: Subscriptions, database: firestore.Client, stripe_side: StripeSide
) -> None:
    former = subscriptions.begin(subscriptions.customer(), buyer.uid)
    subscriptions.cancel(former)
    present = subscriptions.begin(subscriptions.customer(), buyer.uid)
    eventually(lambda: saved(database, buyer.uid).get("id") == present)
    eventually(stripe_side.has_delivered_everything)

    synced_at = saved(database, buyer.uid)["syncedAt"]
    stripe_side.resend(subscriptions.events_of(former)[0])

    eventually(lambda: saved(database, buyer.uid)["syncedAt"] > synced_at)
    assert (saved(database, buyer.uid)["id"], saved(database, buyer.uid)["status"]) == (present, "active")
