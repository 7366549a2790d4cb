"""Amounts as Stripe's API counts them: in a currency's smallest unit (https://docs.stripe.com/currencies)."""

# ISK and UGX have no decimals, but the API counts them as if they had two.
_ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def decimals(currency: str) -> int:
    """Return how many decimals the API's amounts have in a currency."""
    return 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2


def is_chargeable(amount: int, currency: str) -> bool:
    """Whether cards can be charged this amount: the last digit of three decimals has to be 0."""
    return currency not in _THREE_DECIMAL or amount % 10 == 0


def money(amount: int, currency: str) -> str:
    """Write an amount as a buyer reads it: $9.99, -€1.00, 12.50 CHF, 1,500 JPY, 5.120 KWD."""
    sign = "-" if amount < 0 else ""
    places = decimals(currency)
    whole, part = divmod(abs(amount), 10**places)
    number = f"{whole:,}" + (f".{part:0{places}}" if places else "")
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"
