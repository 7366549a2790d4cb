"""Checkout Sessions (https://docs.stripe.com/api/checkout/sessions)."""

from typing import Any

from stripe_simulator.engine.currencies import money
from stripe_simulator.engine.errors import invalid, missing, no_such, only_one_of
from stripe_simulator.engine.objects import StripeObject, template
from stripe_simulator.engine.simulator import Account, Simulator
from stripe_simulator.engine.store import SessionDetails
from stripe_simulator.resources import checkout_params
from stripe_simulator.resources.catalog import make_price, option_of, update_fields
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, as_list
from stripe_simulator.resources.params import metadata, one_of, text
from stripe_simulator.resources.pricing import line_item, set_amounts

operations = Operations()

LIFETIME_S = 24 * 3600
LIFETIME_MIN_S = 30 * 60
CHARGE_CENTS_MIN = 50
"""Stripe's minimum for US dollars, euros and yen (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts);
here for every currency."""


@operations.declare(
    "POST", "/v1/checkout/sessions", checkout_params.CREATE, required=["mode", "line_items", "success_url"]
)
def create(account: Account, params: StripeObject) -> StripeObject:
    """Create an open session; its `url` is the payment page."""
    _check_combinations(params)
    if "customer" in params:
        account.store.refer("customer", params["customer"], "customer")
    line_items = [
        _priced(account, item, params, f"line_items[{position}]") for position, item in enumerate(params["line_items"])
    ]
    currencies = {item["currency"] for item in line_items}
    if len(currencies) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    session = account.build(
        "checkout.session",
        allow_promotion_codes=params.get("allow_promotion_codes"),
        automatic_tax=_automatic_tax(params),
        currency=currencies.pop(),
        customer=params.get("customer"),
        discounts=[_discount(account, given) for given in params.get("discounts", [])],
        expires_at=_expiry(params.get("expires_at"), account.clock.now()),
        invoice_creation=_invoice_creation(params),
        mode=params["mode"],
        **{name: params[name] for name in checkout_params.ECHOED if name in params},
    )
    adaptive = params.get("adaptive_pricing", {}).get("enabled", account.behavior.adaptive_pricing)
    session["adaptive_pricing"] = {"enabled": adaptive}
    session["customer_creation"] = _customer_creation(session)
    session["url"] = account.url(f"/pay/{session['id']}")
    coupons = [account.store.get("coupon", discount["coupon"]) for discount in session["discounts"]]
    set_amounts(session, line_items, coupons[0] if coupons else None, account.behavior.tax_percent)
    if 0 < session["amount_total"] < CHARGE_CENTS_MIN:
        least = money(CHARGE_CENTS_MIN, session["currency"])
        message = f"The Checkout Session's total amount due must add up to at least {least} {session['currency']}"
        raise invalid(message, code="amount_too_small")
    details = SessionDetails(line_items, params.get("payment_intent_data", {}), params.get("subscription_data", {}))
    return account.store.add_session(session, details)


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
def update(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change a session's metadata."""
    session = account.store.get("checkout.session", object_id)
    update_fields(session, params)
    return session


@operations.declare("POST", "/v1/checkout/sessions/<object_id>/expire")
def expire(account: Account, _params: StripeObject, object_id: str) -> StripeObject:
    """End an open session: it can no longer be paid."""
    session = account.store.get("checkout.session", object_id)
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
        raise invalid(message)
    return _expire(account, session)


@operations.declare("GET", "/v1/checkout/sessions/<object_id>/line_items", LIST_PARAMS)
def list_line_items(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """List what a session sells, in the order in which it was given."""
    account.store.get("checkout.session", object_id)
    items = account.store.session_details[object_id].line_items
    limit = params.get("limit", len(items))
    path = f"/v1/checkout/sessions/{object_id}/line_items"
    return as_list(path, items[:limit], has_more=len(items) > limit)


def expire_overdue(simulator: Simulator) -> None:
    """Expire the open sessions whose time is up. Every request does so first: nothing else watches the clock."""
    for account in simulator.accounts:
        for session in account.store.take_overdue_sessions(simulator.clock.now()):
            if session["status"] == "open":
                _expire(account, session)


def _expire(account: Account, session: StripeObject) -> StripeObject:
    session.update(status="expired", url=None)
    if session["payment_intent"]:
        intent = account.store.get("payment_intent", session["payment_intent"])
        intent.update(
            status="canceled", canceled_at=account.clock.now(), cancellation_reason="expired", next_action=None
        )
        account.emit("payment_intent.canceled", intent)
    account.emit("checkout.session.expired", session)
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
    if params["mode"] == "subscription" and "invoice_creation" in params:
        raise invalid("You can only enable invoice creation when `mode` is set to `payment`.", param="invoice_creation")
    if not params["line_items"]:
        raise missing("line_items")
    if len(params.get("discounts", [])) > 1:
        raise invalid("You may only specify one discount.", param="discounts")


def _priced(account: Account, item: dict[str, Any], params: StripeObject, path: str) -> StripeObject:
    mode = params["mode"]
    if ("price" in item) == ("price_data" in item):
        raise missing(f"{path}[price]") if "price" not in item else only_one_of("price", "price_data")
    if "quantity" not in item:
        raise invalid(f"Quantity is required. Add `quantity` to `{path}`", param=f"{path}[quantity]")
    if "price" in item:
        price = account.store.refer("price", item["price"], f"{path}[price]")
    else:
        price = make_price(account, item["price_data"])
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
    option = option_of(account, price, params["currency"]) if "currency" in params else None
    return line_item(price, account.store.get("product", price["product"]), item["quantity"], option)


def _discount(account: Account, given: dict[str, str]) -> dict[str, str | None]:
    """Return `{"coupon", "promotion_code"}` for one of `discounts`, which names a coupon or a promotion code's id."""
    if "promotion_code" in given:
        promotion = account.store.refer("promotion_code", given["promotion_code"], "discounts[0][promotion_code]")
        return {"coupon": promotion["promotion"]["coupon"], "promotion_code": promotion["id"]}
    if "coupon" not in given:
        raise missing("discounts[0][coupon]")
    coupon = account.store.refer("coupon", given["coupon"], "discounts[0][coupon]")
    if not coupon["valid"]:
        raise no_such("coupon", coupon["id"], param="discounts[0][coupon]", status=400)
    return {"coupon": coupon["id"], "promotion_code": None}


def _expiry(requested: int | None, created: int) -> int:
    if requested is None:
        return created + LIFETIME_S
    if requested < created + LIFETIME_MIN_S:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid(message, param="expires_at")
    if requested > created + LIFETIME_S:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid(message, param="expires_at")
    return requested


def _customer_creation(session: StripeObject) -> str | None:
    """Return whether Checkout creates a customer: an invoice and a subscription need one."""
    if session["customer"]:
        return None
    needed = session["mode"] == "subscription" or session["invoice_creation"]["enabled"]
    return "always" if needed else session["customer_creation"] or "if_required"


def _automatic_tax(params: StripeObject) -> StripeObject:
    tax: StripeObject = template("checkout.session")["automatic_tax"]
    if params.get("automatic_tax", {}).get("enabled"):
        tax.update(enabled=True, liability={"type": "self"}, provider="stripe", status="complete")
    return tax


def _invoice_creation(params: StripeObject) -> StripeObject:
    creation: StripeObject = template("checkout.session")["invoice_creation"]
    given = params.get("invoice_creation", {})
    creation["enabled"] = given.get("enabled", False)
    creation["invoice_data"].update(given.get("invoice_data", {}))
    return creation
