"""Every object of the simulator has the fields that Stripe's own samples have, and none that Stripe's library lacks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from stripe_simulator.engine.objects import template
from stripe_simulator.server import serving
from stripe_simulator.settings import Settings

SAMPLES = Path(__file__).parents[3] / "shared" / "stripe" / "objects.json"
KEY = "sk_test_objects"
# Fields that Stripe adds to a refund only once it has failed.
FAILED_REFUND = {"failure_balance_transaction", "failure_reason"}
# Stripe's samples name fields that its current library does not: they come from older API versions.
OUTDATED = {"invoice": {"subscription"}, "charge": {"source"}}


@pytest.fixture(scope="module")
def samples() -> dict[str, dict[str, Any]]:
    if not SAMPLES.exists():
        pytest.skip(f"Stripe's sample objects are not at {SAMPLES}")
    loaded: dict[str, dict[str, Any]] = json.loads(SAMPLES.read_text())
    return loaded


@pytest.fixture(scope="module")
def objects() -> Iterator[dict[str, dict[str, Any]]]:
    """One object of each kind, each after a life: paid, refunded, disputed, failed."""
    with (
        serving(Settings(port=0, secret_key=KEY)) as url,
        httpx.Client(base_url=url, auth=(KEY, ""), verify=False) as http,
    ):

        def post(path: str, **form: str) -> dict[str, Any]:
            answer = http.post(path, data=form)
            assert answer.status_code == 200, answer.text
            made: dict[str, Any] = answer.json()
            return made

        def sim(path: str, **body: object) -> dict[str, Any]:
            answer = http.post(f"/_sim/{path}", json=body)
            assert answer.status_code == 200, answer.text
            made: dict[str, Any] = answer.json()
            return made

        def newest(path: str) -> dict[str, Any]:
            listed: list[dict[str, Any]] = http.get(path).json()["data"]
            return listed[0]

        product = post("/v1/products", name="Popular Pack")
        once = post("/v1/prices", currency="usd", unit_amount="999", product=product["id"])
        monthly = post(
            "/v1/prices",
            **{"currency": "usd", "unit_amount": "1", "product": product["id"], "recurring[interval]": "month"},
        )
        coupon = post("/v1/coupons", percent_off="10")
        code = post("/v1/promotion_codes", **{"promotion[type]": "coupon", "promotion[coupon]": coupon["id"]})
        customer = post("/v1/customers", email="ada@example.com")
        line = {"line_items[0][price]": once["id"], "line_items[0][quantity]": "1", "mode": "payment"}
        session = post("/v1/checkout/sessions", success_url="http://localhost/", customer=customer["id"], **line)
        open_session = dict(session)
        session = sim(f"sessions/{session['id']}/pay")
        charge = newest("/v1/charges")
        refund = post("/v1/refunds", charge=charge["id"], amount="99")
        failed_refund = sim(f"refunds/{refund['id']}/fail")
        dispute = sim("disputes", charge=charge["id"])
        subscription = post("/v1/subscriptions", **{"customer": customer["id"], "items[0][price]": monthly["id"]})
        invoice = sim(f"subscriptions/{subscription['id']}/fail_invoice")
        endpoint = post("/v1/webhook_endpoints", **{"url": "http://localhost:1/", "enabled_events[]": "charge.failed"})
        endpoint.pop("secret")
        yield {
            "charge": http.get(f"/v1/charges/{charge['id']}").json(),
            "checkout.session": session,
            "open checkout.session": open_session,
            "coupon": coupon,
            "customer": customer,
            "dispute": dispute,
            "event": newest("/v1/events"),
            "invoice": invoice,
            "item": newest(f"/v1/checkout/sessions/{session['id']}/line_items"),
            "line_item": invoice["lines"]["data"][0],
            "payment_intent": newest("/v1/payment_intents"),
            "price": once,
            "product": product,
            "promotion_code": code,
            "refund": refund,
            "failed refund": failed_refund,
            "subscription": subscription,
            "webhook_endpoint": endpoint,
        }


SAMPLED = [
    "charge",
    "checkout.session",
    "customer",
    "dispute",
    "event",
    "invoice",
    "line_item",
    "payment_intent",
    "price",
    "product",
    "refund",
    "subscription",
    "webhook_endpoint",
]


def test_every_sample_is_compared(samples: dict[str, dict[str, Any]]) -> None:
    assert sorted(samples) == SAMPLED


@pytest.mark.parametrize("kind", SAMPLED)
def test_the_fields_are_those_of_stripes_sample(
    kind: str, samples: dict[str, dict[str, Any]], objects: dict[str, dict[str, Any]]
) -> None:
    assert set(objects[kind]) == set(samples[kind])


def test_an_open_session_and_a_failed_refund_have_them_too(
    samples: dict[str, dict[str, Any]], objects: dict[str, dict[str, Any]]
) -> None:
    assert set(objects["open checkout.session"]) == set(samples["checkout.session"])
    assert set(objects["failed refund"]) == set(samples["refund"]) | FAILED_REFUND


def test_the_parts_of_a_subscription_have_stripes_fields(
    samples: dict[str, dict[str, Any]], objects: dict[str, dict[str, Any]]
) -> None:
    made, sample = objects["subscription"]["items"]["data"][0], samples["subscription"]["items"]["data"][0]
    assert set(made) == set(sample)
    assert set(made["price"]) == set(samples["price"])
    assert set(made["plan"]) == set(sample["plan"])


def test_a_cards_details_have_stripes_fields(
    samples: dict[str, dict[str, Any]], objects: dict[str, dict[str, Any]]
) -> None:
    made, sample = objects["charge"]["payment_method_details"], samples["charge"]["payment_method_details"]
    assert set(made["card"]) == set(sample["card"])


@pytest.mark.parametrize(
    ("kind", "library_class"),
    [
        ("charge", stripe.Charge),
        ("checkout.session", stripe.checkout.Session),
        ("coupon", stripe.Coupon),
        ("customer", stripe.Customer),
        ("dispute", stripe.Dispute),
        ("event", stripe.Event),
        ("invoice", stripe.Invoice),
        ("item", stripe.LineItem),
        ("payment_intent", stripe.PaymentIntent),
        ("price", stripe.Price),
        ("product", stripe.Product),
        ("promotion_code", stripe.PromotionCode),
        ("failed refund", stripe.Refund),
        ("subscription", stripe.Subscription),
        ("webhook_endpoint", stripe.WebhookEndpoint),
    ],
)
def test_no_field_is_unknown_to_stripes_library(
    kind: str, library_class: type[stripe.StripeObject], objects: dict[str, dict[str, Any]]
) -> None:
    assert set(objects[kind]) - OUTDATED.get(kind, set()) <= set(library_class.__annotations__)


def test_a_balance_transaction_has_the_librarys_fields() -> None:
    assert set(template("balance_transaction")) == set(stripe.BalanceTransaction.__annotations__) - {"OBJECT_NAME"}
