"""The products and prices of a catalog in Stripe, made through Stripe's own API. Run it as often as you like."""

from collections.abc import Iterable

from stripe import InvalidRequestError, StripeClient

from shared.domain.catalog import Package


def set_up(stripe_url: str, secret_key: str, packages: Iterable[Package]) -> dict[str, str]:
    """Make the products and prices that are missing.

    Returns:
        Each package's price id by the name of its setting: {"STRIPE_TOKEN_POPULAR_PRICE_ID": "price_…"}.
    """
    stripe = StripeClient(secret_key, base_addresses={"api": stripe_url}, max_network_retries=2)
    return {package.price_setting: _price_id(stripe, package) for package in packages}


def _price_id(stripe: StripeClient, package: Package) -> str:
    terms = package.current
    # The terms are in the key: a price in Stripe never changes its amount, so other terms are another price.
    lookup_key = f"tokens_{package.id}_{terms.price_cents}_{terms.currency}"
    for price in stripe.v1.prices.list({"lookup_keys": [lookup_key], "active": True}).data:
        return price.id
    price = stripe.v1.prices.create(
        {
            "product": _product_id(stripe, package),
            "unit_amount": terms.price_cents,
            "currency": terms.currency,
            "lookup_key": lookup_key,
        }
    )
    return price.id


def _product_id(stripe: StripeClient, package: Package) -> str:
    # An id of our own: a run that was cut off after the product does not make a second one.
    id_ = f"tokens_{package.id}"
    try:
        stripe.v1.products.create({"id": id_, "name": package.name, "description": package.description})
    except InvalidRequestError as error:
        if error.code != "resource_already_exists":
            raise
    return id_
