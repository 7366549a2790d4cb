"""Prices in several currencies, and shops that are settled in another one than they sell in."""

from typing import Any

import pytest
import stripe

from stripe_simulator.tests.shop import Shop, charge_of


def price_of(shop: Shop, **params: object) -> stripe.Price:
    product = shop.client.v1.products.create({"name": "Popular Pack"})
    all_params: Any = {"product": product.id, "currency": "usd", "unit_amount": 999, **params}
    return shop.client.v1.prices.create(all_params)


def in_three_currencies(shop: Shop) -> stripe.Price:
    return price_of(shop, currency_options={"eur": {"unit_amount": 949}, "jpy": {"unit_amount": 1500}})


def test_a_prices_currencies_are_shown_on_request_only(shop: Shop) -> None:
    price = in_three_currencies(shop)

    assert "currency_options" not in price.to_dict()
    shown = shop.client.v1.prices.retrieve(price.id, {"expand": ["currency_options"]}).to_dict()["currency_options"]
    assert {code: option["unit_amount"] for code, option in shown.items()} == {"usd": 999, "eur": 949, "jpy": 1500}


@pytest.mark.parametrize(("currency", "due"), [("usd", 999), ("eur", 949), ("jpy", 1500)])
def test_a_session_is_in_the_currency_that_it_asks_for(shop: Shop, currency: str, due: int) -> None:
    items = [{"price": in_three_currencies(shop).id, "quantity": 2}]

    session = shop.open(line_items=items, currency=currency)
    assert (session.currency, session.amount_subtotal, session.amount_total) == (currency, 2 * due, 2 * due)

    charge = charge_of(shop.pay(session))
    assert (charge.currency, charge.amount) == (currency, 2 * due)


def test_without_a_choice_a_session_is_in_the_prices_default_currency(shop: Shop) -> None:
    session = shop.open(line_items=[{"price": in_three_currencies(shop).id, "quantity": 1}])

    assert (session.currency, session.amount_total) == ("usd", 999)


def test_a_currency_that_the_price_lacks_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"only supports `usd`\. This doesn't match .* `eur`"):
        shop.open(currency="eur")
    with pytest.raises(stripe.InvalidRequestError, match=r"supports currencies of .*`jpy`"):
        shop.open(line_items=[{"price": in_three_currencies(shop).id, "quantity": 1}], currency="gbp")


def test_the_payment_page_and_the_invoice_are_in_the_sessions_currency(shop: Shop) -> None:
    items = [{"price": in_three_currencies(shop).id, "quantity": 2}]
    session = shop.open(line_items=items, currency="jpy", invoice_creation={"enabled": True})
    assert "1,500 JPY</small>" in shop.http.get(str(session.url)).text

    invoice = shop.get(f"invoices/{shop.pay(session).invoice}")
    assert (invoice["currency"], invoice["total"]) == ("jpy", 3000)
    assert invoice["lines"]["data"][0]["pricing"]["unit_amount_decimal"] == "1500"


def test_three_decimals_end_with_a_zero(shop: Shop) -> None:
    assert price_of(shop, currency="kwd", unit_amount=3070).unit_amount == 3070
    with pytest.raises(stripe.InvalidRequestError, match="last digit has to be 0"):
        price_of(shop, currency="kwd", unit_amount=3075)
    with pytest.raises(stripe.InvalidRequestError, match="last digit has to be 0"):
        price_of(shop, currency_options={"kwd": {"unit_amount": 3075}})


def test_yen_are_settled_in_cents(shop: Shop) -> None:
    shop.simulate("behavior", settlement_currency="usd", settlement_rate=0.0065)
    session = shop.open(line_items=[{"price": in_three_currencies(shop).id, "quantity": 1}], currency="jpy")

    charge = charge_of(shop.pay(session))

    booked = shop.get(f"balance_transactions/{charge.balance_transaction}")
    assert (booked["amount"], booked["currency"], booked["exchange_rate"]) == (975, "usd", 0.0065)
    [withdrawn] = shop.simulate("disputes", charge=charge.id)["balance_transactions"]
    assert (withdrawn["amount"], withdrawn["currency"]) == (-975, "usd")
