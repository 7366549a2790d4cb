"""The packages on sale, and the terms they were sold at before. Pure: the file is read once, by `load_catalog`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from shared.domain.errors import CatalogError
from shared.domain.money import is_chargeable

# A package's id becomes part of a setting's name.
_PACKAGE_ID = re.compile(r"[a-z0-9_]+")
_CURRENCY = re.compile(r"[a-z]{3}")

# What a badge means, whatever words and language it is in.
BadgeKind = Literal["most_popular", "best_value"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a package gives and costs.

    `tokens` includes `bonus`. `price_cents` is in the smallest unit of `currency`, in which buyers pay unless they ask
    for another one; `currency_options` has the prices in those others, each in its own smallest unit. `ended` is the
    last day (UTC) on which these terms were sold, None while they are.
    """

    tokens: int
    bonus: int
    price_cents: int
    currency: str
    ended: date | None = None
    currency_options: Mapping[str, int] = field(default_factory=dict)

    @property
    def prices(self) -> dict[str, int]:
        """The price in every currency, the default one first."""
        return {self.currency: self.price_cents, **self.currency_options}

    def on_sale_at(self, begun_at: datetime) -> bool:
        """Tell whether a purchase begun at this moment may claim these terms."""
        return self.ended is None or begun_at.astimezone(UTC).date() <= self.ended


@dataclass(frozen=True, slots=True)
class Package:
    """One package: its texts and its terms, oldest first, the current ones last."""

    id: str
    name: str
    description: str
    terms: tuple[Terms, ...]
    badge: str | None = None
    badge_kind: BadgeKind | None = None
    promotions: bool = False

    @property
    def current(self) -> Terms:
        """The terms on sale now."""
        return self.terms[-1]

    @property
    def price_setting(self) -> str:
        """The setting that holds this package's Stripe price id."""
        return f"STRIPE_TOKEN_{self.id.upper()}_PRICE_ID"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The packages of one catalog, in the order they are shown."""

    name: str
    packages: tuple[Package, ...]

    def find(self, package_id: str) -> Package | None:
        """Return the package with this id, or None."""
        return next((package for package in self.packages if package.id == package_id), None)


def parse_catalog(text: str, name: str) -> Catalog:
    """Return one catalog of a TOML text.

    Raises:
        CatalogError: it has no such catalog, or the catalog contradicts itself.
    """
    catalogs = tomllib.loads(text)
    if name not in catalogs:
        raise CatalogError(f"No catalog '{name}' in catalog.toml; there are: {', '.join(catalogs)}")
    packages = tuple(_package(name, row) for row in catalogs[name])
    ids = [package.id for package in packages]
    if len(set(ids)) != len(ids):
        raise CatalogError(f"Catalog '{name}' names a package twice: {', '.join(ids)}")
    return Catalog(name, packages)


def _package(catalog: str, row: dict[str, Any]) -> Package:
    try:
        package = Package(**{**row, "terms": tuple(Terms(**terms) for terms in row["terms"])})
    except (KeyError, TypeError) as error:
        raise CatalogError(f"Catalog '{catalog}', package {row.get('id')!r}: {error}") from error
    if not (isinstance(package.id, str) and _PACKAGE_ID.fullmatch(package.id)):
        raise CatalogError(f"Catalog '{catalog}': a package's id is small letters, digits and _, not {package.id!r}")
    *former, current = package.terms or (None,)
    if current is None or current.ended is not None or any(terms.ended is None for terms in former):
        raise CatalogError(
            f"Catalog '{catalog}', package '{package.id}': only its last terms are current; all others need `ended`"
        )
    days = [terms.ended for terms in former]
    # A TOML date with a time would be a datetime, which is no day and does not compare with one.
    if any(type(day) is not date for day in days) or days != sorted(filter(None, days)):
        raise CatalogError(f"Catalog '{catalog}', package '{package.id}': `ended` are days, the earliest first")
    if package.badge_kind not in (None, *get_args(BadgeKind)):
        raise CatalogError(f"Catalog '{catalog}', package '{package.id}': no badge is of kind {package.badge_kind!r}")
    for terms in package.terms:
        fault = _fault_of(terms)
        if fault:
            raise CatalogError(f"Catalog '{catalog}', package '{package.id}': {fault} in {terms}")
    return package


def _fault_of(terms: Terms) -> str | None:
    """Say what is wrong with terms."""
    if not isinstance(terms.currency_options, dict) or terms.currency in terms.currency_options:
        return "`currency_options` must be a table of the currencies besides the default one"
    if not all(isinstance(code, str) and _CURRENCY.fullmatch(code) for code in terms.prices):
        return "a currency that is not three small letters"
    if not all(type(amount) is int for amount in (terms.tokens, terms.bonus, *terms.prices.values())):
        return "wrong kinds of values"
    if terms.tokens <= 0 or not 0 <= terms.bonus < terms.tokens:
        return "wrong amounts"
    # Stripe would refuse it: https://docs.stripe.com/currencies#three-decimal
    wrong = [code for code, amount in terms.prices.items() if not is_chargeable(amount, code)]
    return f"a price that cannot be charged ({', '.join(wrong)})" if wrong else None
