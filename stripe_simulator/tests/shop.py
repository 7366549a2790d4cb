"""A running simulator with one thing to sell, and what tests do with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from stripe_simulator.server import serving
from stripe_simulator.settings import Settings

KEY = "sk_test_shop"
PRICE_CENTS = 999
METADATA = {"firebase_uid": "u1", "package_id": "popular", "tokens": "110", "purchase_type": "token_package"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """Stripe as a shop meets it: through Stripe's library, over HTTP, and through the controls."""

    url: str
    client: stripe.StripeClient
    http: httpx.Client
    price_id: str

    def open(self, **more: object) -> stripe.checkout.Session:
        params: Any = {
            "mode": "payment",
            "line_items": [{"price": self.price_id, "quantity": 1}],
            "success_url": "http://localhost/ok?session_id={CHECKOUT_SESSION_ID}",
            "metadata": METADATA,
            "payment_intent_data": {"metadata": METADATA},
            **more,
        }
        return self.client.v1.checkout.sessions.create(params)

    def sim(self, path: str, **body: object) -> httpx.Response:
        return self.http.post(f"/_sim/{path}", json=body)

    def simulate(self, path: str, **body: object) -> Json:
        answer = self.sim(path, **body)
        assert answer.status_code == 200, answer.text
        done: Json = answer.json()
        return done

    def get(self, path: str, **params: str) -> Json:
        answer = self.http.get(f"/v1/{path}", params=params)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def pay(self, session: stripe.checkout.Session, **how: object) -> stripe.checkout.Session:
        self.simulate(f"sessions/{session.id}/pay", **how)
        return self.session(session)

    def session(self, session: stripe.checkout.Session) -> stripe.checkout.Session:
        return self.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})

    def paid_charge(self, **how: object) -> stripe.Charge:
        return charge_of(self.pay(self.open(), **how))

    def events_about(self, *object_ids: str) -> list[Json]:
        """Oldest first, as plain JSON: building a hundred of the library's objects takes half a second."""
        listed = self.get("events", limit="100")["data"]
        return [event for event in reversed(listed) if event["data"]["object"]["id"] in object_ids]

    def types_about(self, *object_ids: str) -> list[str]:
        return [event["type"] for event in self.events_about(*object_ids)]


def intent_of(session: stripe.checkout.Session) -> stripe.PaymentIntent:
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    return session.payment_intent


def charge_of(session: stripe.checkout.Session) -> stripe.Charge:
    charge = intent_of(session).latest_charge
    assert isinstance(charge, stripe.Charge)
    return charge


@contextmanager
def library_client(url: str, key: str = KEY, retries: int = 0) -> Iterator[stripe.StripeClient]:
    transport = stripe.RequestsClient(timeout=5)
    yield stripe.StripeClient(key, base_addresses={"api": url}, http_client=transport, max_network_retries=retries)
    transport.close()  # type: ignore[no-untyped-call]  # the library annotates it nowhere


@contextmanager
def open_shop(**settings: object) -> Iterator[Shop]:
    chosen: Any = {"port": 0, "secret_key": KEY, **settings}
    with (
        serving(Settings(**chosen)) as url,
        httpx.Client(base_url=url, auth=(KEY, ""), verify=False) as http,
        library_client(url) as client,
    ):
        price = client.v1.prices.create(
            {"currency": "usd", "unit_amount": PRICE_CENTS, "product_data": {"name": "Popular Pack"}}
        )
        yield Shop(url, client, http, price.id)
