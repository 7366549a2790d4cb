"""Amounts of money as Stripe's API counts them, in a currency's smallest unit, and as people read them. Pure."""

# What Stripe's API counts in whole units. It counts ISK and UGX, which have no decimals either, as if they had two.
# Source: https://docs.stripe.com/currencies#zero-decimal and #special-cases
_ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
_WHOLE_UNITS_ONLY = frozenset(("isk", "ugx"))


def decimals_of(currency: str) -> int:
    """Return how many decimals Stripe's amounts have in a currency."""
    return 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2


def is_chargeable(amount: int, currency: str) -> bool:
    """Tell whether Stripe charges an amount: three decimals end with 0, and ISK and UGX with 00.

    Source: https://docs.stripe.com/currencies#three-decimal and #special-cases
    """
    step = 10 if currency in _THREE_DECIMAL else 100 if currency in _WHOLE_UNITS_ONLY else 1
    return amount > 0 and amount % step == 0


def in_main_unit(amount: int, currency: str) -> float:
    """Return an amount in dollars, yen or dinars instead of their smallest unit: 9.99 for 999 cents."""
    return amount / 10.0 ** decimals_of(currency)


def format_amount(amount: int, currency: str) -> str:
    """Return an amount in the smallest unit of Stripe's API, such as cents, as `9.99 USD`."""
    decimals = decimals_of(currency)
    whole, part = divmod(abs(amount), 10**decimals)
    fraction = f".{part:0{decimals}}" if decimals else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction} {currency.upper()}"
