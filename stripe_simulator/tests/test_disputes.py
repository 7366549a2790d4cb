"""Disputes in all their turns: what each event says, and where the money is."""

import pytest
import stripe

from stripe_simulator.tests.shop import METADATA, PRICE_CENTS, Json, Shop

CREATED, UPDATED, CLOSED, WITHDRAWN, REINSTATED = (
    f"charge.dispute.{name}" for name in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)


def open_dispute(shop: Shop, **how: object) -> Json:
    return shop.simulate("disputes", **{"charge": shop.paid_charge().id, **how})


def turn(shop: Shop, dispute: Json, control: str, **how: object) -> Json:
    return shop.simulate(f"disputes/{dispute['id']}/{control}", **how)


def amounts(dispute: Json) -> list[int]:
    return [entry["amount"] for entry in dispute["balance_transactions"]]


def story(shop: Shop, dispute: Json) -> list[tuple[str, str, list[int]]]:
    """Each event's type, and the status and amounts that its snapshot shows."""
    return [
        (event["type"], event["data"]["object"]["status"], amounts(event["data"]["object"]))
        for event in shop.events_about(dispute["id"])
    ]


def test_a_chargeback_withdraws_at_once_and_its_first_event_says_so(shop: Shop) -> None:
    charge = shop.paid_charge()
    dispute = shop.simulate("disputes", charge=charge.id, amount=400)
    assert (dispute["status"], dispute["amount"], dispute["charge"]) == ("needs_response", 400, charge.id)
    assert (dispute["payment_intent"], dispute["currency"]) == (charge.payment_intent, "usd")
    assert dispute["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert shop.client.v1.charges.retrieve(charge.id).disputed
    assert story(shop, dispute) == [(CREATED, "needs_response", [-400]), (WITHDRAWN, "needs_response", [-400])]
    [entry] = dispute["balance_transactions"]
    assert entry["id"].startswith("txn_")
    assert (entry["source"], entry["currency"], entry["type"]) == (dispute["id"], "usd", "adjustment")
    assert (entry["reporting_category"], entry["fee"], entry["net"]) == ("dispute", 1500, -1900)
    assert entry["description"] == f"Chargeback withdrawal for {charge.id}"
    assert [detail["description"] for detail in entry["fee_details"]] == ["Dispute fee"]


def test_a_won_dispute_returns_the_money_after_the_closed_event(shop: Shop) -> None:
    dispute = open_dispute(shop)
    won = turn(shop, dispute, "close", status="won")
    assert amounts(won) == [-PRICE_CENTS, PRICE_CENTS]
    returned = won["balance_transactions"][1]
    assert (returned["reporting_category"], returned["fee"]) == ("dispute_reversal", 0)
    assert story(shop, dispute)[2:] == [(CLOSED, "won", [-999]), (REINSTATED, "won", [-999, 999])]
    closed = shop.events_about(dispute["id"])[2]
    assert closed["data"]["previous_attributes"] == {"status": "needs_response"}


def test_a_lost_dispute_keeps_the_money_away(shop: Shop) -> None:
    dispute = open_dispute(shop)
    turn(shop, dispute, "review")
    turn(shop, dispute, "close", status="lost")
    assert story(shop, dispute) == [
        (CREATED, "needs_response", [-999]),
        (WITHDRAWN, "needs_response", [-999]),
        (UPDATED, "under_review", [-999]),
        (CLOSED, "lost", [-999]),
    ]
    assert shop.sim(f"disputes/{dispute['id']}/close", status="lost").status_code == 400


def test_a_partly_won_dispute_is_lost_and_returns_a_part(shop: Shop) -> None:
    dispute = open_dispute(shop)
    assert shop.sim(f"disputes/{dispute['id']}/close", status="won", reinstated=1).status_code == 400
    assert shop.sim(f"disputes/{dispute['id']}/close", status="lost", reinstated=1000).status_code == 400
    lost = turn(shop, dispute, "close", status="lost", reinstated=400)
    assert (lost["status"], amounts(lost)) == ("lost", [-999, 400])
    assert story(shop, dispute)[2:] == [(CLOSED, "lost", [-999]), (REINSTATED, "lost", [-999, 400])]


def test_an_inquiry_takes_nothing(shop: Shop) -> None:
    dispute = open_dispute(shop, status="warning_needs_response")
    assert dispute["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert dispute["is_charge_refundable"]
    turn(shop, dispute, "review")
    turn(shop, dispute, "close", status="warning_closed")
    assert story(shop, dispute) == [
        (CREATED, "warning_needs_response", []),
        (UPDATED, "warning_under_review", []),
        (CLOSED, "warning_closed", []),
    ]
    assert shop.client.v1.refunds.create({"charge": dispute["charge"]}).status == "succeeded"


@pytest.mark.parametrize("closed", [False, True])
def test_an_inquiry_escalates_under_its_id_even_after_it_was_closed(shop: Shop, closed: bool) -> None:
    dispute = open_dispute(shop, status="warning_needs_response", amount=800)
    if closed:
        turn(shop, dispute, "close", status="warning_closed")
    escalated = turn(shop, dispute, "escalate", amount=600)
    assert (escalated["id"], escalated["status"], escalated["amount"]) == (dispute["id"], "needs_response", 600)
    assert amounts(escalated) == [-600]
    assert not escalated["is_charge_refundable"]
    assert escalated["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert story(shop, dispute)[-2:] == [(UPDATED, "needs_response", [-600]), (WITHDRAWN, "needs_response", [-600])]
    assert shop.sim(f"disputes/{dispute['id']}/escalate").status_code == 400
    turn(shop, dispute, "close", status="lost")


def test_a_loss_is_appealed_and_won(shop: Shop) -> None:
    dispute = open_dispute(shop)
    turn(shop, dispute, "close", status="lost")
    assert turn(shop, dispute, "appeal")["status"] == "appeal_needs_response"
    assert turn(shop, dispute, "review")["status"] == "appeal_under_review"
    turn(shop, dispute, "close", status="won")
    assert story(shop, dispute)[2:] == [
        (CLOSED, "lost", [-999]),
        (UPDATED, "appeal_needs_response", [-999]),
        (UPDATED, "appeal_under_review", [-999]),
        (CLOSED, "won", [-999]),
        (REINSTATED, "won", [-999, 999]),
    ]


def test_a_win_is_appealed_and_lost_and_won_again(shop: Shop) -> None:
    dispute = open_dispute(shop)
    turn(shop, dispute, "close", status="won")
    turn(shop, dispute, "appeal")
    assert amounts(turn(shop, dispute, "close", status="lost")) == [-999, 999, -999]
    again = turn(shop, dispute, "close", status="won")
    assert amounts(again) == [-999, 999, -999, 999]
    assert [kind for kind, _status, _amounts in story(shop, dispute)][2:] == [
        *(CLOSED, REINSTATED, UPDATED, CLOSED, WITHDRAWN, CLOSED, REINSTATED),
    ]
    assert len({entry["id"] for entry in again["balance_transactions"]}) == 4
    assert sum(entry["fee"] for entry in again["balance_transactions"]) == 1500


def test_money_moves_on_its_own_in_any_status(shop: Shop) -> None:
    dispute = open_dispute(shop)
    assert amounts(turn(shop, dispute, "reinstate", amount=300)) == [-999, 300]
    assert amounts(turn(shop, dispute, "withdraw", amount=100)) == [-999, 300, -100]
    assert amounts(turn(shop, dispute, "reinstate")) == [-999, 300, -100, 799]
    assert shop.sim(f"disputes/{dispute['id']}/reinstate").status_code == 400
    turn(shop, dispute, "close", status="won")
    assert story(shop, dispute)[-1] == (CLOSED, "won", [-999, 300, -100, 799])


def test_a_block_prevents_a_dispute_and_moves_nothing(shop: Shop) -> None:
    dispute = open_dispute(shop, status="prevented")
    assert dispute["payment_method_details"]["card"]["case_type"] == "block"
    assert story(shop, dispute) == [(CREATED, "prevented", []), (CLOSED, "prevented", [])]
    assert shop.client.v1.refunds.create({"charge": dispute["charge"]}).amount == PRICE_CENTS


def test_a_resolution_prevents_a_dispute_and_pays_the_cardholder(shop: Shop) -> None:
    dispute = open_dispute(shop, status="prevented", case_type="resolution")
    [entry] = dispute["balance_transactions"]
    assert (entry["amount"], entry["fee"], entry["reporting_category"]) == (-PRICE_CENTS, 0, "dispute")
    assert [kind for kind, _status, _amounts in story(shop, dispute)] == [CREATED, WITHDRAWN, CLOSED]
    assert shop.sim(f"disputes/{dispute['id']}/close", status="won").status_code == 400
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.refunds.create({"charge": dispute["charge"]})


def test_a_bank_debits_dispute_is_final_at_once(shop: Shop) -> None:
    session = shop.pay(shop.open(), method="delayed")
    shop.simulate(f"sessions/{session.id}/settle", outcome="succeeded")
    charge = shop.get("charges", payment_intent=session.payment_intent.id)["data"][0]  # type: ignore[union-attr]
    dispute = shop.simulate("disputes", charge=charge["id"], status="lost", reason="debit_not_authorized")
    assert dispute["payment_method_details"] is None
    assert [kind for kind, _status, _amounts in story(shop, dispute)] == [CREATED, WITHDRAWN, CLOSED]


def test_a_charge_has_several_disputes(shop: Shop) -> None:
    charge = shop.paid_charge()
    first = shop.simulate("disputes", charge=charge.id, amount=400)
    second = shop.simulate("disputes", charge=charge.id)
    assert (first["amount"], second["amount"]) == (400, 599)
    assert shop.sim("disputes", charge=charge.id).status_code == 400
    turn(shop, first, "close", status="won")
    corrected = shop.simulate("disputes", charge=charge.id)
    assert corrected["amount"] == 400
    listed = shop.client.v1.disputes.list({"charge": charge.id}).data
    assert [dispute.id for dispute in listed] == [corrected["id"], second["id"], first["id"]]
    assert shop.sim("disputes", charge=charge.id, amount=1000).status_code == 400


def test_a_dispute_in_another_currency_withdraws_in_the_settlement_currency(shop: Shop) -> None:
    whole = open_dispute(shop, currency="GBP", amount=790)
    assert (whole["amount"], whole["currency"], amounts(whole)) == (790, "gbp", [-PRICE_CENTS])
    assert whole["balance_transactions"][0]["currency"] == "usd"
    partial = open_dispute(shop, currency="jpy", amount=500, withdrawal=330)
    assert (partial["amount"], partial["currency"], amounts(partial)) == (500, "jpy", [-330])
    assert amounts(turn(shop, partial, "close", status="won")) == [-330, 330]


def test_a_shop_may_be_settled_in_another_currency(shop: Shop) -> None:
    shop.simulate("behavior", settlement_currency="EUR", settlement_rate=0.9)
    charge = shop.paid_charge()
    booked = shop.get(f"balance_transactions/{charge.balance_transaction}")
    assert (booked["amount"], booked["currency"], booked["exchange_rate"]) == (899, "eur", 0.9)
    dispute = shop.simulate("disputes", charge=charge.id, amount=500)
    [entry] = dispute["balance_transactions"]
    assert (dispute["amount"], dispute["currency"]) == (500, "usd")
    assert (entry["amount"], entry["currency"], entry["exchange_rate"]) == (-450, "eur", 0.9)


def test_a_disputed_charge_is_not_refundable_until_the_dispute_is_won(shop: Shop) -> None:
    dispute = open_dispute(shop)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.refunds.create({"charge": dispute["charge"]})
    assert refused.value.code == "charge_disputed"
    turn(shop, dispute, "close", status="won")
    assert shop.client.v1.refunds.create({"charge": dispute["charge"]}).amount == PRICE_CENTS


@pytest.mark.parametrize(
    ("opening", "control", "how"),
    [
        ({}, "escalate", {}),
        ({}, "appeal", {}),
        ({}, "close", {"status": "warning_closed"}),
        ({}, "close", {"status": "prevented"}),
        ({"status": "warning_needs_response"}, "close", {"status": "won"}),
        ({"status": "warning_needs_response"}, "reinstate", {}),
        ({"status": "prevented"}, "review", {}),
    ],
)
def test_an_impossible_change_of_a_dispute_is_refused(shop: Shop, opening: Json, control: str, how: Json) -> None:
    dispute = open_dispute(shop, **opening)
    before = shop.types_about(dispute["id"])
    assert shop.sim(f"disputes/{dispute['id']}/{control}", **how).status_code == 400
    assert shop.types_about(dispute["id"]) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": "all"},
        {"amonut": 5},
        {"status": "won"},
        {"status": "prevented", "case_type": "chargeback"},
        {"charge": "ch_missing"},
    ],
)
def test_an_impossible_dispute_is_refused(shop: Shop, wrong: Json) -> None:
    assert shop.sim("disputes", **{"charge": shop.paid_charge().id, **wrong}).status_code == 400


def test_only_what_was_paid_can_be_disputed(shop: Shop) -> None:
    session = shop.open()
    shop.sim(f"sessions/{session.id}/pay", card="4000000000000002")
    declined = shop.get("charges", limit="1")["data"][0]
    assert declined["metadata"] == METADATA
    assert shop.sim("disputes", charge=declined["id"]).status_code == 400
