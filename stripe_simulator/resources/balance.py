"""Stripe's own books: one balance transaction per movement of money.

https://docs.stripe.com/api/balance_transactions and https://docs.stripe.com/reports/reporting-categories. They are in
the account's settlement currency, which need not be the payment's.
"""

from typing import Literal

from stripe_simulator.engine.currencies import decimals
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account

Category = Literal["charge", "refund", "refund_failure", "dispute", "dispute_reversal"]

_FEE_PER_MILLE = 29
_FEE_FIXED_CENTS = 30
_DAYS_UNTIL_AVAILABLE = 2


def record(
    account: Account,
    source: StripeObject,
    category: Category,
    amount: int,
    *,
    fee: int = 0,
    paid_in: str | None = None,
    description: str | None = None,
) -> StripeObject:
    """Record a movement and return its balance transaction.

    Args:
        account: whose balance changes.
        source: the charge, refund or dispute that moves the money.
        category: the reporting category.
        amount: in the settlement currency; negative when money leaves the balance.
        fee: what Stripe charges for it, in the settlement currency.
        paid_in: the payment's currency; None: the source's own.
        description: for people.
    """
    payment_currency = paid_in or source["currency"]
    currency = settlement_currency(account, payment_currency)
    return account.create(
        "balance_transaction",
        amount=amount,
        available_on=account.clock.now() + _DAYS_UNTIL_AVAILABLE * 24 * 3600,
        currency=currency,
        description=description,
        exchange_rate=account.behavior.settlement_rate if currency != payment_currency else None,
        fee=fee,
        fee_details=_fee_details(category, fee, currency),
        net=amount - fee,
        reporting_category=category,
        source=source["id"],
        type=_type_of(source, category),
    )


def settlement_currency(account: Account, currency: str) -> str:
    """Return the currency in which a payment in `currency` is settled."""
    return account.behavior.settlement_currency or currency


def settled(account: Account, amount: int, currency: str) -> int:
    """Return what an amount of a payment is in the settlement currency."""
    settled_in = settlement_currency(account, currency)
    if settled_in == currency:
        return amount
    return round(amount * account.behavior.settlement_rate * 10.0 ** (decimals(settled_in) - decimals(currency)))


def processing_fee(cents: int) -> int:
    """Return the fee of a charge: 2.9 % + 30 cents."""
    return (cents * _FEE_PER_MILLE + 500) // 1000 + _FEE_FIXED_CENTS


def _type_of(source: StripeObject, category: Category) -> str:
    if category == "charge":
        return "charge" if (source.get("payment_method_details") or {}).get("type") == "card" else "payment"
    return "adjustment" if category in ("dispute", "dispute_reversal") else category


def _fee_details(category: Category, fee: int, currency: str) -> list[StripeObject]:
    if not fee:
        return []
    description = "Dispute fee" if category == "dispute" else "Stripe processing fees"
    detail = {"amount": fee, "application": None, "currency": currency, "description": description}
    return [{**detail, "type": "stripe_fee"}]
