"""What a simulated business earned, owed and cost, as rows; and its plots."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from deploy import prices
from deploy.costs import PURCHASE, dollars
from reliability.simulation.business import Business

_CENTS = 100
Row = tuple[str, str]


def rows(business: Business) -> Iterator[Row]:
    """Yield what is printed: a name and a value."""
    figures, ledger = business.figures, business.ledger
    gross, fees = figures.total("gross"), figures.total("fees")
    back = figures.total("refunded") + figures.total("disputed")
    purchases = int(figures.total("purchases"))
    yield "purchases", f"{purchases:,}"
    yield "events, duplicates included", f"{figures.events:,}"
    yield "revenue", _dollars(gross)
    yield "refunded and charged back", _dollars(back)
    yield "Stripe's fees", f"{_dollars(fees)} ({100 * fees / gross:.1f} %)"
    yield "kept", _dollars(gross - back - fees)
    operations, cost = google(business)
    yield "Firestore operations", f"{ledger.reads:,} reads, {ledger.writes:,} writes"
    yield "per purchase, spends included", operations
    yield "Google's cost", f"${cost:,.2f} ({100 * 100 * cost / gross:.4f} % of revenue)"
    sold, spent = ledger.tokens["purchase"], -ledger.tokens["spend"]
    outstanding = sum(ledger.tokens.values())
    yield "tokens sold, given, spent", f"{sold:,}, {ledger.tokens['grant']:,}, {spent:,}"
    yield (
        "liability: tokens outstanding",
        f"{outstanding:,} (worth {_dollars(outstanding * gross / sold)} at what was paid)",
    )
    yield "breakage: given tokens that expired", f"{-ledger.tokens['expiry']:,}"
    yield "purchases held, released, rejected", f"{figures.held:,}, {figures.released:,}, {figures.rejected:,}"
    yield "alerts", ", ".join(f"{number:,} {name}" for name, number in ledger.alerts.most_common()) or "none"
    yield "spends refused for lack of tokens", f"{figures.refused:,}"
    yield "outcomes", ", ".join(f"{number:,} {name}" for name, number in figures.outcomes.most_common())


def google(business: Business) -> tuple[str, float]:
    """Return operations per purchase, and what Google charges in dollars: ledger, checkouts, pages and messages."""
    figures, ledger = business.figures, business.ledger
    purchases = int(figures.total("purchases"))
    beside = dollars(dict.fromkeys((name for name in PURCHASE if name != "credit_tokens"), purchases))
    spends = ledger.made["spend"] + figures.refused
    run = dollars({"credit_tokens": figures.events, "spend_tokens": spends})
    cost = sum(beside.values()) + sum(run.values()) - run["Firestore"]
    cost += ledger.reads * prices.READ.dollars + ledger.writes * prices.WRITE.dollars
    return f"{ledger.reads / purchases:.2f} reads, {ledger.writes / purchases:.2f} writes", cost


def plot(business: Business, files: Sequence[Path]) -> None:
    """Draw revenue, tokens, and what went back, day by day, into each of these files."""
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "simulation"  # the same run draws the same file
    figures = business.figures
    figure = Figure(figsize=(10, 9), layout="constrained")
    money, tokens, trouble = figure.subplots(3, 1, sharex=True)
    _lines(money, "Dollars per day", {
        "revenue": [cents / _CENTS for cents in figures.series("gross")],
        "Stripe's fees": [cents / _CENTS for cents in figures.series("fees")],
    })  # fmt: skip
    _lines(tokens, "Tokens", {
        "outstanding (liability)": figures.series("liability_tokens"),
        "spent so far": figures.series("spent_tokens"),
        "expired so far (breakage)": figures.series("expired_tokens"),
    })  # fmt: skip
    _lines(trouble, "Dollars back per day", {
        "refunds": [cents / _CENTS for cents in figures.series("refunded")],
        "disputes, less those won": [cents / _CENTS for cents in figures.series("disputed")],
    })  # fmt: skip
    trouble.set_xlabel("Day")
    for file in files:
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _lines(axes: Axes, title: str, series: dict[str, Sequence[float]]) -> None:
    for name, values in series.items():
        axes.plot(range(len(values)), values, label=name, linewidth=1.2)
    axes.set_title(title, loc="left", fontsize=10)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=8, frameon=False)


def _dollars(cents: float) -> str:
    return f"${cents / _CENTS:,.2f}"
