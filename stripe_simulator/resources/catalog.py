"""What is sold and for how much: products and prices.

https://docs.stripe.com/api/products, /prices
"""

from typing import Any

from stripe_simulator.engine.currencies import is_chargeable
from stripe_simulator.engine.errors import invalid, missing, only_one_of
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, created_within, page
from stripe_simulator.resources.params import (
    amount,
    boolean,
    by_currency,
    clearable,
    currency,
    fields,
    integer,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    text,
)

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
_CURRENCY_OPTIONS = by_currency(fields({"unit_amount": amount}, required=["unit_amount"]))


@operations.declare("POST", "/v1/products", {"id": text, **_PRODUCT_PARAMS}, required=["name"])
def create_product(account: Account, params: StripeObject) -> StripeObject:
    """Create a product, under the caller's id if one is given."""
    if "id" in params and account.store.find("product", params["id"]):
        raise invalid("Product already exists.", code="resource_already_exists", param="id")
    return account.create("product", updated=account.clock.now(), **params)


@operations.declare("POST", "/v1/products/<object_id>", {"default_price": text, **_PRODUCT_PARAMS})
def update_product(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given."""
    product = account.store.get("product", object_id)
    if "default_price" in params:
        account.store.refer("price", params["default_price"], "default_price")
    update_fields(product, params)
    product["updated"] = account.clock.now()
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
        "currency_options": _CURRENCY_OPTIONS,
        "lookup_key": text,
        "metadata": metadata,
        "nickname": text,
        "product_data": fields(_PRODUCT_PARAMS, required=["name"]),
        "transfer_lookup_key": boolean,
    },
    required=["currency"],
)
def create_price(account: Account, params: StripeObject) -> StripeObject:
    """Create a price for a product, which `product_data` may create with it."""
    transfer = params.pop("transfer_lookup_key", False)
    lookup_key = params.get("lookup_key")
    _claim_lookup_key(account, lookup_key, transfer=transfer)
    return make_price(account, params)


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
def update_price(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change what may change about a price, which its amount is not."""
    price = account.store.get("price", object_id)
    transfer = params.pop("transfer_lookup_key", False)
    if params.get("lookup_key") != price["lookup_key"]:
        _claim_lookup_key(account, params.get("lookup_key"), transfer=transfer)
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
def list_prices(account: Account, params: StripeObject) -> StripeObject:
    """List prices, also by lookup key."""
    keys = params.get("lookup_keys")
    equal = {name: params[name] for name in ("active", "currency", "product", "type") if name in params}

    def matches(price: StripeObject) -> bool:
        same = all(price[name] == value for name, value in equal.items())
        return same and created_within(price, params) and (keys is None or price["lookup_key"] in keys)

    return page(account.store, "price", "/v1/prices", params, matches)


def make_price(account: Account, params: dict[str, Any]) -> StripeObject:
    """Create a price from checked parameters, and its product if `product_data` describes one."""
    values = dict(params)
    options = {code: int(option["unit_amount"]) for code, option in values.pop("currency_options", {}).items()}
    product_data = values.pop("product_data", None)
    if product_data and "product" in values:
        raise only_one_of("product", "product_data")
    if "unit_amount" not in values:
        raise missing("unit_amount")
    _check_amounts({values["currency"]: values["unit_amount"], **options})
    if product_data:
        values["product"] = account.create("product", updated=account.clock.now(), **product_data)["id"]
    elif "product" not in values:
        raise missing("product")
    account.store.refer("product", values["product"], "product")
    if "recurring" in values:
        recurring = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
        values["recurring"] = {**recurring, **values["recurring"]}
        values["type"] = "recurring"
    price = account.create("price", unit_amount_decimal=str(values["unit_amount"]), **values)
    account.store.currency_options[price["id"]] = {
        code: {
            "custom_unit_amount": None,
            "tax_behavior": price["tax_behavior"],
            "unit_amount": option,
            "unit_amount_decimal": str(option),
        }
        for code, option in {**options, price["currency"]: price["unit_amount"]}.items()
    }
    return price


def option_of(account: Account, price: StripeObject, currency: str) -> tuple[str, int]:
    """Return a price in one of its currencies, as that currency and the amount.

    Raises:
        ApiError: 400; the price has no such currency.
    """
    options = account.store.currency_options[price["id"]]
    if currency in options:
        return currency, options[currency]["unit_amount"]
    supported = ", ".join(f"`{code}`" for code in options)
    only = "only supports" if len(options) == 1 else "supports currencies of"
    message = f"The price specified {only} {supported}. This doesn't match the expected currency: `{currency}`."
    raise invalid(message, param="line_items")


def _check_amounts(amounts: dict[str, int]) -> None:
    for code, value in amounts.items():
        if not is_chargeable(value, code):
            raise invalid(f"Invalid integer: {value}; in {code}, the last digit has to be 0", param="unit_amount")


def _claim_lookup_key(account: Account, lookup_key: str | None, *, transfer: bool) -> None:
    """Make sure that no other price has the lookup key; `transfer` takes it from the one that does."""
    if lookup_key is None:
        return
    for holder in account.store.newest("price", lambda price: bool(price["lookup_key"] == lookup_key)):
        if not transfer:
            raise invalid(f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key")
        holder["lookup_key"] = None


def update_fields(built: StripeObject, params: StripeObject) -> None:
    """Change what is given, merging metadata."""
    if "metadata" in params:
        params["metadata"] = merge_metadata(built["metadata"], params["metadata"])
    built.update(params)
