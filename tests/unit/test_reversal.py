"""What refunds and disputes take of a purchase, with the numbers of payments that once ended wrong."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from shared.domain.alert import Alert
from shared.domain.entry import NewEntry
from shared.domain.errors import MalformedMessage
from shared.domain.payment_alerts import alerts_of
from shared.domain.payment_events import DISPUTE_EVENTS, fact_of
from shared.domain.payment_facts import FACTS_MAX, PaymentFacts, PresumedDispute, RefundMade, Sale
from shared.domain.payment_facts_fields import facts_from_first_version, taken_by_first_version
from shared.domain.reversal_entries import entries_at_purchase, entry_for

POPULAR = Sale(tokens=110, paid_cents=999, tax_cents=0, currency="usd")
TAXED = Sale(tokens=110, paid_cents=1082, tax_cents=83, currency="usd")
DETAILS = {"packageId": "popular"}

Event = dict[str, Any]


def event(type_: str, **stripe_object: Any) -> Event:  # noqa: ANN401 - JSON
    return {"type": type_, "data": {"object": {"payment_intent": "pi_1", **stripe_object}}}


def refund(id_: str, cents: int, status: str = "succeeded", type_: str = "refund.created") -> Event:
    return event(type_, object="refund", id=id_, amount=cents, status=status, charge="ch_1")


def failed(id_: str, cents: int) -> Event:
    return refund(id_, cents, "failed", "refund.failed")


def total(cents: int) -> Event:
    return event("charge.refunded", object="charge", id="ch_1", amount_refunded=cents)


def dispute(
    status: str,
    *moves: int,
    cents: int = 999,
    currency: str = "usd",
    settled_in: str = "usd",
    case_type: str = "chargeback",
    id_: str = "dp_1",
) -> Event:
    """A dispute's event after these movements of money, each a balance transaction: negative ones were withdrawn."""
    return event(
        "charge.dispute.updated",
        object="dispute",
        id=id_,
        amount=cents,
        currency=currency,
        status=status,
        payment_method_details={"type": "card", "card": {"case_type": case_type}},
        balance_transactions=[
            {"id": f"txn_{id_}_{number}", "amount": amount, "currency": settled_in, "fee": 1500 if amount < 0 else 0}
            for number, amount in enumerate(moves)
        ],
    )


def known_of(*events: Event) -> PaymentFacts:
    known = PaymentFacts()
    for one in events:
        heard = fact_of(one)
        assert heard is not None
        known = known.learn(heard[1])
    return known


def left_after(*events: Event, sale: Sale = POPULAR) -> int:
    """Return how many tokens are left of a purchase, having checked that no order of the events changes it."""
    left = {sale.tokens - known_of(*order).taken(sale) for order in permutations(events)}
    assert len(left) == 1
    return left.pop()


def entries_of(*events: Event, sale: Sale = POPULAR) -> list[NewEntry]:
    """Return the entries that the events make, one after another, after their purchase."""
    known, entries = PaymentFacts(), list[NewEntry]()
    for one in events:
        heard = fact_of(one)
        assert heard is not None
        taken = -sum(entry.amount for entry in entries)
        entry = entry_for(heard[1], known, sale, DETAILS, taken=taken)
        entries += [entry] if entry else []
        known = known.learn(heard[1])
    return entries


def alert_after(*events: Event) -> Alert:
    (alert,) = alerts_of("ada", "pi_1", known_of(*events))
    return alert


# --- a dispute that closes more than once


def test_a_dispute_that_was_won_and_is_lost_on_appeal_takes_the_tokens_again() -> None:
    opened, won, lost = dispute("needs_response", -999), dispute("won", -999, 999), dispute("lost", -999, 999, -999)

    assert left_after(opened) == 0
    assert left_after(opened, won) == 110
    assert left_after(opened, won, lost) == 0
    assert [(entry.id, entry.amount) for entry in entries_of(opened, won, lost)] == [
        ("dispute:dp_1:txn_dp_1_0", -110),
        ("dispute_reversal:dp_1:txn_dp_1_1", 110),
        ("dispute:dp_1:txn_dp_1_2", -110),
    ]


def test_a_dispute_that_was_lost_and_is_won_on_appeal_gives_the_tokens_back() -> None:
    appeal = dispute("appeal_under_review", -999)

    assert left_after(dispute("lost", -999), appeal, dispute("won", -999, 999)) == 110


def test_an_inquiry_that_was_closed_and_becomes_a_chargeback_takes_the_tokens() -> None:
    inquiry = dispute("warning_needs_response", case_type="inquiry")
    closed = dispute("warning_closed", case_type="inquiry")

    assert left_after(inquiry, closed) == 110
    assert left_after(inquiry, closed, dispute("needs_response", -999)) == 0


def test_every_change_of_a_disputes_outcome_changes_its_alert() -> None:
    story = [
        dispute("warning_needs_response"),
        dispute("warning_closed"),
        dispute("needs_response"),
        dispute("needs_response", -999),
        dispute("won", -999, 999),
        dispute("lost", -999, 999, -999),
        dispute("lost", -999, 999, -999, 300),
    ]

    alerts = [alert_after(*story[: number + 1]) for number in range(len(story))]

    assert {alert.id for alert in alerts} == {"dispute:dp_1"}
    assert [(alert.evidence["outcome"], alert.severity) for alert in alerts] == [
        ("inquiry", "medium"),
        ("inquiry_closed", "low"),
        ("opened", "high"),
        ("withdrawn", "high"),
        ("reinstated", "low"),
        ("withdrawn", "high"),
        ("partly_reinstated", "high"),
    ]
    assert alerts[-1].evidence == {
        "disputeId": "dp_1",
        "paymentIntentId": "pi_1",
        "outcome": "partly_reinstated",
        "disputedCents": 999,
        "currency": "usd",
        "statuses": ["lost", "needs_response", "warning_closed", "warning_needs_response", "won"],
        "caseTypes": ["chargeback"],
        "withdrawnCents": 1998,
        "reinstatedCents": 1299,
        "settlementCurrencies": ["usd"],
    }


# --- disputes that are prevented


def test_a_dispute_that_was_blocked_takes_nothing_and_raises_an_alert() -> None:
    blocked = dispute("prevented", case_type="block")

    assert left_after(blocked) == 110
    assert alert_after(blocked).evidence["outcome"] == "prevented"


def test_a_dispute_that_was_resolved_by_paying_the_cardholder_takes_the_tokens_and_raises_an_alert() -> None:
    resolved = dispute("prevented", -999, case_type="resolution")

    assert left_after(resolved) == 0
    assert alert_after(resolved).evidence["outcome"] == "withdrawn"
    assert alert_after(resolved).severity == "high"


# --- refunds that fail, whatever the second


def test_a_refund_its_failure_and_the_refund_that_replaces_it_take_everything() -> None:
    """Stripe may take the failure out of the second total, or not: 999 of 999 are refunded."""
    first, failure, second = refund("re_1", 999), failed("re_1", 999), refund("re_2", 999)

    assert left_after(first, total(999), failure, second) == 0
    assert left_after(first, total(999), failure, second, total(1998)) == 0
    assert left_after(first, failure, second) == 0


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_failed_gives_the_tokens_back_even_when_its_failure_is_heard_of_first(status: str) -> None:
    failure = refund("re_1", 999, status, "refund.updated")

    assert left_after(failure, refund("re_1", 999), total(999)) == 110
    assert left_after(failure, total(999)) == 110
    assert alert_after(failure).evidence == {
        "refundId": "re_1",
        "paymentIntentId": "pi_1",
        "failedCents": 999,
        "status": status,
    }


def test_a_failure_is_final_and_told_twice_it_counts_once() -> None:
    late = refund("re_1", 999, "pending", "refund.updated")

    assert left_after(total(999), failed("re_1", 999), failed("re_1", 999), late) == 110


@pytest.mark.parametrize("status", ["pending", "requires_action", "succeeded", None])
def test_a_refund_counts_from_the_day_it_is_made(status: str | None) -> None:
    made = refund("re_1", 500)
    made["data"]["object"]["status"] = status

    assert left_after(made) == 110 - 110 * 500 // 999


def test_one_of_two_refunds_fails() -> None:
    first, second = refund("re_1", 300), refund("re_2", 200)

    assert left_after(first, total(300), second, failed("re_1", 300)) == 110 - 110 * 200 // 999
    assert [(entry.id, entry.amount) for entry in entries_of(first, total(300), second, failed("re_1", 300))] == [
        ("refund:re_1", -33),
        ("refund:re_2", -22),
        ("refund_failed:re_1", 33),
    ]


def test_totals_alone_are_enough() -> None:
    entries = entries_of(total(300), total(500), total(300))

    assert [(entry.id, entry.amount) for entry in entries] == [("refund:ch_1:300", -33), ("refund:ch_1:500", -22)]
    assert entries[1].details == {
        "packageId": "popular",
        "stripeChargeId": "ch_1",
        "refundedCents": 500,
        "paymentAmount": -200,
        "currency": "usd",
    }


# --- money


def money_of(*events: Event, sale: Sale = POPULAR) -> list[tuple[int, str]]:
    """Return how much money each entry says that it moved, and in which currency."""
    return [(entry.details["paymentAmount"], entry.details["currency"]) for entry in entries_of(*events, sale=sale)]


def test_a_refund_says_what_it_returned_and_a_failed_one_what_came_back() -> None:
    events = (refund("re_1", 300), refund("re_2", 200), failed("re_1", 300))

    assert money_of(*events) == [(-300, "usd"), (-200, "usd"), (300, "usd")]


def test_whoever_tells_of_a_refund_first_the_money_is_the_same() -> None:
    assert money_of(total(300), refund("re_1", 300), total(500), refund("re_2", 200)) == [(-300, "usd"), (-200, "usd")]


def test_money_is_in_the_purchases_currency() -> None:
    yen = replace(POPULAR, paid_cents=1500, currency="jpy")

    assert money_of(refund("re_1", 500), sale=yen) == [(-500, "jpy")]


def test_a_dispute_is_in_its_own_currency_whatever_the_shop_is_settled_in() -> None:
    yen = replace(POPULAR, paid_cents=1500, currency="jpy")
    withdrawn = dispute("needs_response", -975, cents=1500, currency="jpy", settled_in="usd")
    reinstated = dispute("won", -975, 975, cents=1500, currency="jpy", settled_in="usd")

    assert money_of(withdrawn, reinstated, sale=yen) == [(-1500, "jpy"), (1500, "jpy")]


def test_a_dispute_in_another_currency_than_the_purchase_says_so() -> None:
    assert money_of(dispute("needs_response", -999, cents=790, currency="gbp")) == [(-790, "gbp")]


def test_a_dispute_that_is_won_in_part_returns_a_part() -> None:
    lost_in_part = dispute("lost", -999, 333)

    assert money_of(dispute("needs_response", -999), lost_in_part) == [(-999, "usd"), (333, "usd")]


def test_what_version_0_1_presumed_of_a_dispute_is_in_the_purchases_currency() -> None:
    known = PaymentFacts()
    entry = entry_for(PresumedDispute("dp_1", 300), known, POPULAR, DETAILS, taken=0)

    assert entry is not None
    assert (entry.details["paymentAmount"], entry.details["currency"]) == (-300, "usd")


# --- inquiries


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed"])
def test_an_inquiry_takes_nothing(status: str) -> None:
    inquiry = dispute(status, case_type="inquiry")

    assert left_after(inquiry) == 110
    assert entries_of(inquiry) == []


# --- currencies


@pytest.mark.parametrize(("cents", "currency"), [(790, "gbp"), (500, "jpy")])
def test_a_dispute_in_another_currency_than_the_purchase_is_one_over_all_of_it(cents: int, currency: str) -> None:
    moved = [-999, 999]

    assert left_after(dispute("lost", *moved[:1], cents=cents, currency=currency)) == 0
    assert left_after(dispute("won", *moved, cents=cents, currency=currency)) == 110


def test_a_smaller_dispute_in_the_currency_of_the_purchase_is_one_over_a_part_of_it() -> None:
    """It may be all of the purchase at another rate, but nothing in it tells: 2 tokens are left."""
    assert left_after(dispute("lost", -985, cents=985)) == 2


def test_a_won_dispute_leaves_nothing_taken_though_the_rate_fell_in_between() -> None:
    """999 usd cents were 920 eur cents when they were withdrawn and 870 when they came back."""
    withdrawn, won_early = dispute("needs_response", -920, settled_in="eur"), dispute("won", -920, settled_in="eur")
    won = dispute("won", -920, 870, settled_in="eur")

    assert left_after(withdrawn) == 0
    assert left_after(withdrawn, won_early) == 0
    assert left_after(withdrawn, won_early, won) == 110


def test_a_dispute_lost_on_appeal_takes_everything_though_the_rate_rose_in_between() -> None:
    won = dispute("won", -920, 980, settled_in="eur")
    lost = dispute("lost", -920, 980, -900, settled_in="eur")

    assert left_after(dispute("needs_response", -920, settled_in="eur"), won, lost) == 0
    assert left_after(won, lost, dispute("lost", -920, 980, -900, 300, settled_in="eur")) == 110 - 110 * 600 // 900


def test_a_part_that_is_taken_again_takes_everything_though_the_rate_fell_in_between() -> None:
    in_part = dispute("lost", -920, 300, settled_in="eur")

    assert left_after(in_part) == 110 - 110 * 620 // 920
    assert left_after(in_part, dispute("lost", -920, 300, -280, settled_in="eur")) == 0


# --- the money decides


def test_the_fee_of_a_dispute_is_the_shops_affair() -> None:
    opened = dispute("needs_response", -500, cents=500)

    assert left_after(opened) == 110 - 110 * 500 // 999


@pytest.mark.parametrize("status", ["won", "lost", "under_review", "a_status_of_next_year"])
def test_what_stripe_calls_a_dispute_is_not_what_it_takes(status: str) -> None:
    assert left_after(dispute(status, -999, 500, -200)) == 110 - 110 * 699 // 999
    assert left_after(dispute(status, -999, 300)) == 110 - 110 * 699 // 999
    assert left_after(dispute(status, -999, 999)) == 110


def test_a_dispute_takes_no_more_than_its_amount_and_gives_no_more_back() -> None:
    """Stripe adjusts what it withdrew: "Adjustment of lost dispute" is a balance transaction of some real disputes."""
    refunded = refund("re_1", 300)

    assert left_after(dispute("lost", -500, -30, cents=500)) == 110 - 110 * 500 // 999
    assert left_after(dispute("lost", -500, 530, cents=500), refunded) == 110 - 110 * 300 // 999


def test_the_amount_that_counts_is_the_one_shown_with_the_most_money_moved() -> None:
    assert left_after(dispute("needs_response"), dispute("needs_response", -400, cents=400)) == 110 - 110 * 400 // 999


# --- ids


def test_an_open_dispute_told_with_two_amounts_makes_entries_of_different_ids() -> None:
    entries = entries_of(dispute("needs_response", -400, cents=400), dispute("needs_response", -400, cents=999))

    assert [(entry.id, entry.amount) for entry in entries] == [
        ("dispute:dp_1:txn_dp_1_0", -44),
        ("dispute:dp_1:needs_response:999:usd:1", -66),
    ]


def test_a_refund_told_with_two_amounts_makes_entries_of_different_ids() -> None:
    told = [refund("re_1", 200), refund("re_1", 300), total(900), failed("re_2", 200), failed("re_2", 250)]

    assert [(entry.id, entry.amount) for entry in entries_of(*told)] == [
        ("refund:re_1", -22),
        ("refund:re_1:300", -11),
        ("refund:ch_1:900", -66),
        ("refund_failed:re_2", 22),
        ("refund_failed:re_2:failed:250", 6),
    ]


def test_a_fact_that_is_known_makes_no_entry_even_when_the_rules_have_changed() -> None:
    heard = fact_of(refund("re_1", 999))
    assert heard is not None

    assert entry_for(heard[1], PaymentFacts().learn(heard[1]), POPULAR, DETAILS, taken=50) is None


def test_the_next_fact_makes_good_what_older_rules_took() -> None:
    """50 tokens were taken where the rules of today take 54: the next fact's entry takes the rest."""
    known = known_of(total(500))
    heard = fact_of(dispute("needs_response", -499, cents=499))
    assert heard is not None

    entry = entry_for(heard[1], known, POPULAR, DETAILS, taken=50)

    assert entry is not None
    assert entry.amount == -60
    assert entry.details == {
        "packageId": "popular",
        "stripeDisputeId": "dp_1",
        "disputedCents": 499,
        "paymentAmount": -499,
        "currency": "usd",
    }


def test_what_came_before_its_purchase_is_taken_at_once() -> None:
    known = known_of(total(300), failed("re_2", 100), refund("re_1", 200), dispute("lost", -300, 300, cents=300))

    entries = list(entries_at_purchase(known, POPULAR, DETAILS))

    assert [(entry.id, entry.amount) for entry in entries] == [("refund:re_1", -22)]


def test_what_came_before_its_purchase_is_taken_as_its_last_word_says() -> None:
    """The money is back before Stripe says won, at another rate: that is not taken and given back at the purchase."""
    reinstated = dispute("under_review", -920, 870, settled_in="eur")

    assert list(entries_at_purchase(known_of(reinstated), POPULAR, DETAILS))
    won = dispute("won", -920, 870, settled_in="eur")
    assert list(entries_at_purchase(known_of(reinstated, won), POPULAR, DETAILS)) == []


# --- money that went back entirely, tax, parts


def test_a_refund_of_the_tax_alone_takes_nothing() -> None:
    assert left_after(refund("re_1", 83), total(83), sale=TAXED) == 110
    assert left_after(total(83), sale=TAXED) == 110


def test_after_a_refund_of_the_tax_the_rest_is_measured_without_it() -> None:
    tax, half, rest = refund("re_1", 83), refund("re_2", 500), refund("re_3", 499)

    assert left_after(tax, half, sale=TAXED) == 110 - 110 * 500 // 999
    assert left_after(tax, half, rest, sale=TAXED) == 0
    assert left_after(tax, dispute("lost", -999), sale=TAXED) == 0


def test_a_second_refund_of_just_the_taxs_amount_counts() -> None:
    assert left_after(refund("re_1", 83), refund("re_2", 83), sale=TAXED) == 110 - 110 * 83 // 999


def test_a_dispute_lost_in_part_takes_its_part() -> None:
    assert left_after(dispute("needs_response", -999), dispute("lost", -999, 300)) == 110 - 110 * 699 // 999


def test_a_whole_dispute_after_a_part_refund_won_back_for_that_part_takes_everything() -> None:
    """Source: https://support.stripe.com/questions/dispute-for-full-charge-amount-after-a-partial-refund-was-issued"""
    assert left_after(refund("re_1", 300), dispute("lost", -999, 300)) == 0


def test_small_parts_are_added_before_they_are_rounded() -> None:
    """Each alone is worth no token; together they are all the money."""
    sale = Sale(tokens=3, paid_cents=9, tax_cents=0, currency="usd")

    assert left_after(refund("re_1", 2), refund("re_2", 2), dispute("lost", -5, cents=5), sale=sale) == 0
    assert left_after(refund("re_1", 2), dispute("lost", -2, cents=2), sale=sale) == 2


def test_several_disputes_add_up_and_never_take_more_than_was_bought() -> None:
    first, second = dispute("lost", -400, cents=400), dispute("lost", -500, cents=500, id_="dp_2")

    assert left_after(first, second) == 110 - 110 * 900 // 999
    assert left_after(first, second, refund("re_1", 999)) == 0


# --- malformed events


@pytest.mark.parametrize(
    ("malformed", "field"),
    [
        ({**total(1), "data": {}}, "data.object"),
        ({**total(1), "data": {"object": "ch_1"}}, "data.object"),
        (event("charge.refunded", object="charge", id="ch_1"), "charge.amount_refunded"),
        (event("charge.refunded", object="charge", id="ch_1", amount_refunded=True), "charge.amount_refunded"),
        (event("charge.refunded", object="charge", id="ch_1", amount_refunded=-1), "charge.amount_refunded"),
        (event("charge.refunded", object="charge", id="ch_1", amount_refunded=10**16), "charge.amount_refunded"),
        (event("charge.refunded", object="charge", amount_refunded=1), "charge.id"),
        (event("charge.refunded", object="charge", id="../users/eve", amount_refunded=1), "charge.id"),
        (event("refund.created", object="refund", id="re_1", payment_intent={"id": "pi_1"}), "refund.payment_intent"),
        (event("refund.failed", object="refund", id="re_1", status="failed"), "refund.amount"),
        (event("charge.dispute.created", object="dispute", id="dp_1"), "dispute.amount"),
    ],
    ids=str,
)
def test_an_event_that_lacks_a_field_is_malformed(malformed: Event, field: str) -> None:
    with pytest.raises(MalformedMessage, match=field):
        fact_of(malformed)


def test_a_dispute_without_balance_transactions_has_moved_no_money() -> None:
    silent = dispute("lost", -999)
    del silent["data"]["object"]["balance_transactions"]

    assert fact_of(silent) == fact_of(dispute("lost"))


@pytest.mark.parametrize("field", ["id", "amount", "currency", "status", "balance_transactions"])
@pytest.mark.parametrize("value", [{"expanded": True}, ["list"], 1.5])
def test_a_dispute_with_a_field_of_the_wrong_kind_is_malformed(field: str, value: object) -> None:
    malformed = dispute("lost", -999)
    malformed["data"]["object"][field] = value

    with pytest.raises(MalformedMessage):
        fact_of(malformed)


@pytest.mark.parametrize("field", ["id", "amount", "currency"])
def test_a_balance_transaction_without_a_field_is_malformed(field: str) -> None:
    malformed = dispute("lost", -999)
    del malformed["data"]["object"]["balance_transactions"][0][field]

    with pytest.raises(MalformedMessage, match=field):
        fact_of(malformed)


def test_other_events_and_charges_without_a_payment_intent_say_nothing() -> None:
    assert fact_of({"type": "charge.updated", "data": {"object": {}}}) is None
    assert fact_of(event("charge.refunded", payment_intent=None)) is None


@pytest.mark.parametrize("type_", sorted(DISPUTE_EVENTS))
def test_every_event_of_a_dispute_says_the_same(type_: str) -> None:
    one = dispute("needs_response", -999)

    assert fact_of({**one, "type": type_}) == fact_of(one)


def test_a_dispute_that_is_not_about_a_card_has_no_case_type() -> None:
    klarna = dispute("lost", -999)
    klarna["data"]["object"]["payment_method_details"] = {"type": "klarna", "klarna": {"reason_code": "x"}}

    assert left_after(klarna) == 0
    assert alert_after(klarna).evidence["caseTypes"] == []


def test_the_facts_of_a_payment_are_bounded() -> None:
    known = PaymentFacts(frozenset(RefundMade(f"re_{number}", 1) for number in range(FACTS_MAX)))

    assert known.learn(RefundMade("re_0", 1)) is known
    with pytest.raises(MalformedMessage, match=f"More than {FACTS_MAX}"):
        known.learn(RefundMade("re_new", 1))


# --- what version 0.1 stored


def stored_by_first_version(**stored: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"refunded": None, "failed": {}, "disputes": {}, **stored}


def disputed_in_first_version(outcome: str) -> dict[str, Any]:
    return stored_by_first_version(disputes={"dp_1": {"dispute_id": "dp_1", "cents": 999, "outcome": outcome}})


@pytest.mark.parametrize(("failed_at", "left"), [(90, 0), (100, 110), (110, 110)])
def test_a_failure_counted_in_version_01_when_it_was_not_before_the_total(failed_at: int, left: int) -> None:
    stored = stored_by_first_version(
        refunded={"charge_id": "ch_1", "cents": 999, "at": 100},
        failed={"re_1": {"refund_id": "re_1", "cents": 999, "at": failed_at}},
    )

    assert 110 - taken_by_first_version(stored, tokens=110, paid_cents=999) == left
    assert 110 - facts_from_first_version(stored).taken(POPULAR) == left


@pytest.mark.parametrize(("outcome", "left"), [("open", 0), ("lost", 0), ("won", 110)])
def test_a_dispute_of_version_01_counts_as_it_did(outcome: str, left: int) -> None:
    stored = disputed_in_first_version(outcome)

    assert 110 - taken_by_first_version(stored, tokens=110, paid_cents=999) == left
    assert 110 - facts_from_first_version(stored).taken(POPULAR) == left
    (alert,) = alerts_of("ada", "pi_1", facts_from_first_version(stored))
    assert alert.evidence["outcome"] == ("won" if left else "withdrawn")


@pytest.mark.parametrize("outcome", ["open", "lost"])
def test_what_version_01_presumed_ends_with_the_first_word_about_money(outcome: str) -> None:
    presumed = facts_from_first_version(disputed_in_first_version(outcome))

    def left_with(later: Event) -> int:
        heard = fact_of(later)
        assert heard is not None
        return 110 - presumed.learn(heard[1]).taken(POPULAR)

    assert left_with(dispute("under_review")) == 0
    assert left_with(dispute("won", -999, 999)) == 110
    assert left_with(dispute("lost", -999, 300)) == 110 - 110 * 699 // 999
    assert left_with(dispute("warning_closed")) == 110


def test_what_version_01_presumed_before_its_purchase_is_taken_with_it() -> None:
    (entry,) = entries_at_purchase(PaymentFacts(frozenset({PresumedDispute("dp_1", 999)})), POPULAR, DETAILS)

    assert (entry.id, entry.type, entry.amount) == ("dispute:dp_1:presumed:999", "dispute", -110)


def test_a_payment_that_version_01_rounded_twice_leaves_no_token_when_all_money_goes() -> None:
    """Each of two parts of 16 cents was worth 1 token; together they are worth 3."""
    stored = stored_by_first_version(
        refunded={"charge_id": "ch_1", "cents": 16, "at": 1},
        disputes={"dp_1": {"dispute_id": "dp_1", "cents": 16, "outcome": "lost"}},
    )
    taken = taken_by_first_version(stored, tokens=110, paid_cents=999)
    known = facts_from_first_version(stored)
    heard = fact_of(total(999))
    assert heard is not None

    entry = entry_for(heard[1], known, POPULAR, DETAILS, taken=taken)

    assert (taken, known.taken(POPULAR)) == (2, 3)
    assert entry is not None
    assert taken - entry.amount == 110
