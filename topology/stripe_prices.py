"""Creates a catalog's products and prices in Stripe. Safe to repeat."""

from collections.abc import Iterable

from stripe import InvalidRequestError, StripeClient

from shared.domain.catalog import Package


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
    for price in stripe.v1.prices.list({"lookup_keys": [lookup_key], "active": True}).data:
        return price.id
    price = stripe.v1.prices.create(
        {
            "product": product_id,
            "unit_amount": terms.price_cents,
            "currency": terms.currency,
            "lookup_key": lookup_key,
        }
    )
    return price.id


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
