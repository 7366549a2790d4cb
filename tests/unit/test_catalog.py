"""The catalog's file: what it sells, and what it may not say."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.domain.catalog import Terms
from shared.domain.errors import CatalogError
from shared.runtime.catalog_file import load_catalog

DEFAULT = [
    ("starter", "Starter Pack", 50, 0, 499, None, "Perfect for trying out our platform"),
    ("popular", "Popular Pack", 110, 10, 999, "MOST POPULAR", "Most popular choice - 10% bonus!"),
    ("pro", "Pro Pack", 250, 50, 1999, None, "For power users - 25% bonus!"),
    ("creator", "Creator Pack", 700, 200, 4999, "BEST VALUE", "Maximum value - 40% bonus!"),
]
CLASSIC = [("starter", 50, 499), ("basic", 200, 1499), ("pro", 500, 2999), ("premium", 1000, 4999)]


def test_the_default_catalog_is_the_designs() -> None:
    rows = [
        (one.id, one.name, one.current.tokens, one.current.bonus, one.current.price_cents, one.badge, one.description)
        for one in load_catalog().packages
    ]
    assert rows == DEFAULT


def test_the_classic_catalog_is_the_designs() -> None:
    packages = load_catalog("classic").packages
    assert [(one.id, one.current.tokens, one.current.price_cents) for one in packages] == CLASSIC
    assert all(one.current.bonus == 0 for one in packages)


@pytest.mark.parametrize("name", ["default", "classic"])
def test_everything_is_sold_in_dollars_without_promotions(name: str) -> None:
    assert {(one.current.currency, one.promotions) for one in load_catalog(name).packages} == {("usd", False)}


def test_the_international_catalog_is_the_default_one_in_more_currencies() -> None:
    def in_dollars(name: str) -> list[tuple[object, ...]]:
        return [
            (one.id, one.name, one.description, one.badge, one.badge_kind, one.current.tokens, one.current.price_cents)
            for one in load_catalog(name).packages
        ]

    assert in_dollars("international") == in_dollars("default")
    popular = load_catalog("international").find("popular")
    assert popular is not None
    assert list(popular.current.prices.items()) == [
        ("usd", 999), ("eur", 949), ("gbp", 849), ("jpy", 1500), ("kwd", 3070),
    ]  # fmt: skip


def test_a_package_names_the_setting_of_its_price() -> None:
    popular = load_catalog().find("popular")
    assert popular is not None
    assert popular.price_setting == "STRIPE_TOKEN_POPULAR_PRICE_ID"


def test_a_package_that_is_not_sold_is_not_found() -> None:
    assert load_catalog().find("basic") is None


def test_a_catalog_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(CatalogError, match=r"No catalog 'gold'.*default, classic"):
        load_catalog("gold")


def test_terms_end_with_their_last_day_in_utc() -> None:
    terms = Terms(50, 0, 499, "usd", ended=date(2026, 6, 30))

    assert terms.on_sale_at(datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC))
    assert not terms.on_sale_at(datetime(2026, 7, 1, tzinfo=UTC))
    assert not terms.on_sale_at(datetime.fromisoformat("2026-06-30T20:00:00-05:00"))


PACKAGE = '[[default]]\nid = "pack"\nname = "Pack"\ndescription = ""\n'
NOW = '{ tokens = 50, bonus = 0, price_cents = 499, currency = "usd" }'
ENDED = '{ tokens = 40, bonus = 0, price_cents = 499, currency = "usd", ended = 2026-06-30 }'
ENDED_EARLIER = '{ tokens = 30, bonus = 0, price_cents = 499, currency = "usd", ended = 2025-06-30 }'


def in_more(options: str) -> str:
    """Return the current terms with prices in other currencies."""
    return NOW.replace(" }", f", currency_options = {{ {options} }} }}")


def written(folder: Path, text: str) -> Path:
    file = folder / "catalog.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_former_terms_stand_before_the_current_ones(tmp_path: Path) -> None:
    catalog = load_catalog(file=written(tmp_path, f"{PACKAGE}terms = [{ENDED_EARLIER}, {ENDED}, {NOW}]"))

    assert [terms.tokens for terms in catalog.packages[0].terms] == [30, 40, 50]
    assert catalog.packages[0].current.tokens == 50


@pytest.mark.parametrize(
    "text",
    [
        f"{PACKAGE}terms = []",
        f"{PACKAGE}",
        f"{PACKAGE}terms = [{ENDED}]",
        f"{PACKAGE}terms = [{NOW}, {NOW}]",
        f"{PACKAGE}terms = [{NOW}, {ENDED}]",
        f"{PACKAGE}terms = [{ENDED}, {ENDED_EARLIER}, {NOW}]",
        f"{PACKAGE}terms = [{ENDED.replace('2026-06-30', '2026-06-30T00:00:00Z')}, {NOW}]",
        f"{PACKAGE}terms = [{NOW.replace('tokens = 50', 'tokens = 0')}]",
        f"{PACKAGE}terms = [{NOW.replace('tokens = 50', 'tokens = true')}]",
        f"{PACKAGE}terms = [{NOW.replace('price_cents = 499', 'price_cents = 0')}]",
        f"{PACKAGE}terms = [{NOW.replace('price_cents = 499', 'price_cents = 4.99')}]",
PACKAGE + "terms = [" + NOW.replace("499", '"499"') + "]",
        f"{PACKAGE}terms = [{NOW.replace('bonus = 0', 'bonus = 50')}]",
        f"{PACKAGE}terms = [{NOW.replace('bonus = 0', 'bonus = -1')}]",
        PACKAGE + "terms = [" + NOW.replace("usd", "USD") + "]",
        PACKAGE + "terms = [" + NOW.replace("usd", "us") + "]",
        f"{PACKAGE}terms = [{in_more('usd = 949')}]",
        f"{PACKAGE}terms = [{in_more('EUR = 949')}]",
        f"{PACKAGE}terms = [{in_more('eur = 0')}]",
        f"{PACKAGE}terms = [{in_more('eur = 9.49')}]",
        f"{PACKAGE}terms = [{in_more('kwd = 1555')}]",
        f"{PACKAGE}terms = [{in_more('isk = 69950')}]",
        f"{PACKAGE}terms = [{NOW.replace(' }', ', currency_options = [949] }')}]",
        f"{PACKAGE}badge_kind = 'cheapest'\nterms = [{NOW}]",
        f"{PACKAGE}color = 'red'\nterms = [{NOW}]",
        PACKAGE.replace('"pack"', '"my-pack"') + f"terms = [{NOW}]",
        PACKAGE.replace('id = "pack"\n', "") + f"terms = [{NOW}]",
        2 * f"{PACKAGE}terms = [{NOW}]\n",
    ],
    ids=[
        "no terms", "terms missing", "only ended terms", "two current terms", "ended terms last", "ended out of order",
        "ended is no day", "no tokens", "tokens are no number", "no price", "a price in dollars", "a price in text",
        "all bonus", "negative bonus", "currency in capitals", "no currency",
        "the default currency as an option", "another currency in capitals", "another price of nothing",
        "another price in euros", "fils that cannot be charged", "parts of a crown", "options in a list",
        "a badge of no kind", "unknown field", "an id no setting can have", "no id",
        "a package twice",
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogError):
        load_catalog(file=written(tmp_path, text))
