"""Checkout Sessions (https://docs.stripe.com/api/checkout/sessions)."""

from typing import Any

from stripe_simulator.engine.errors import invalid, missing, no_such, only_one_of
from stripe_simulator.engine.objects import StripeObject, build, now
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.engine.store import SessionDetails
from stripe_simulator.resources import catalog
from stripe_simulator.resources.catalog import INLINE_PRICE_PARAMS, make_price
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, listed
from stripe_simulator.resources.params import (
    anything,
    between,
    boolean,
    currency,
    email,
    fields,
    integer,
    list_of,
    metadata,
    one_of,
    text,
    url,
)
from stripe_simulator.resources.pricing import line_item, reprice

operations = Operations()

LIFETIME_S = 24 * 3600
SHORTEST_LIFETIME_S = 30 * 60
SMALLEST_CHARGE_CENTS = 50
"""Stripe's minimum for US dollars (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""

_LINE_ITEM = fields(
    {
        "adjustable_quantity": anything,
        "metadata": metadata,
        "price": text,
        "price_data": fields(
            {
                **INLINE_PRICE_PARAMS,
                "product_data": fields(
                    {
                        "description": text,
                        "images": list_of(text),
                        "metadata": metadata,
                        "name": text,
                        "tax_code": text,
                    },
                    required=["name"],
                ),
            },
            required=["currency"],
        ),
        "quantity": between(1, 999_999),
    }
)
_PAYMENT_INTENT_DATA = fields(
    {
        "capture_method": one_of("automatic", "automatic_async"),
        "description": text,
        "metadata": metadata,
        "receipt_email": email,
        "setup_future_usage": one_of("off_session", "on_session"),
        "statement_descriptor": text,
        "statement_descriptor_suffix": text,
        "transfer_group": text,
    }
)
# Settings that a session answers as they were sent, and that change nothing else here.
_ECHOED = {
    "billing_address_collection": one_of("auto", "required"),
    "client_reference_id": text,
    "customer_creation": one_of("always", "if_required"),
    "customer_email": email,
    "integration_identifier": text,
    "locale": text,
    "metadata": metadata,
    "origin_context": one_of("mobile_app", "web"),
    "payment_method_collection": one_of("always", "if_required"),
    "payment_method_types": list_of(text),
    "submit_type": one_of("auto", "book", "donate", "pay", "subscribe"),
    "success_url": url,
    "cancel_url": url,
    "ui_mode": one_of("hosted_page"),
}
_PARAMS = {
    **_ECHOED,
    "adaptive_pricing": anything,
    "allow_promotion_codes": boolean,
    "automatic_tax": fields({"enabled": boolean, "liability": anything}, required=["enabled"]),
    "consent_collection": anything,
    "currency": currency,
    "custom_text": anything,
    "customer": text,
    "customer_update": anything,
    "discounts": list_of(fields({"coupon": text, "promotion_code": text})),
    "expires_at": integer,
    "invoice_creation": anything,
    "line_items": list_of(_LINE_ITEM),
    "mode": one_of("payment", "subscription"),
    "payment_intent_data": _PAYMENT_INTENT_DATA,
    "payment_method_options": anything,
    "phone_number_collection": anything,
    "subscription_data": fields({"description": text, "metadata": metadata}),
    "tax_id_collection": anything,
}


@operations.declare("POST", "/v1/checkout/sessions", _PARAMS, required=["mode", "line_items", "success_url"])
def create(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Create an open session; its `url` is the payment page."""
    _check_combinations(params)
    if "customer" in params:
        simulator.store.refer("customer", params["customer"], "customer")
    line_items = [
        _priced(simulator, item, params["mode"], f"line_items[{position}]")
        for position, item in enumerate(params["line_items"])
    ]
    discounts = [_discount(simulator, given) for given in params.get("discounts", [])]
    currencies = {item["currency"] for item in line_items}
    if len(currencies) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    created = now()
    session = build(
        "checkout.session",
        allow_promotion_codes=params.get("allow_promotion_codes"),
        created=created,
        currency=currencies.pop(),
        customer=params.get("customer"),
        discounts=discounts,
        expires_at=_expiry(params.get("expires_at"), created),
        mode=params["mode"],
        **{name: params[name] for name in _ECHOED if name in params},
    )
    if params.get("automatic_tax", {}).get("enabled"):
        session["automatic_tax"] = {
            "enabled": True,
            "liability": {"type": "self"},
            "provider": "stripe",
            "status": "complete",
        }
    session["customer_creation"] = _customer_creation(session)
    session["url"] = f"{simulator.settings.base_url}/pay/{session['id']}"
    details = SessionDetails(line_items, params.get("payment_intent_data", {}), params.get("subscription_data", {}))
    reprice(simulator.store, session, line_items, simulator.tax_percent)
    if 0 < session["amount_total"] < SMALLEST_CHARGE_CENTS:
        message = "The Checkout Session's total amount due must add up to at least $0.50 usd"
        raise invalid(message, code="amount_too_small")
    return simulator.store.add_session(session, details)


operations.retrievable("checkout.session", "/v1/checkout/sessions")
operations.listable(
    "checkout.session",
    "/v1/checkout/sessions",
    customer=text,
    payment_intent=text,
    status=one_of("open", "complete", "expired"),
    subscription=text,
)


@operations.declare("POST", "/v1/checkout/sessions/<object_id>", {"metadata": metadata})
def update(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change a session's metadata."""
    session = simulator.store.get("checkout.session", object_id)
    catalog.update_fields(session, params)
    return session


@operations.declare("POST", "/v1/checkout/sessions/<object_id>/expire")
def expire(simulator: Simulator, _params: StripeObject, object_id: str) -> StripeObject:
    """End an open session: it can no longer be paid."""
    session = simulator.store.get("checkout.session", object_id)
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
        raise invalid(message)
    return _expire(simulator, session)


@operations.declare("GET", "/v1/checkout/sessions/<object_id>/line_items", LIST_PARAMS)
def list_line_items(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """List what a session sells, in the order it was given."""
    simulator.store.get("checkout.session", object_id)
    items = simulator.store.session_details[object_id].line_items
    limit = params.get("limit", len(items))
    path = f"/v1/checkout/sessions/{object_id}/line_items"
    return listed(path, items[:limit], has_more=len(items) > limit)


def expire_overdue(simulator: Simulator) -> None:
    """Expire the open sessions whose time is up. Every request does so first, for nothing else looks at the clock."""
    for session in simulator.store.take_overdue_sessions(now()):
        if session["status"] == "open":
            _expire(simulator, session)


def _expire(simulator: Simulator, session: StripeObject) -> StripeObject:
    session.update(status="expired", url=None)
    if session["payment_intent"]:
        intent = simulator.store.get("payment_intent", session["payment_intent"])
        intent.update(status="canceled", canceled_at=now(), cancellation_reason="expired", next_action=None)
        simulator.emit("payment_intent.canceled", intent)
    simulator.emit("checkout.session.expired", session)
    return session


def _check_combinations(params: StripeObject) -> None:
    """Refuse what excludes each other, as Stripe does."""
    for pair in (
        ("customer", "customer_email"),
        ("customer", "customer_creation"),
        ("allow_promotion_codes", "discounts"),
    ):
        if all(name in params for name in pair):
            raise only_one_of(*pair)
    if params["mode"] == "subscription" and "payment_intent_data" in params:
        raise invalid("You can not pass `payment_intent_data` in `subscription` mode.", param="payment_intent_data")
    if params["mode"] == "payment" and "subscription_data" in params:
        raise invalid("You can not pass `subscription_data` in `payment` mode.", param="subscription_data")
    if not params["line_items"]:
        raise missing("line_items")
    if len(params.get("discounts", [])) > 1:
        raise invalid("You may only specify one discount.", param="discounts")


def _priced(simulator: Simulator, item: dict[str, Any], mode: str, path: str) -> StripeObject:
    if ("price" in item) == ("price_data" in item):
        raise missing(f"{path}[price]") if "price" not in item else only_one_of("price", "price_data")
    if "quantity" not in item:
        raise invalid(f"Quantity is required. Add `quantity` to `{path}`", param=f"{path}[quantity]")
    if "price" in item:
        price = simulator.store.refer("price", item["price"], f"{path}[price]")
    else:
        price = make_price(simulator, item["price_data"])
    if not price["active"]:
        message = "The price specified is inactive. This field only accepts active prices."
        raise invalid(message, param=f"{path}[price]")
    if mode == "payment" and price["type"] == "recurring":
        message = (
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices."
        )
        raise invalid(message, param="line_items")
    if mode == "subscription" and price["type"] != "recurring":
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise invalid(message, param="line_items")
    return line_item(price, simulator.store.get("product", price["product"]), item["quantity"])


def _discount(simulator: Simulator, given: dict[str, str]) -> dict[str, str | None]:
    """Read one of `discounts`: a coupon, or a promotion code's id. Answers `{"coupon", "promotion_code"}`."""
    if "promotion_code" in given:
        promotion = simulator.store.refer("promotion_code", given["promotion_code"], "discounts[0][promotion_code]")
        return {"coupon": promotion["promotion"]["coupon"], "promotion_code": promotion["id"]}
    if "coupon" not in given:
        raise missing("discounts[0][coupon]")
    coupon = simulator.store.refer("coupon", given["coupon"], "discounts[0][coupon]")
    if not coupon["valid"]:
        raise no_such("coupon", coupon["id"], param="discounts[0][coupon]", status=400)
    return {"coupon": coupon["id"], "promotion_code": None}


def _expiry(wanted: int | None, created: int) -> int:
    if wanted is None:
        return created + LIFETIME_S
    if wanted < created + SHORTEST_LIFETIME_S:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid(message, param="expires_at")
    if wanted > created + LIFETIME_S:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid(message, param="expires_at")
    return wanted


def _customer_creation(session: StripeObject) -> str | None:
    if session["customer"]:
        return None
    default = "always" if session["mode"] == "subscription" else "if_required"
    return session["customer_creation"] or default
