"""functions/list_packages: what is on sale, to anyone."""

import pytest

from shared.domain.catalog import Catalog, Package, Terms
from tests.deployed import deployed


def test_the_packages_are_those_of_the_design() -> None:
    with deployed("list_packages", {"STRIPE_TOKEN_POPULAR_PRICE_ID": "price_1"}) as function:
        answer = function.get()

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.json == {
        "success": True,
        "packages": [
            {
                "id": "starter", "name": "Starter Pack", "tokens": 50, "price": 4.99,
                "amount": 499, "currency": "usd", "bonus": 0,
                "description": "Perfect for trying out our platform", "available": False,
            },
            {
                "id": "popular", "name": "Popular Pack", "tokens": 110, "price": 9.99,
                "amount": 999, "currency": "usd", "bonus": 10,
                "description": "Most popular choice - 10% bonus!", "available": True, "badge": "MOST POPULAR",
                "badge_kind": "most_popular",
            },
            {
                "id": "pro", "name": "Pro Pack", "tokens": 250, "price": 19.99,
                "amount": 1999, "currency": "usd", "bonus": 50,
                "description": "For power users - 25% bonus!", "available": False,
            },
            {
                "id": "creator", "name": "Creator Pack", "tokens": 700, "price": 49.99,
                "amount": 4999, "currency": "usd", "bonus": 200,
                "description": "Maximum value - 40% bonus!", "available": False, "badge": "BEST VALUE",
                "badge_kind": "best_value",
            },
        ],
    }  # fmt: skip


def test_a_setting_chooses_the_classic_catalog() -> None:
    with deployed("list_packages", {"TOKEN_CATALOG": "classic"}) as function:
        answer = function.get()

    assert answer.json is not None
    assert [(one["id"], one["tokens"], one["price"]) for one in answer.json["packages"]] == [
        ("starter", 50, 4.99), ("basic", 200, 14.99), ("pro", 500, 29.99), ("premium", 1000, 49.99),
    ]  # fmt: skip


def test_prices_in_several_currencies_are_listed_the_default_one_first() -> None:
    with deployed("list_packages", {"TOKEN_CATALOG": "international"}) as function:
        answer = function.get()

    assert answer.json is not None
    starter = answer.json["packages"][0]
    assert (starter["price"], starter["amount"], starter["currency"]) == (4.99, 499, "usd")
    assert starter["prices"] == [
        {"amount": 499, "currency": "usd"},
        {"amount": 499, "currency": "eur"},
        {"amount": 449, "currency": "gbp"},
        {"amount": 750, "currency": "jpy"},
        {"amount": 1550, "currency": "kwd"},
    ]


@pytest.mark.parametrize(
    ("amount", "currency", "price"), [(1500, "jpy", 1500), (3070, "kwd", 3.07), (949, "eur", 9.49)]
)
def test_the_price_is_in_the_main_unit_of_its_currency(amount: int, currency: str, price: float) -> None:
    package = Package("pack", "Pack", "", (Terms(110, 10, amount, currency),))
    with deployed("list_packages", {}) as function:
        function.main.CATALOG = Catalog("test", (package,))  # type: ignore[attr-defined]  # loaded by its path
        answer = function.get()

    assert answer.json is not None
    [offer] = answer.json["packages"]
    assert (offer["price"], offer["amount"], offer["currency"]) == (price, amount, currency)
    assert "prices" not in offer


def test_head_is_get_without_the_body() -> None:
    with deployed("list_packages", {}) as function:
        answer = function.request("HEAD")

    assert (answer.status_code, answer.data) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_is_allowed(method: str) -> None:
    with deployed("list_packages", {}) as function:
        answer = function.request(method)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json == {
        "success": False,
        "error": {"code": "method_not_allowed", "message": "Allowed here: GET, HEAD, OPTIONS"},
    }
