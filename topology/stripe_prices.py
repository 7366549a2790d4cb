"""Creates a catalog's products and prices in Stripe, each price in all of its currencies. Safe to repeat."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stripe import InvalidRequestError, Price, StripeClient

from shared.domain.catalog import Package

if TYPE_CHECKING:
    from stripe.params import PriceListParams


def set_up(stripe_url: str, secret_key: str, packages: Iterable[Package]) -> dict[str, str]:
    """Create the products and prices that are missing, and write what buyers read about each product.

    Returns:
        The price ids by the name of each package's setting: {"STRIPE_TOKEN_POPULAR_PRICE_ID": "price_…"}.
    """
    stripe = StripeClient(secret_key, base_addresses={"api": stripe_url}, max_network_retries=2)
    return {package.price_setting: _price_id(stripe, package) for package in packages}


def _price_id(stripe: StripeClient, package: Package) -> str:
    terms = package.current
    product_id = _product_id(stripe, package)
    # The terms are part of the key: a price in Stripe never changes its amount, so new terms need a new price.
    lookup_key = f"tokens_{package.id}_{terms.price_cents}_{terms.currency}"
    params: PriceListParams = {"lookup_keys": [lookup_key], "active": True, "expand": ["data.currency_options"]}
    for price in stripe.v1.prices.list(params).data:
        if _amounts(price) == terms.prices:
            return price.id
    price = stripe.v1.prices.create(
        {
            "product": product_id,
            "unit_amount": terms.price_cents,
            "currency": terms.currency,
            "currency_options": {code: {"unit_amount": amount} for code, amount in terms.currency_options.items()},
            "lookup_key": lookup_key,
            # From a price with other amounts in other currencies, which stays active for sessions that use it.
            "transfer_lookup_key": True,
        }
    )
    return price.id


def _amounts(price: Price) -> dict[str, int | None]:
    """Return a price's amounts in all of its currencies."""
    options = price.to_dict().get("currency_options") or {}
    return {price.currency: price.unit_amount} | {code: option["unit_amount"] for code, option in options.items()}


def _product_id(stripe: StripeClient, package: Package) -> str:
    # With an id of our own, a run after an interrupted one does not create a second product.
    id_ = f"tokens_{package.id}"
    # Stripe's payment page and receipt show both: buyers read there how many tokens they pay for.
    description = f"{package.current.tokens} tokens - {package.description}"
    try:
        stripe.v1.products.create({"id": id_, "name": package.name, "description": description})
    except InvalidRequestError as error:
        if error.code != "resource_already_exists":
            raise
        stripe.v1.products.update(id_, {"name": package.name, "description": description})
    return id_
