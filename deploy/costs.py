"""`python -m deploy.costs` computes what 1,000 purchases and a million users cost; --write updates docs/costs.md.

tests/deploy/test_costs.py measures the operations, deploy/prices.py has the list prices with their sources, and the
assumptions about users are the constants from USERS on. After a change of any of them, run this with --write.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from deploy import prices
from deploy.environment import ALL_SECRETS, load_environment
from shared.runtime.catalog_file import load_catalog
from topology.functions import ROOT

PAGE = ROOT / "docs" / "costs.md"


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
    "get_receipt": Work(reads=1, seconds=0.5),
    "spend_tokens": Work(reads=1, writes=3),
    # Without accounts to check; each of those adds ACCOUNT.
    "reconcile": Work(reads=21, writes=1, seconds=1.0),
}
ACCOUNT = Work(reads=5, seconds=0.03)
RECONCILE_ACCOUNTS = 500  # per call, one an hour
_HOURS = 720  # in a month
_EXPORTS = 52 / 12  # a month
PURCHASE = ("create_checkout", "stripe_webhook", "credit_tokens", "get_balance", "list_transactions")


_GIB = 0.5  # an instance's memory
_SERIES = 3  # that an alert's condition looks at, on average
_IMAGES_GIB = 2.0  # in the registry, whose old images are deleted
_BACKUPS = 7 + 14  # daily and weekly ones that are kept, each a full copy
_ALERTS = ROOT / "monitoring" / "alerts"

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
    fee = (price_cents * prices.STRIPE_SHARE + prices.STRIPE_FIXED_CENTS).quantize(Decimal(1), ROUND_HALF_UP)
    share = (price_cents - fee) / price_cents * 100
    return price_cents - fee, share.quantize(Decimal("0.1"), ROUND_HALF_UP)


def dollars(calls: Mapping[str, int]) -> dict[str, float]:
    """Return what function calls cost in dollars, by service."""
    cost = dict.fromkeys(("Cloud Run", "Firestore", "Pub/Sub", "Logging"), 0.0)
    for name, times in calls.items():
        work = WORK[name]
        cost["Cloud Run"] += times * (prices.REQUEST.dollars + _instance(work.seconds))
        cost["Firestore"] += times * (work.reads * prices.READ.dollars + work.writes * prices.WRITE.dollars)
        cost["Pub/Sub"] += times * work.messages_kib * (prices.MESSAGE_KIB.dollars + prices.KEPT_GIB.dollars / 2**20)
        cost["Logging"] += times * work.logs_kib / 2**20 * prices.LOG_GIB.dollars
    return cost


def tables() -> dict[str, list[str]]:
    """Return the page's tables by name, each as Markdown lines."""
    return {
        "stripe": list(_stripe()),
        "revenue": list(_revenue()),
        "profit": list(_profit()),
        "purchases": list(_purchases()),
        "standing": list(_bill(standing(), "a month without a sale")),
        "million": list(_million()),
        "builds": list(_builds()),
        "prices": list(_prices()),
    }


def _stripe() -> Iterator[str]:
    yield from (
        "| package | price | Stripe's fee | kept | kept, % | a token brings |",
        "| --- | --- | --- | --- | --- | --- |",
    )
    for package in load_catalog().packages:
        terms = package.current
        price = terms.prices["usd"]
        left, share = proceeds(price)
        fee, token = price - left, left / terms.tokens
        yield (
            f"| {package.id} | ${price / 100:.2f} | ${fee / 100:.2f} | ${left / 100:.2f} | {share} % | {token:.1f} ¢ |"
        )


def sales() -> dict[str, list[Decimal]]:
    """Return, by package and for all, of 1,000 purchases: how many, gross, Stripe's fees, net (in dollars)."""
    rows: dict[str, list[Decimal]] = {}
    for package in load_catalog().packages:
        price, times = package.current.prices["usd"], MIX[package.id] * 10
        net = proceeds(price)[0]
        rows[package.id] = [Decimal(times), *(times * Decimal(cents) / 100 for cents in (price, price - net, net))]
    return rows | {"**all**": [sum(column, Decimal(0)) for column in zip(*rows.values(), strict=True)]}


def _revenue() -> Iterator[str]:
    yield from (
        "| package | purchases | gross | Stripe's fees | net |",
        "| --- | --- | --- | --- | --- |",
    )
    yield from (_amounts(name, row) for name, row in sales().items())


def _profit() -> Iterator[str]:
    net = float(sales()["**all**"][-1])
    purchases = round(sum(dollars(dict.fromkeys(PURCHASE, 1000)).values()), 2)
    running = round(sum(standing().values()), 2)
    yield from (
        "| | a month with 1,000 purchases |",
        "| --- | --- |",
        f"| net, after Stripe's fees | ${net:,.2f} |",
        f"| Google, for the purchases | ${purchases:,.2f} |",
        f"| Google, without a sale | ${running:,.2f} |",
        f"| **left** | **${net - purchases - running:,.2f}** |",
    )


def _amounts(name: str, row: list[Decimal]) -> str:
    purchases, *dollars_ = row
    return f"| {name} | {purchases:,} | " + " | ".join(f"${amount:,.2f}" for amount in dollars_) + " |"


def _purchases() -> Iterator[str]:
    yield from ("| | reads | writes | KiB of messages | instance seconds |", "| --- | --- | --- | --- | --- |")
    for name in (*PURCHASE, "get_receipt"):
        work = WORK[name]
        yield f"| `{name}` | {work.reads} | {work.writes} | {work.messages_kib} | {work.seconds} |"
    yield ""
    yield from _bill(dollars(dict.fromkeys(PURCHASE, 1000)), "1,000 purchases", digits=4)


def reconciling(accounts: int) -> dict[str, float]:
    """Return what a month of hourly reconciliation costs, by service, with this many accounts checked per call."""
    cost = dollars({"reconcile": _HOURS})
    checks = _HOURS * accounts
    cost["Firestore"] += checks * ACCOUNT.reads * prices.READ.dollars
    cost["Cloud Run"] += checks * _instance(ACCOUNT.seconds)
    return cost


def standing() -> dict[str, float]:
    """Return what prod costs in a month in which nobody buys, signs in or pushes."""
    conditions = sum(len(json.loads(file.read_text())["conditions"]) for file in _ALERTS.glob("*.json"))
    return {
        "the webhook's warm instance": _warm_instance(),
        "reconcile, every hour": sum(reconciling(0).values()),
        f"{conditions} alert conditions": conditions * prices.ALERT_CONDITION.dollars,
        "what they evaluate, every minute": conditions * _SERIES * 60 * _HOURS * prices.ALERT_SERIES.dollars,
        "Secret Manager": len(ALL_SECRETS) * prices.SECRET.dollars,
        "Artifact Registry": _IMAGES_GIB * prices.REGISTRY_GIB.dollars,
    }


def _builds() -> Iterator[str]:
    minutes = {"test": 45, "release to dev": 15, "release to prod": 12, "nightly checks, a month": 30 * 6}
    yield from ("| | minutes | |", "| --- | --- | --- |")
    yield from (f"| {name} | {count} | ${count * prices.BUILD_MINUTE.dollars:.2f} |" for name, count in minutes.items())


def _million() -> Iterator[str]:
    calls = dict.fromkeys(PURCHASE, PURCHASES)
    calls["get_balance"] += VISITS
    calls["spend_tokens"] = SPENDS
    entries = 12 * (SPENDS + PURCHASES)
    stored_gib = entries * _ENTRY_KIB / 2**20
    cost = dollars(calls)
    cost["Firestore, a year of entries"] = stored_gib * prices.STORED_GIB.dollars
    cost[f"{_BACKUPS} backups of it"] = _BACKUPS * stored_gib * prices.BACKUP_GIB.dollars
    logs_gib = cost["Logging"] / prices.LOG_GIB.dollars
    kept_months = load_environment("prod").audit_log_days / 365 * 12
    copy = prices.LOG_GIB.dollars + kept_months * prices.LOG_KEPT_GIB.dollars
    cost["the copy of the logs, kept for years"] = logs_gib * copy
    cost["exports every week: reading"] = _EXPORTS * entries * prices.READ.dollars
    cost["exports every week: 90 days of them"] = 3 * _EXPORTS * stored_gib * prices.STORAGE_GIB.dollars
    cost["reconcile"] = sum(reconciling(RECONCILE_ACCOUNTS).values())
    cost["the webhook's warm instance"] = _warm_instance()
    yield from _bill(cost, "a month")


def _prices() -> Iterator[str]:
    yield from ("| price | | source | as of |", "| --- | --- | --- | --- |")
    for one in prices.ALL:
        yield (
            f"| {one.what} | ${one.dollars:.10f}".rstrip("0").rstrip(".")
            + f" | [page]({one.source}) | {one.day or 'not looked up'} |"
        )


def _instance(seconds: float) -> float:
    """Return what an instance costs for so long."""
    return seconds * (prices.VCPU_S.dollars + _GIB * prices.GIB_S.dollars)


def _warm_instance() -> float:
    return _HOURS * 3600 * (prices.IDLE_VCPU_S.dollars + _GIB * prices.GIB_S.dollars)


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
