"""Amounts of Stripe's API as people read them."""

import pytest

from shared.domain.money import format_amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (999, "usd", "9.99 USD"),
        (5, "eur", "0.05 EUR"),
        (123456789, "usd", "1,234,567.89 USD"),
        (-999, "usd", "-9.99 USD"),
        (0, "gbp", "0.00 GBP"),
        (500, "jpy", "500 JPY"),
        (5120, "kwd", "5.120 KWD"),
        (500, "isk", "5.00 ISK"),  # without decimals, but Stripe's API still counts hundredths
    ],
)
def test_an_amount_is_read_in_its_currency(amount: int, currency: str, text: str) -> None:
    assert format_amount(amount, currency) == text
