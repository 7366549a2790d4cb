"""Adaptive Pricing: the buyer pays in their own currency, the session stays in the shop's."""

import pytest

from stripe_simulator.tests.shop import PRICE_CENTS, Shop, charge_of, intent_of

IN_POUNDS = {"presentment_currency": "GBP", "exchange_rate": 0.79}
SHOWN = {"presentment_amount": 789, "presentment_currency": "gbp"}


def test_the_buyers_currency_is_shown_beside_the_sessions(shop: Shop) -> None:
    session = shop.pay(shop.open(adaptive_pricing={"enabled": True}), **IN_POUNDS)
    charge = charge_of(session)
    assert (session.currency, session.amount_total) == ("usd", PRICE_CENTS)
    assert (charge.currency, charge.amount) == ("usd", PRICE_CENTS)
    for shown_on in (session, intent_of(session), charge):
        assert shown_on.presentment_details is not None
        assert shown_on.presentment_details.to_dict() == SHOWN
    [completed] = shop.events_about(session.id)
    assert completed["data"]["object"]["presentment_details"] == SHOWN
    refund = shop.client.v1.refunds.create({"charge": charge.id, "amount": 500})
    assert refund.presentment_details is not None
    assert (refund.amount, refund.presentment_details.presentment_amount) == (500, 395)


def test_without_another_currency_nothing_is_shown(shop: Shop) -> None:
    session = shop.pay(shop.open(adaptive_pricing={"enabled": True}))
    for shown_on in (session, intent_of(session), charge_of(session)):
        assert "presentment_details" not in shown_on.to_dict()


def test_the_dashboard_decides_unless_the_session_does(shop: Shop) -> None:
    refused = shop.sim(f"sessions/{shop.open().id}/pay", **IN_POUNDS)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "presentment_currency")
    shop.simulate("behavior", adaptive_pricing=True)
    assert shop.pay(shop.open(), **IN_POUNDS).status == "complete"
    turned_off = shop.open(adaptive_pricing={"enabled": False})
    assert shop.sim(f"sessions/{turned_off.id}/pay", **IN_POUNDS).status_code == 400


def test_a_declined_attempt_leaves_no_currency_behind(shop: Shop) -> None:
    session = shop.open(adaptive_pricing={"enabled": True})
    assert shop.sim(f"sessions/{session.id}/pay", card="4000000000000002", **IN_POUNDS).status_code == 402
    paid = shop.pay(session)
    assert "presentment_details" not in paid.to_dict()
    assert "presentment_details" not in intent_of(paid).to_dict()


@pytest.mark.parametrize("rate", [None, -1, "much"])
def test_an_exchange_rate_is_needed(shop: Shop, rate: object) -> None:
    session = shop.open(adaptive_pricing={"enabled": True})
    answer = shop.sim(f"sessions/{session.id}/pay", presentment_currency="gbp", exchange_rate=rate)
    assert answer.status_code == 400
