"""Refunds that succeed, wait, fail and are canceled, in any order and within one second."""

import pytest
import stripe

from stripe_simulator.tests.shop import METADATA, PRICE_CENTS, Json, Shop, charge_of, intent_of


def create_refund(shop: Shop, amount: int | None = None) -> stripe.Refund:
    charge = shop.paid_charge()
    if amount is None:
        return shop.client.v1.refunds.create({"charge": charge.id})
    return shop.client.v1.refunds.create({"charge": charge.id, "amount": amount})


def turn(shop: Shop, refund: stripe.Refund, control: str, **how: object) -> Json:
    return shop.simulate(f"refunds/{refund.id}/{control}", **how)


def amount_refunded(shop: Shop, refund: stripe.Refund) -> int:
    return int(shop.get(f"charges/{refund.charge}")["amount_refunded"])


def story(shop: Shop, refund: stripe.Refund) -> list[tuple[str, str]]:
    return [(event["type"], event["data"]["object"]["status"]) for event in shop.events_about(refund.id)]


def test_refunds_add_up_until_nothing_is_left(shop: Shop) -> None:
    charge = shop.paid_charge()
    first = shop.client.v1.refunds.create({"charge": charge.id, "amount": 500, "metadata": {"why": "half"}})
    assert (first.status, first.amount, first.payment_intent) == ("succeeded", 500, charge.payment_intent)
    with pytest.raises(
        stripe.InvalidRequestError, match=r"Refund amount \(\$5\.00\) is greater than unrefunded amount"
    ):
        shop.client.v1.refunds.create({"charge": charge.id, "amount": 500})
    rest = shop.client.v1.refunds.create({"payment_intent": str(charge.payment_intent)})
    assert rest.amount == 499
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    after = shop.client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (after.amount_refunded, after.refunded) == (PRICE_CENTS, True)
    assert after.refunds is not None
    assert [one.id for one in after.refunds.data] == [rest.id, first.id]
    refunded = [event["data"] for event in shop.events_about(charge.id) if event["type"] == "charge.refunded"]
    assert [(data["object"]["amount_refunded"], data["object"]["refunded"]) for data in refunded] == [
        (500, False),
        (PRICE_CENTS, True),
    ]
    assert refunded[0]["object"]["metadata"] == METADATA
    assert [data["previous_attributes"] for data in refunded] == [
        {"amount_refunded": 0},
        {"amount_refunded": 500, "refunded": False},
    ]
    assert [one.id for one in shop.client.v1.refunds.list({"charge": charge.id}).data] == [rest.id, first.id]


def test_what_was_never_paid_cannot_be_refunded(shop: Shop) -> None:
    session = shop.open()
    shop.sim(f"sessions/{session.id}/pay", card="4000000000000002")
    declined = shop.session(session)
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.refunds.create({"charge": charge_of(declined).id})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        shop.client.v1.refunds.create({"payment_intent": intent_of(declined).id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.v1.refunds.create({"charge": "ch_missing"})
    assert (refused.value.http_status, refused.value.param) == (400, "charge")


def test_a_refund_that_fails_later_returns_the_money_to_the_balance(shop: Shop) -> None:
    refund = create_refund(shop)
    failed = turn(shop, refund, "fail")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    entries = shop.get("balance_transactions", source=refund.id)["data"]
    assert [(entry["amount"], entry["reporting_category"]) for entry in entries] == [
        (PRICE_CENTS, "refund_failure"),
        (-PRICE_CENTS, "refund"),
    ]
    assert failed["failure_balance_transaction"] == entries[0]["id"]
    assert amount_refunded(shop, refund) == 0
    assert story(shop, refund) == [
        ("refund.created", "succeeded"),
        ("refund.updated", "failed"),
        ("charge.refund.updated", "failed"),
        ("refund.failed", "failed"),
    ]
    assert shop.events_about(refund.id)[1]["data"]["previous_attributes"] == {
        "failure_balance_transaction": None,
        "failure_reason": None,
        "status": "succeeded",
    }
    assert shop.sim(f"refunds/{refund.id}/fail").status_code == 400
    assert shop.client.v1.refunds.create({"charge": str(refund.charge)}).amount == PRICE_CENTS


@pytest.mark.parametrize("ending", ["fail", "cancel"])
def test_whether_a_failure_lowers_amount_refunded_can_be_chosen(shop: Shop, ending: str) -> None:
    shop.simulate("behavior", failed_refunds_lower_amount_refunded=False)
    refund = create_refund(shop, 500)
    turn(shop, refund, ending)
    assert amount_refunded(shop, refund) == 500
    shop.simulate("behavior")
    other = create_refund(shop, 500)
    turn(shop, other, ending)
    assert amount_refunded(shop, other) == 0


def test_a_pending_refund_counts_and_succeeds_later(shop: Shop) -> None:
    shop.simulate("behavior", refund_status="pending")
    refund = create_refund(shop)
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert amount_refunded(shop, refund) == PRICE_CENTS
    done = turn(shop, refund, "succeed")
    assert done["status"] == "succeeded"
    assert "pending_reason" not in done
    assert story(shop, refund) == [
        ("refund.created", "pending"),
        ("refund.updated", "succeeded"),
        ("charge.refund.updated", "succeeded"),
    ]


def test_a_refund_that_needs_the_buyer_can_be_canceled_through_the_api(shop: Shop) -> None:
    shop.simulate("behavior", refund_status="requires_action")
    refund = create_refund(shop)
    assert refund.next_action is not None
    assert refund.next_action.type == "display_details"
    canceled = shop.client.v1.refunds.cancel(refund.id)
    assert (canceled.status, canceled.failure_reason) == ("canceled", "merchant_request")
    assert story(shop, refund) == [
        ("refund.created", "requires_action"),
        ("refund.updated", "canceled"),
        ("charge.refund.updated", "canceled"),
    ]
    assert amount_refunded(shop, refund) == 0


def test_the_api_cancels_nothing_else_but_the_dashboard_does(shop: Shop) -> None:
    refund = create_refund(shop)
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.refunds.cancel(refund.id)
    assert turn(shop, refund, "cancel")["status"] == "canceled"


def test_a_pending_refund_takes_the_long_way(shop: Shop) -> None:
    shop.simulate("behavior", refund_status="pending")
    refund = create_refund(shop, 300)
    for control, status in (("require_action", "requires_action"), ("succeed", "succeeded"), ("fail", "failed")):
        assert turn(shop, refund, control)["status"] == status
    for control in ("succeed", "fail", "cancel", "require_action"):
        assert shop.sim(f"refunds/{refund.id}/{control}").status_code == 400
    assert amount_refunded(shop, refund) == 0


def test_a_refund_that_succeeded_needs_no_action(shop: Shop) -> None:
    refund = create_refund(shop)
    for control in ("require_action", "succeed"):
        assert shop.sim(f"refunds/{refund.id}/{control}").status_code == 400


def test_a_failure_and_its_successor_happen_within_one_second(shop: Shop) -> None:
    shop.simulate("clock", stopped=True)
    first = create_refund(shop)
    turn(shop, first, "fail", reason="declined")
    second = shop.client.v1.refunds.create({"charge": str(first.charge)})
    events = shop.events_about(first.id, second.id, str(first.charge))
    assert len({event["created"] for event in events}) == 1
    assert amount_refunded(shop, second) == PRICE_CENTS


def test_a_reference_number_arrives_and_changes_nothing_else(shop: Shop) -> None:
    refund = create_refund(shop)
    updated = turn(shop, refund, "reference")
    assert (updated["status"], updated["destination_details"]["card"]["reference_status"]) == ("succeeded", "available")
    assert story(shop, refund)[1:] == [("refund.updated", "succeeded"), ("charge.refund.updated", "succeeded")]


def test_a_bank_debits_refund_goes_to_the_bank(shop: Shop) -> None:
    session = shop.pay(shop.open(), method="delayed")
    shop.simulate(f"sessions/{session.id}/settle", outcome="succeeded")
    refund = shop.client.v1.refunds.create({"payment_intent": intent_of(session).id})
    assert refund.destination_details is not None
    assert refund.destination_details.type == "us_bank_account"
    assert shop.sim(f"refunds/{refund.id}/reference").status_code == 400


def test_an_unknown_reason_is_refused(shop: Shop) -> None:
    assert shop.sim(f"refunds/{create_refund(shop).id}/fail", reason="bad_luck").status_code == 400
