"""The simulator's arithmetic: whole cents, and parts that add up to their sums."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_simulator.engine.currencies import money
from stripe_simulator.engine.objects import StripeObject, build
from stripe_simulator.resources.pricing import line_item, set_amounts


def priced(
    amounts: list[int], *, percent_off: float | None = None, amount_off: int | None = None, tax: str = "0"
) -> tuple[StripeObject, list[StripeObject]]:
    product = build("product", name="Pack")
    items = [
        line_item(build("price", currency="usd", unit_amount=amount, product=product["id"]), product, 1)
        for amount in amounts
    ]
    session = build("checkout.session")
    session["automatic_tax"]["enabled"] = tax != "0"
    discounted = percent_off is not None or amount_off is not None
    coupon = build("coupon", percent_off=percent_off, amount_off=amount_off) if discounted else None
    set_amounts(session, items, coupon, Decimal(tax))
    return session, items


@given(
    amounts=st.lists(st.integers(0, 1_000_000), min_size=1, max_size=6),
    percent_off=st.one_of(st.none(), st.integers(1, 100).map(float)),
    tax=st.decimals(0, 30, places=2).map(str),
)
def test_the_parts_add_up(amounts: list[int], percent_off: float | None, tax: str) -> None:
    session, items = priced(amounts, percent_off=percent_off, tax=tax)
    details = session["total_details"]
    assert session["amount_subtotal"] == sum(amounts)
    assert session["amount_total"] == sum(amounts) - details["amount_discount"] + details["amount_tax"]
    assert session["amount_total"] == sum(item["amount_total"] for item in items)
    assert 0 <= details["amount_discount"] <= sum(amounts)
    assert all(0 <= item["amount_discount"] <= item["amount_subtotal"] for item in items)


@given(amounts=st.lists(st.integers(0, 10_000), min_size=1, max_size=6), amount_off=st.integers(1, 20_000))
def test_an_amount_off_never_exceeds_the_total(amounts: list[int], amount_off: int) -> None:
    session, _items = priced(amounts, amount_off=amount_off)
    assert session["amount_total"] == max(0, sum(amounts) - amount_off)


def test_all_off_is_free() -> None:
    assert priced([999, 333], percent_off=100)[0]["amount_total"] == 0


@pytest.mark.parametrize(
    ("cents", "currency", "shown"),
    [
        (999, "usd", "$9.99"),
        (-250, "usd", "-$2.50"),
        (123456, "eur", "€1,234.56"),
        (5, "chf", "0.05 CHF"),
        (1500, "jpy", "1,500 JPY"),
        (5120, "kwd", "5.120 KWD"),
    ],
)
def test_money_is_written_as_a_buyer_reads_it(cents: int, currency: str, shown: str) -> None:
    assert money(cents, currency) == shown
