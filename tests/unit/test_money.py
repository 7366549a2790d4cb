"""Amounts of Stripe's API as people read them."""

import pytest

from shared.domain.money import format_amount, in_main_unit, is_chargeable


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


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [(999, "usd", 9.99), (1500, "jpy", 1500.0), (3070, "kwd", 3.07), (50_000, "ugx", 500.0)],
)
def test_the_main_unit_is_what_people_say(amount: int, currency: str, value: float) -> None:
    assert in_main_unit(amount, currency) == value


@pytest.mark.parametrize(
    ("amount", "currency", "chargeable"),
    [
        (1, "usd", True),
        (0, "usd", False),
        (-999, "usd", False),
        (1, "jpy", True),
        (3070, "kwd", True),
        (3075, "kwd", False),
        (50_000, "isk", True),
        (50_050, "isk", False),
        (50_050, "ugx", False),
    ],
)
def test_stripe_charges_no_parts_smaller_than_it_can(amount: int, currency: str, *, chargeable: bool) -> None:
    assert is_chargeable(amount, currency) is chargeable
