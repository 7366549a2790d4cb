"""What is counted while the business plays, by day where a plot shows it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy import prices
from reliability.simulation.assumptions import DAY_S, START_S
from reliability.simulation.ledger import MemoryLedger


@dataclass(slots=True)
class Day:
    """One day: money in cents, tokens at its end."""

    gross: int = 0
    fees: float = 0.0
    refunded: int = 0
    disputed: int = 0
    purchases: int = 0
    liability_tokens: int = 0
    spent_tokens: int = 0
    expired_tokens: int = 0


@dataclass(slots=True)
class Figures:
    """All figures of a run."""

    days: int
    by_day: list[Day] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    events: int = 0
    refused: int = 0
    held: int = 0
    released: int = 0
    rejected: int = 0

    def __post_init__(self) -> None:
        self.by_day = [Day() for _ in range(self.days)]

    def pay(self, moment: float, cents: int) -> None:
        """Count a payment, and Stripe's fee on it."""
        day = self._day(moment)
        day.purchases += 1
        day.gross += cents
        day.fees += round(cents * _SHARE + prices.STRIPE_FIXED_CENTS)

    def refund(self, moment: float, cents: int) -> None:
        """Count money that went back; less than zero if it came back to us. Stripe keeps its fee."""
        self._day(moment).refunded += cents

    def dispute(self, moment: float, cents: int, fee_cents: int) -> None:
        """Count money that a dispute took (less than zero: gave back), and Stripe's fee for it."""
        day = self._day(moment)
        day.disputed += cents
        day.fees += fee_cents

    def reject(self, moment: float, cents: int) -> None:
        """Count a held purchase whose money an operator returned."""
        self.rejected += 1
        self.refund(moment, cents)

    def end_day(self, number: int, ledger: MemoryLedger) -> None:
        """Note the tokens at the end of a day."""
        day = self.by_day[number]
        day.liability_tokens = sum(ledger.tokens.values())
        day.spent_tokens = -ledger.tokens["spend"]
        day.expired_tokens = -ledger.tokens["expiry"]

    def total(self, name: str) -> float:
        """Return the sum of a figure over all days."""
        return float(sum(getattr(day, name) for day in self.by_day))

    def series(self, name: str) -> Sequence[float]:
        """Return a figure day by day."""
        return [float(getattr(day, name)) for day in self.by_day]

    def _day(self, moment: float) -> Day:
        """Return the day of a moment; what happens after the last day counts as on it."""
        return self.by_day[min(int((moment - START_S) // DAY_S), self.days - 1)]


_SHARE = float(prices.STRIPE_SHARE)
