"""Amounts of money as people read them. Pure."""

# What Stripe's API counts in whole units. It counts ISK and UGX, which have no decimals either, as if they had two.
# Source: https://docs.stripe.com/currencies#zero-decimal and #special-cases
_ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def format_amount(amount: int, currency: str) -> str:
    """Return an amount in the smallest unit of Stripe's API, such as cents, as `9.99 USD`."""
    decimals = 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2
    whole, part = divmod(abs(amount), 10**decimals)
    fraction = f".{part:0{decimals}}" if decimals else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction} {currency.upper()}"
