"""Every object and event has the fields that Stripe's samples and library give it, and no others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import stripe

from stripe_simulator.tests.shop import Json, Shop, intent_of

SAMPLES = Path(__file__).parents[3] / "shared" / "stripe" / "objects.json"
# What only Stripe's samples have: an older API version's field, which whoever still reads it should miss here.
OUTDATED = {"invoice": {"subscription"}}
# What Stripe still sends although its library does not mention it.
UNMENTIONED = {"charge.source"}
# What Stripe adds to an object only where it says something.
OCCASIONAL = {
    "charge": {"presentment_details"},
    "checkout.session": {"presentment_details"},
    "event": {"account"},
    "payment_intent": {"presentment_details"},
    "refund": {
        *("failure_balance_transaction", "failure_reason"),
        *("next_action", "pending_reason", "presentment_details"),
    },
}
LIBRARY: dict[str, type[stripe.StripeObject]] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "coupon": stripe.Coupon,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "item": stripe.LineItem,
    "line_item": stripe.InvoiceLineItem,
    "payment_intent": stripe.PaymentIntent,
    "plan": stripe.Plan,
    "price": stripe.Price,
    "product": stripe.Product,
    "promotion_code": stripe.PromotionCode,
    "refund": stripe.Refund,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
SAMPLED = (
    *("charge", "checkout.session", "customer", "dispute", "event", "invoice", "line_item", "payment_intent", "price"),
    *("product", "refund", "subscription", "webhook_endpoint"),
)


@pytest.fixture(scope="module")
def samples() -> dict[str, Json]:
    if not SAMPLES.exists():
        pytest.skip(f"Stripe's sample objects are not at {SAMPLES}")
    loaded: dict[str, Json] = json.loads(SAMPLES.read_text())
    return loaded


@pytest.fixture(scope="module")
def objects(module_shop: Shop) -> list[Json]:
    """Everything that a shop full of trouble has, and all that its events ever showed."""
    shop = module_shop
    live_a_full_life(shop)
    lists = ("charges", "checkout/sessions", "disputes", "invoices", "payment_intents", "refunds", "subscriptions")
    remaining = [subject for path in lists for subject in shop.get(path, limit="100")["data"]]
    catalog = [subject for path in ("prices", "products", "promotion_codes") for subject in shop.get(path)["data"]]
    events = list(all_events(shop))
    assert len({event["type"] for event in events}) > 30
    whole = [*remaining, *catalog, *events, *(event["data"]["object"] for event in events), *loose_parts(shop)]
    return [*whole, *(part for subject in whole for part in nested_parts(subject))]


def live_a_full_life(shop: Shop) -> None:
    shop.simulate("behavior", refund_status="pending", adaptive_pricing=True)
    customer = shop.client.v1.customers.create({"email": "ada@example.com"})
    shop.client.v1.customers.update(customer.id, {"name": "Ada"})
    presented = shop.pay(
        shop.open(customer=customer.id, invoice_creation={"enabled": True}),
        presentment_currency="gbp",
        exchange_rate=0.79,
    )
    intent = intent_of(presented).id
    for control in ("fail", "cancel", "succeed", "require_action"):
        refund = shop.client.v1.refunds.create({"payment_intent": intent, "amount": 100})
        shop.simulate(f"refunds/{refund.id}/{control}")
    for opening, turns in (
        ({}, ("review", "close", "appeal", "review")),
        ({"status": "warning_needs_response"}, ("review", "escalate")),
        ({"status": "prevented"}, ()),
    ):
        dispute = shop.simulate("disputes", charge=shop.paid_charge().id, **opening)
        for turn in turns:
            shop.simulate(f"disputes/{dispute['id']}/{turn}", **({"status": "won"} if turn == "close" else {}))
    for outcome in ("succeeded", "failed"):
        delayed = shop.pay(shop.open(), method="delayed")
        shop.simulate(f"sessions/{delayed.id}/settle", outcome=outcome)
    for card in ("4000000000000002", "4000002500003155"):
        shop.sim(f"sessions/{shop.open().id}/pay", card=card, three_d_secure="fail")
    shop.client.v1.checkout.sessions.expire(shop.open().id)
    monthly: Any = {"interval": "month"}
    price = shop.client.v1.prices.create(
        {"currency": "usd", "unit_amount": 500, "recurring": monthly, "product_data": {"name": "Monthly"}}
    )
    subscription = shop.client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    shop.simulate(f"subscriptions/{subscription.id}/fail_invoice")
    shop.client.v1.subscriptions.cancel(subscription.id)
    coupon = shop.client.v1.coupons.create({"percent_off": 10})
    shop.client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    shop.client.v1.customers.delete(customer.id)


def loose_parts(shop: Shop) -> Iterator[Json]:
    session = shop.get("checkout/sessions")["data"][0]["id"]
    yield from shop.get(f"checkout/sessions/{session}/line_items")["data"]
    yield from shop.get("balance_transactions", limit="100")["data"]
    yield shop.get(f"coupons/{shop.get('promotion_codes')['data'][0]['promotion']['coupon']}")
    endpoint: dict[str, str] = {"url": "http://localhost:1/", "enabled_events[]": "charge.failed"}
    registered = shop.http.post("/v1/webhook_endpoints", data=endpoint).json()
    yield shop.get(f"webhook_endpoints/{registered['id']}")
    shop.http.post("/v1/customers", headers={"Stripe-Account": "acct_1"})
    yield shop.http.get("/v1/events", headers={"Stripe-Account": "acct_1"}).json()["data"][0]


def nested_parts(subject: Json) -> Iterator[Json]:
    if subject["object"] == "invoice":
        yield from subject["lines"]["data"]
    if subject["object"] == "subscription":
        for item in subject["items"]["data"]:
            yield from (item, item["plan"], item["price"])
    if subject["object"] == "dispute":
        yield from subject["balance_transactions"]


def all_events(shop: Shop) -> Iterator[Json]:
    page = shop.get("events", limit="100")
    while True:
        yield from page["data"]
        if not page["has_more"]:
            return
        page = shop.get("events", limit="100", starting_after=page["data"][-1]["id"])


def of_kind(objects: list[Json], kind: str) -> list[Json]:
    found = [subject for subject in objects if subject["object"] == kind and not subject.get("deleted")]
    assert found, f"no {kind} to compare"
    return found


def test_every_sample_is_compared(samples: dict[str, Json]) -> None:
    assert tuple(sorted(samples)) == SAMPLED


@pytest.mark.parametrize("kind", SAMPLED)
def test_the_fields_are_those_of_stripes_sample(kind: str, samples: dict[str, Json], objects: list[Json]) -> None:
    expected = set(samples[kind]) - OUTDATED.get(kind, set())
    for subject in of_kind(objects, kind):
        assert set(subject) - OCCASIONAL.get(kind, set()) == expected, subject["id"]


def test_the_parts_of_a_subscription_have_stripes_fields(samples: dict[str, Json], objects: list[Json]) -> None:
    subject = of_kind(objects, "subscription")[0]["items"]["data"][0]
    sample = samples["subscription"]["items"]["data"][0]
    assert set(subject) == set(sample)
    assert set(subject["price"]) == set(samples["price"])
    assert set(subject["plan"]) == set(sample["plan"])


def test_a_cards_details_have_stripes_fields(samples: dict[str, Json], objects: list[Json]) -> None:
    [subject, *_] = [one for one in of_kind(objects, "charge") if one["payment_method_details"]["type"] == "card"]
    assert set(subject["payment_method_details"]["card"]) == set(samples["charge"]["payment_method_details"]["card"])


def test_a_disputes_details_have_stripes_fields(samples: dict[str, Json], objects: list[Json]) -> None:
    for subject in of_kind(objects, "dispute"):
        for part in ("evidence", "evidence_details", "payment_method_details"):
            assert set(subject[part]) == set(samples["dispute"][part])
        assert set(subject["payment_method_details"]["card"]) == set(
            samples["dispute"]["payment_method_details"]["card"]
        )


@pytest.mark.parametrize("kind", LIBRARY)
def test_no_field_and_no_value_is_unknown_to_stripes_library(kind: str, objects: list[Json]) -> None:
    for subject in of_kind(objects, kind):
        assert list(unknown(subject, LIBRARY[kind], kind)) == []


def test_every_object_says_when_it_was_created(objects: list[Json]) -> None:
    assert [subject for subject in objects if "created" in subject and not isinstance(subject["created"], int)] == []


def unknown(subject: Json, library: type[stripe.StripeObject], path: str) -> Iterator[str]:
    """Yield what the library does not know: fields, and words that its types do not list."""
    for name, value in subject.items():
        if f"{path}.{name}" in UNMENTIONED:
            continue
        if name not in library.__annotations__:
            yield f"{path}.{name}"
            continue
        words = set(literals(library.__annotations__[name]))
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and words and one not in words:
                yield f"{path}.{name}={one}"
            inner = library._inner_class_types.get(name)
            if inner is not None and isinstance(one, dict):
                yield from unknown(one, inner, f"{path}.{name}")


def literals(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for inner in get_args(annotation):
            yield from literals(inner)
