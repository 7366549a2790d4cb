"""What is sold and for how much: products, prices, coupons, promotion codes.

https://docs.stripe.com/api/products, /prices, /coupons, /promotion_codes
"""

from typing import Any

from stripe_simulator.engine.errors import invalid, missing, only_one_of
from stripe_simulator.engine.objects import StripeObject, build, new_id, now
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, created_within, page
from stripe_simulator.resources.params import (
    amount,
    anything,
    boolean,
    clearable,
    currency,
    fields,
    integer,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    percent,
    positive_amount,
    text,
)
from stripe_simulator.resources.promotions import same_code

operations = Operations()

_PRODUCT_PARAMS = {
    "active": boolean,
    "description": clearable(text),
    "images": list_of(text),
    "metadata": metadata,
    "name": text,
    "shippable": boolean,
    "statement_descriptor": text,
    "tax_code": clearable(text),
    "unit_label": clearable(text),
    "url": clearable(text),
}
_RECURRING = fields(
    {
        "interval": one_of("day", "week", "month", "year"),
        "interval_count": integer,
        "usage_type": one_of("licensed", "metered"),
    },
    required=["interval"],
)
INLINE_PRICE_PARAMS = {
    "currency": currency,
    "product": text,
    "recurring": _RECURRING,
    "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
    "unit_amount": amount,
}


@operations.declare("POST", "/v1/products", {"id": text, **_PRODUCT_PARAMS}, required=["name"])
def create_product(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Create a product, under an id of the caller's choice if one is given."""
    if "id" in params and simulator.store.find("product", params["id"]):
        raise invalid("Product already exists.", code="resource_already_exists", param="id")
    return simulator.store.add(build("product", updated=now(), **params))


@operations.declare("POST", "/v1/products/<object_id>", {"default_price": text, **_PRODUCT_PARAMS})
def update_product(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given."""
    product = simulator.store.get("product", object_id)
    if "default_price" in params:
        simulator.store.refer("price", params["default_price"], "default_price")
    update_fields(product, params)
    product["updated"] = now()
    return product


operations.retrievable("product", "/v1/products")
operations.listable("product", "/v1/products", active=boolean)


@operations.declare(
    "POST",
    "/v1/prices",
    {
        **INLINE_PRICE_PARAMS,
        "active": boolean,
        "billing_scheme": one_of("per_unit"),
        "lookup_key": text,
        "metadata": metadata,
        "nickname": text,
        "product_data": fields(_PRODUCT_PARAMS, required=["name"]),
        "transfer_lookup_key": boolean,
    },
    required=["currency"],
)
def create_price(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Create a price of a product that exists or comes with it; `transfer_lookup_key` takes the key from another."""
    transfer = params.pop("transfer_lookup_key", False)
    lookup_key = params.get("lookup_key")
    _free_lookup_key(simulator, lookup_key, transfer=transfer)
    return make_price(simulator, params)


@operations.declare(
    "POST",
    "/v1/prices/<object_id>",
    {
        "active": boolean,
        "lookup_key": clearable(text),
        "metadata": metadata,
        "nickname": clearable(text),
        "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
        "transfer_lookup_key": boolean,
    },
)
def update_price(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change what may change of a price: never its amount."""
    price = simulator.store.get("price", object_id)
    transfer = params.pop("transfer_lookup_key", False)
    if params.get("lookup_key") != price["lookup_key"]:
        _free_lookup_key(simulator, params.get("lookup_key"), transfer=transfer)
    update_fields(price, params)
    return price


operations.retrievable("price", "/v1/prices")


@operations.declare(
    "GET",
    "/v1/prices",
    {
        **LIST_PARAMS,
        "active": boolean,
        "currency": currency,
        "lookup_keys": list_of(text),
        "product": text,
        "type": one_of("one_time", "recurring"),
    },
)
def list_prices(simulator: Simulator, params: StripeObject) -> StripeObject:
    """List prices, by lookup key among others."""
    keys = params.get("lookup_keys")
    equal = {name: params[name] for name in ("active", "currency", "product", "type") if name in params}

    def matches(price: StripeObject) -> bool:
        wanted = all(price[name] == value for name, value in equal.items())
        return wanted and created_within(price, params) and (keys is None or price["lookup_key"] in keys)

    return page(simulator.store, "price", "/v1/prices", params, matches)


def make_price(simulator: Simulator, params: dict[str, Any]) -> StripeObject:
    """Create a price from checked parameters, and its product where `product_data` describes one."""
    values = dict(params)
    product_data = values.pop("product_data", None)
    if product_data and "product" in values:
        raise only_one_of("product", "product_data")
    if "unit_amount" not in values:
        raise missing("unit_amount")
    if product_data:
        values["product"] = simulator.store.add(build("product", updated=now(), **product_data))["id"]
    elif "product" not in values:
        raise missing("product")
    simulator.store.refer("product", values["product"], "product")
    if "recurring" in values:
        recurring = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
        values["recurring"] = {**recurring, **values["recurring"]}
        values["type"] = "recurring"
    return simulator.store.add(build("price", unit_amount_decimal=str(values["unit_amount"]), **values))


def _free_lookup_key(simulator: Simulator, lookup_key: str | None, *, transfer: bool) -> None:
    if lookup_key is None:
        return
    for holder in simulator.store.newest("price", lambda price: bool(price["lookup_key"] == lookup_key)):
        if not transfer:
            raise invalid(f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key")
        holder["lookup_key"] = None


def update_fields(built: StripeObject, params: StripeObject) -> None:
    """Change what is given; metadata is merged."""
    if "metadata" in params:
        params["metadata"] = merge_metadata(built["metadata"], params["metadata"])
    built.update(params)


@operations.declare(
    "POST",
    "/v1/coupons",
    {
        "amount_off": positive_amount,
        "currency": currency,
        "duration": one_of("forever", "once", "repeating"),
        "duration_in_months": integer,
        "id": text,
        "max_redemptions": positive_amount,
        "metadata": metadata,
        "name": text,
        "percent_off": percent,
    },
)
def create_coupon(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Create a coupon that takes off a percentage, or an amount in a currency."""
    if ("amount_off" in params) == ("percent_off" in params):
        raise invalid("You must pass either percent_off or amount_off.")
    if "amount_off" in params and "currency" not in params:
        raise missing("currency")
    if "id" in params and simulator.store.find("coupon", params["id"]):
        raise invalid("Coupon already exists.", code="resource_already_exists", param="id")
    return simulator.store.add(build("coupon", **params))


operations.retrievable("coupon", "/v1/coupons")


@operations.declare(
    "POST",
    "/v1/promotion_codes",
    {
        "active": boolean,
        "code": text,
        "customer": text,
        "expires_at": integer,
        "max_redemptions": positive_amount,
        "metadata": metadata,
        "promotion": fields({"coupon": text, "type": one_of("coupon")}, required=["coupon", "type"]),
        "restrictions": anything,
    },
    required=["promotion"],
)
def create_promotion_code(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Create the words that a buyer types to get a coupon; unique among active codes, whatever their case."""
    simulator.store.refer("coupon", params["promotion"]["coupon"], "promotion[coupon]")
    params.setdefault("code", new_id("coupon").upper())
    if any(simulator.store.newest("promotion_code", lambda one: one["active"] and same_code(one, params["code"]))):
        raise invalid("An active promotion code with `code: " + params["code"] + "` already exists.", param="code")
    return simulator.store.add(build("promotion_code", **params))


operations.retrievable("promotion_code", "/v1/promotion_codes")
operations.listable("promotion_code", "/v1/promotion_codes", active=boolean, code=text)
