"""GET /api/tokens/packages: what is on sale. Anyone may ask."""

from typing import Any

import functions_framework
from flask import Request, Response

from shared import http_api, settings
from shared.catalog import Package, load_catalog

SETTINGS = settings.load()
CATALOG = load_catalog(SETTINGS.catalog)
_CACHED_S = 300


@functions_framework.http
@http_api.endpoint("GET", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def list_packages(_request: Request) -> Response:
    """Return the packages in the order they are shown; `price` is in dollars."""
    return http_api.json_response(
        {"packages": [_offer(package) for package in CATALOG.packages]},
        headers={"Cache-Control": f"public, max-age={_CACHED_S}"},
    )


def _offer(package: Package) -> dict[str, Any]:
    terms = package.current
    offer = {
        "id": package.id,
        "name": package.name,
        "tokens": terms.tokens,
        "price": terms.price_cents / 100,
        "bonus": terms.bonus,
        "description": package.description,
        "available": package.price_setting in SETTINGS.price_ids,
    }
    return offer | ({"badge": package.badge} if package.badge else {})
