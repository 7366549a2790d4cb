"""Stripe's own book: one balance transaction for each movement of money (https://docs.stripe.com/api/balance_transactions)."""

from stripe_simulator.engine.objects import build, now
from stripe_simulator.engine.simulator import Simulator

_FEE_PERCENT_TIMES_TEN = 29
_FEE_FIXED_CENTS = 30


def enter(simulator: Simulator, source: dict[str, object], kind: str, amount: int, *, fee: int | None = None) -> str:
    """Enter a movement of `amount` cents, negative when money leaves; answers the id of the entry.

    A charge costs 2.9 % + 30 cents; other movements cost what `fee` says.
    """
    if fee is None:
        fee = (amount * _FEE_PERCENT_TIMES_TEN + 500) // 1000 + _FEE_FIXED_CENTS if kind == "charge" else 0
    entry = build(
        "balance_transaction",
        amount=amount,
        available_on=now(),
        currency=source["currency"],
        fee=fee,
        net=amount - fee,
        reporting_category=kind,
        source=source["id"],
        type="adjustment" if kind == "dispute" else kind,
    )
    return str(simulator.store.add(entry)["id"])
