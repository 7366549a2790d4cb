"""`python -m deploy.costs` computes what 1,000 purchases and a million users cost; --write updates docs/costs.md.

tests/deploy/test_costs.py measures the operations, the prices are the list prices of November 2026, and the assumptions
about users are the constants from USERS on. After changing any of them, run this with --write and reread the page.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from shared.runtime.catalog_file import load_catalog
from topology.functions import ROOT

PAGE = ROOT / "docs" / "costs.md"

# Stripe, cards issued in the US: https://stripe.com/pricing
STRIPE_SHARE, STRIPE_FIXED_CENTS = Decimal("0.029"), 30


@dataclass(frozen=True)
class Work:
    """What one call of a function uses: billed Firestore operations, messages, logs, and instance seconds."""

    reads: int = 0
    writes: int = 0
    seconds: float = 0.1
    messages_kib: int = 0
    logs_kib: float = 0.3


# Reads and writes are measured by a test. Cloud Run bills in steps of 0.1 s, and bills an instance's time once for all
# requests that share it. This counts it per request, so the real cost is at most this.
WORK: Mapping[str, Work] = {
    "create_checkout": Work(reads=1, seconds=0.8),
    "stripe_webhook": Work(messages_kib=4, logs_kib=1.2),
    "credit_tokens": Work(reads=1, writes=3, messages_kib=4, logs_kib=0.6),
    "get_balance": Work(reads=1),
    "list_transactions": Work(reads=20),
    "spend_tokens": Work(reads=1, writes=3),
}
PURCHASE = ("create_checkout", "stripe_webhook", "credit_tokens", "get_balance", "list_transactions")


@dataclass(frozen=True)
class Prices:
    """List prices in dollars without free tiers, in Iowa and, for Firestore, nam5 (two regions)."""

    request: float = 0.40 / 1e6  # https://cloud.google.com/run/pricing
    vcpu_s: float = 0.000024
    gib_s: float = 0.0000025
    idle_vcpu_s: float = 0.0000025
    read: float = 0.06 / 1e5  # https://cloud.google.com/firestore/pricing
    write: float = 0.18 / 1e5
    stored_gib_month: float = 0.18
    message_kib: float = 40 / 2**30  # https://cloud.google.com/pubsub/pricing; $40 per TiB
    kept_gib_month: float = 0.27
    log_gib: float = 0.50  # https://cloud.google.com/stackdriver/pricing; the first 50 GiB per month are free
    secret_month: float = 0.06  # https://cloud.google.com/secret-manager/pricing


PRICES = Prices()
_GIB = 0.5  # an instance's memory
_MONTH_S = 30 * 86_400

# A million users, for a month.
USERS = 1_000_000
PURCHASES = 50_000  # 5 % of them buy once
VISITS = 10_000_000  # each checks the balance ten times
SPENDS = 20_000_000  # each spends twenty times
_ENTRY_KIB = 1.5  # a stored entry with its index


# 1,000 purchases: what share of the buyers chooses which package of the default catalog, in percent.
MIX: Mapping[str, int] = {"starter": 30, "popular": 50, "pro": 15, "creator": 5}


def proceeds(price_cents: int) -> tuple[Decimal, Decimal]:
    """Return what remains of a price after Stripe's fee: in cents, and as a percentage with one decimal."""
    fee = (price_cents * STRIPE_SHARE + STRIPE_FIXED_CENTS).quantize(Decimal(1), ROUND_HALF_UP)
    share = (price_cents - fee) / price_cents * 100
    return price_cents - fee, share.quantize(Decimal("0.1"), ROUND_HALF_UP)


def dollars(calls: Mapping[str, int]) -> dict[str, float]:
    """Return what function calls cost in dollars, by service."""
    cost = dict.fromkeys(("Cloud Run", "Firestore", "Pub/Sub", "Logging"), 0.0)
    for name, times in calls.items():
        work = WORK[name]
        cost["Cloud Run"] += times * (PRICES.request + work.seconds * (PRICES.vcpu_s + _GIB * PRICES.gib_s))
        cost["Firestore"] += times * (work.reads * PRICES.read + work.writes * PRICES.write)
        cost["Pub/Sub"] += times * work.messages_kib * (PRICES.message_kib + PRICES.kept_gib_month / 2**20)
        cost["Logging"] += times * work.logs_kib / 2**20 * PRICES.log_gib
    return cost


def tables() -> dict[str, list[str]]:
    """Return the page's tables by name, each as Markdown lines."""
    return {
        "stripe": list(_stripe()),
        "revenue": list(_revenue()),
        "purchases": list(_purchases()),
        "million": list(_million()),
    }


def _stripe() -> Iterator[str]:
    yield from (
        "| package | price | Stripe's fee | kept | kept, % | a token brings |",
        "| --- | --- | --- | --- | --- | --- |",
    )
    for package in load_catalog().packages:
        terms = package.current
        left, share = proceeds(terms.price_cents)
        fee, token = terms.price_cents - left, left / terms.tokens
        yield (
            f"| {package.id} | ${terms.price_cents / 100:.2f} | ${fee / 100:.2f} | ${left / 100:.2f} | {share} % "
            f"| {token:.1f} ¢ |"
        )


def _revenue() -> Iterator[str]:
    yield from (
        "| package | purchases | gross | Stripe's fees | net |",
        "| --- | --- | --- | --- | --- |",
    )
    totals = [Decimal(0)] * 4
    for package in load_catalog().packages:
        price, times = package.current.price_cents, MIX[package.id] * 10
        net = proceeds(price)[0]
        row = [Decimal(times), *(times * Decimal(cents) / 100 for cents in (price, price - net, net))]
        totals = [total + value for total, value in zip(totals, row, strict=True)]
        yield _amounts(package.id, row)
    yield _amounts("**all**", totals)


def _amounts(name: str, row: list[Decimal]) -> str:
    purchases, *dollars_ = row
    return f"| {name} | {purchases:,} | " + " | ".join(f"${amount:,.2f}" for amount in dollars_) + " |"


def _purchases() -> Iterator[str]:
    yield from ("| | reads | writes | KiB of messages | instance seconds |", "| --- | --- | --- | --- | --- |")
    for name in PURCHASE:
        work = WORK[name]
        yield f"| `{name}` | {work.reads} | {work.writes} | {work.messages_kib} | {work.seconds} |"
    yield ""
    yield from _bill(dollars(dict.fromkeys(PURCHASE, 1000)), "1,000 purchases", digits=4)


def _million() -> Iterator[str]:
    calls = dict.fromkeys(PURCHASE, PURCHASES)
    calls["get_balance"] += VISITS
    calls["spend_tokens"] = SPENDS
    cost = dollars(calls)
    cost["Firestore, a year of entries"] = 12 * (SPENDS + PURCHASES) * _ENTRY_KIB / 2**20 * PRICES.stored_gib_month
    cost["the webhook's warm instance"] = _MONTH_S * (PRICES.idle_vcpu_s + _GIB * PRICES.gib_s)
    cost["Secret Manager"] = 3 * PRICES.secret_month
    yield from _bill(cost, "a month")


def _bill(cost: Mapping[str, float], column: str, *, digits: int = 2) -> Iterator[str]:
    yield from (f"| | {column} |", "| --- | --- |")
    yield from (f"| {name} | ${amount:.{digits}f} |" for name, amount in cost.items())
    yield f"| **all** | **${sum(cost.values()):.{digits}f}** |"


def with_tables(page: str) -> str:
    """Return the page with every table computed again."""
    for name, lines in tables().items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        table = "\n".join(lines) + "\n"
        page = place.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", page)  # type: ignore[misc]  # a default binds the loop's value
    return page


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(with_tables(PAGE.read_text()))
    else:
        for table in tables().values():
            print("\n".join(table), end="\n\n")
