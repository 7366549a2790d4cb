"""GET /api/tokens/packages: what is on sale. Anyone may ask."""

from typing import Any

import functions_framework
from flask import Request, Response

from shared.domain.catalog import Package
from shared.domain.money import in_main_unit
from shared.runtime import http, settings
from shared.runtime.catalog_file import load_catalog

SETTINGS = settings.load()
CATALOG = load_catalog(SETTINGS.catalog)
_CACHED_S = 300


@functions_framework.http
@http.endpoint("GET", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def list_packages(_request: Request) -> Response:
    """Return the packages in the order they are shown.

    `amount` is in the smallest unit of `currency`, `price` the same in its main unit; `prices` has every currency.
    """
    return http.json_response(
        {"packages": [_offer(package) for package in CATALOG.packages]},
        headers={"Cache-Control": f"public, max-age={_CACHED_S}"},
    )


def _offer(package: Package) -> dict[str, Any]:
    terms = package.current
    offer = {
        "id": package.id,
        "name": package.name,
        "tokens": terms.tokens,
        "price": in_main_unit(terms.price_cents, terms.currency),
        "amount": terms.price_cents,
        "currency": terms.currency,
        "bonus": terms.bonus,
        "description": package.description,
        "available": package.price_setting in SETTINGS.price_ids,
    }
    if terms.currency_options:
        offer["prices"] = [{"amount": amount, "currency": currency} for currency, amount in terms.prices.items()]
    if package.badge:
        offer["badge"] = package.badge
    if package.badge_kind:
        offer["badge_kind"] = package.badge_kind
    return offer
