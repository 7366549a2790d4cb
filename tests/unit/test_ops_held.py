"""held release and held reject: what a person decides is done once, whole, and can be looked up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from google.api_core import exceptions as google_errors

from ops.alert_record import Attribution
from ops.decisions import Refund
from shared.domain.catalog import Catalog, Terms
from shared.domain.crediting import AlreadyHeld, Credited, Duplicate, Held, alert_of
from shared.domain.errors import Conflict
from shared.domain.limits import Limits
from shared.domain.payment_events import fact_of_dispute
from shared.domain.payment_facts import BalanceTransaction, DisputeState, RefundedTotal, RefundFailed, RefundMade
from shared.domain.purchase import Hold, HoldReason, assess_session
from shared.domain.reversing import Noted, NothingNew, Reversed
from shared.runtime.catalog_file import load_catalog
from tests.fakes.firestore import FakeFirestore, Write, WriteResult
from tests.fakes.gateway import FakeGateway
from tests.operators import WHO_AND_WHY, Operator
from tests.purchases import NO_LIMITS, PAID_AT, purchase
from tests.stripe_events import session_of

FIVE_PER_HOUR = Limits(per_hour=5, per_day=20)
SESSION = "cs_held"
PAYMENT = "pi_held"
WON = DisputeState(
    dispute_id="dp_1",
    cents=499,
    currency="usd",
    status="won",
    case_type="chargeback",
    transactions=frozenset(
        {BalanceTransaction("txn_dp_1_0", -499, "usd"), BalanceTransaction("txn_dp_1_1", 499, "usd")}
    ),
)
WITHDRAWN = frozenset({BalanceTransaction("txn_dp_1_0", -999, "usd")})


class Overtaken(FakeFirestore):
    """A database in which something else happens just before the next commit."""

    meanwhile: Callable[[], object] | None = None

    def commit(self, writes: list[Write]) -> list[WriteResult]:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        return super().commit(writes)


@pytest.fixture
def operator() -> Operator:
    return Operator()


def hold(
    operator: Operator,
    *,
    reason: HoldReason = HoldReason.TERMS_MISMATCH,
    uid: str | None = "ada",
    **changes: Any,  # noqa: ANN401 - what Stripe sent
) -> Hold:
    """Hold a purchase of `popular` at its price that claims 99999 tokens, unless told otherwise."""
    claimed = {
        "packageId": "popular",
        "tokens": "99999",
        "amountTotal": 999,
        "amountSubtotal": 999,
        "currency": "usd",
        "customerId": "cus_ada",
        "paymentIntentId": PAYMENT,
        "livemode": False,
    }
    held = Hold(SESSION, reason, "Package validation failed", uid, PAID_AT, {**claimed, **changes})
    assert operator.ledger.hold(held) == Held(held, alert_of(held))
    return held


def over_the_limit(operator: Operator) -> None:
    for _ in range(FIVE_PER_HOUR.per_hour):
        operator.ledger.credit(purchase(), FIVE_PER_HOUR)
    sixth = purchase(SESSION, payment_intent_id=PAYMENT)
    assert isinstance(operator.ledger.credit(sixth, FIVE_PER_HOUR), Held)


def held_document(operator: Operator) -> dict[str, Any]:
    fields = operator.database.fields_of(f"held_purchases/{SESSION}")
    assert fields is not None
    return fields


def refused(operator: Operator, *words: str) -> str:
    return operator.refused("held", *words, *WHO_AND_WHY, "--yes", "--json")


# --- release


def test_a_release_credits_the_terms_at_the_paid_price_never_the_claim(operator: Operator) -> None:
    hold(operator)

    done = operator.change("held", "release", SESSION)

    assert (done["before"]["balance"], done["after"]["balance"]) == (0, 110)
    assert (done["before"]["status"], done["after"]["status"]) == ("held", "released")
    entry = operator.ledger.get_by_stripe_session(SESSION)
    assert entry is not None
    assert (entry.type, entry.amount, entry.uid) == ("purchase", 110, "ada")
    assert entry.details["bonus"] == 10


def test_a_releases_record_says_who_and_why_and_its_entry_does_not(operator: Operator) -> None:
    claimed = hold(operator)

    operator.change("held", "release", SESSION)

    entry = operator.ledger.get_by_stripe_session(SESSION)
    assert entry is not None
    assert entry.details["released"] is True
    assert not {"Grace", "ticket 7", claimed.reason.value} & set(map(str, entry.details.values()))
    record = operator.operator_ledger.alert(entry.details["operatorAction"])
    assert (record.id, record.type, record.status) == (f"operator:purchase:{SESSION}", "operator_action", "closed")
    assert (record.evidence["operator"], record.evidence["reason"]) == ("Grace", "ticket 7")


def test_a_release_closes_the_hold_its_alert_and_the_open_purchase(operator: Operator) -> None:
    hold(operator)

    operator.change("held", "release", SESSION)

    held = held_document(operator)
    assert (held["status"], held["decidedBy"], held["decisionReason"]) == ("released", "Grace", "ticket 7")
    assert (held["releasedTokens"], held["releasedTo"]) == (110, "ada")
    alert = operator.operator_ledger.alert(f"held:{SESSION}")
    assert (alert.status, alert.closed_by, alert.close_reason) == ("closed", "Grace", "ticket 7")
    assert operator.ledger.account("ada").open_purchases == {}


def test_a_release_does_not_count_for_the_limits(operator: Operator) -> None:
    """A person has looked at it: it must not cause the buyer's next purchase to be held."""
    over_the_limit(operator)
    before = operator.ledger.account("ada").recent_purchases

    operator.change("held", "release", SESSION)

    assert operator.ledger.account("ada").balance == 6 * 110
    assert operator.ledger.account("ada").recent_purchases == before


def test_a_release_twice_credits_once(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "release", SESSION)
    before = operator.documents()

    assert "nothing changed" in operator.change("held", "release", SESSION)["outcome"]
    assert operator.documents() == before


def test_a_release_again_with_other_tokens_is_a_conflict(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "release", SESSION)

    assert "exists with other contents: amount" in refused(operator, "release", SESSION, "--tokens", "50")


@pytest.mark.parametrize(("who", "why", "other"), [("Linus", "ticket 7", "operator"), ("Grace", "ticket 8", "reason")])
def test_a_release_again_by_somebody_else_or_for_another_reason_is_a_conflict(
    operator: Operator, who: str, why: str, other: str
) -> None:
    hold(operator)
    operator.change("held", "release", SESSION)

    words = ("held", "release", SESSION, "--operator", who, "--reason", why, "--yes", "--json")
    assert operator.refused(*words).endswith(f"exists with other contents: {other}")


def test_a_release_whose_acknowledgement_was_lost_credits_once(operator: Operator) -> None:
    hold(operator)
    operator.database.lose_next_acknowledgement(google_errors.ServiceUnavailable("lost"))

    done = operator.change("held", "release", SESSION)

    assert done["after"]["balance"] == 110
    assert len(list(operator.operator_ledger.entries("ada"))) == 1


def test_replays_after_a_release_are_duplicates(operator: Operator) -> None:
    """Even of a session whose claim is not what was credited: it is not a conflict, a person decided on it."""
    claimed = hold(operator)
    operator.change("held", "release", SESSION)
    before = operator.documents()

    assert isinstance(operator.ledger.hold(claimed), Duplicate)
    assert isinstance(operator.ledger.credit(purchase(SESSION, tokens=250), NO_LIMITS), Duplicate)
    assert operator.documents() == before


@pytest.mark.parametrize("limits", [FIVE_PER_HOUR, NO_LIMITS])
def test_replays_after_the_release_of_one_too_many_are_duplicates(operator: Operator, limits: Limits) -> None:
    over_the_limit(operator)
    operator.change("held", "release", SESSION)

    outcome = operator.ledger.credit(purchase(SESSION, payment_intent_id=PAYMENT), limits)

    assert isinstance(outcome, Duplicate)
    assert operator.ledger.account("ada").balance == 6 * 110


def test_a_refund_known_before_the_release_is_taken_back_with_it(operator: Operator) -> None:
    hold(operator)
    operator.ledger.reverse("ada", PAYMENT, RefundedTotal("ch_1", 500))
    operator.ledger.reverse("ada", PAYMENT, WON)

    done = operator.change("held", "release", SESSION)

    assert done["after"]["balance"] == 110 - 110 * 500 // 999
    assert [entry.type for entry in operator.operator_ledger.entries("ada")] == ["refund", "purchase"]


@pytest.mark.parametrize("named", [True, False])
def test_a_refund_that_arrives_while_a_purchase_is_being_released_is_taken_back(*, named: bool) -> None:
    """Whether or not its event names the buyer: the release and the refund write the same record of the payment."""
    database = Overtaken()
    operator = Operator(database=database)
    operator.ledger.credit(purchase("cs_1"), NO_LIMITS)
    hold(operator, uid="ada" if named else None)
    other, refund = operator.ledger, RefundedTotal("ch_1", 500)
    database.meanwhile = lambda: other.reverse("ada", PAYMENT, refund) if named else other.note_fact(PAYMENT, refund)

    operator.change("held", "release", SESSION, "--user", "ada")

    assert database.meanwhile is None
    assert operator.ledger.account("ada").balance == 110 + 110 - 110 * 500 // 999


def test_a_refund_after_the_release_takes_its_share(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "release", SESSION)

    outcome = operator.ledger.reverse("ada", PAYMENT, RefundedTotal("ch_1", 999))

    assert isinstance(outcome, Reversed)
    assert operator.ledger.account("ada").balance == 0


@pytest.mark.parametrize(
    ("happens_at", "taken"),
    [
        (lambda stripe: stripe.refund(PAYMENT, 999), 110),
        (lambda stripe: stripe.refund(PAYMENT, 100), 110 * 100 // 999),
        (lambda stripe: stripe.dispute(PAYMENT, "dp_1", "needs_response", -999), 110),
        (lambda stripe: stripe.dispute(PAYMENT, "dp_1", "lost", -999), 110),
        (lambda stripe: stripe.dispute(PAYMENT, "dp_1", "won", -999, 999), 0),
        (lambda stripe: stripe.dispute(PAYMENT, "dp_1", "warning_needs_response"), 0),
    ],
    ids=["refunded", "refunded in part", "disputed", "lost", "won", "inquiry"],
)
def test_what_stripe_reports_is_taken_back_with_the_release_though_no_event_told(
    operator: Operator, happens_at: Callable[[FakeGateway], object], taken: int
) -> None:
    """A hold that names no buyer can be released and closed, whatever became of its payment."""
    operator.ledger.credit(purchase(), NO_LIMITS)
    hold(operator, reason=HoldReason.MISSING_METADATA, uid=None)
    happens_at(operator.stripe)

    done = operator.change("held", "release", SESSION, "--user", "ada")

    assert done["after"]["balance"] == 110 + 110 - taken
    assert held_document(operator)["status"] == "released"
    assert operator.read("audit", "ada")["faulty"] == []


def test_the_event_of_what_a_release_took_back_is_nothing_new(operator: Operator) -> None:
    hold(operator)
    refund = operator.stripe.refund(PAYMENT, 500)
    operator.stripe.dispute(PAYMENT, "dp_1", "needs_response", -499, cents=499)
    operator.change("held", "release", SESSION)
    [state] = map(fact_of_dispute, operator.stripe.reversals_of_payment(PAYMENT)[1])

    assert operator.ledger.reverse("ada", PAYMENT, RefundMade(refund, 500)) == NothingNew()
    assert operator.ledger.reverse("ada", PAYMENT, RefundedTotal("ch_1", 500)) == Noted(())
    assert operator.ledger.reverse("ada", PAYMENT, state) == NothingNew()

    assert operator.ledger.account("ada").balance == 0
    assert operator.operator_ledger.alert("dispute:dp_1").status == "open"


@pytest.mark.parametrize(("status", "expected"), [("lost", "closed"), ("won", "open")])
def test_an_alert_that_was_closed_opens_again_only_for_another_outcome(
    operator: Operator, status: str, expected: str
) -> None:
    hold(operator)
    operator.ledger.reverse("ada", PAYMENT, replace(WON, status="needs_response", cents=999, transactions=WITHDRAWN))
    operator.change("alerts", "close", "dispute:dp_1")
    operator.stripe.dispute(PAYMENT, "dp_1", status, *([-999] if status == "lost" else [-999, 999]))

    operator.change("held", "release", SESSION)

    alert = operator.operator_ledger.alert("dispute:dp_1")
    assert (alert.status, alert.evidence["statuses"]) == (expected, sorted({"needs_response", status}))


def test_facts_noted_for_nobody_are_taken_back_with_the_release(operator: Operator) -> None:
    """The dispute was lost before anybody knew whose purchase it was: Stripe refuses a refund, a release is exact."""
    operator.ledger.credit(purchase(), NO_LIMITS)
    hold(operator, uid=None)
    operator.ledger.note_fact(PAYMENT, replace(WON, status="lost", cents=999, transactions=WITHDRAWN))

    done = operator.change("held", "release", SESSION, "--user", "ada")

    assert (done["after"]["balance"], done["after"]["status"]) == (110, "released")
    assert operator.ledger.facts_of_payment(PAYMENT).disputes["dp_1"].statuses == {"lost"}


def test_a_second_dispute_is_seen_beside_one_that_was_won(operator: Operator) -> None:
    hold(operator)
    operator.ledger.reverse("ada", PAYMENT, WON)
    operator.stripe.dispute(PAYMENT, "dp_1", "won", -499, 499, cents=499)
    operator.stripe.dispute(PAYMENT, "dp_2", "needs_response", -999)

    assert operator.change("held", "release", SESSION)["after"]["balance"] == 0


def test_a_refund_of_the_tax_alone_takes_no_tokens_of_a_released_purchase(operator: Operator) -> None:
    hold(operator, amountTotal=1082, amountTax=83)
    operator.stripe.refund(PAYMENT, 83)

    assert operator.change("held", "release", SESSION)["after"]["balance"] == 110


def test_what_is_known_is_taken_back_once_though_stripe_reports_it_too(operator: Operator) -> None:
    hold(operator)
    refund = operator.stripe.refund(PAYMENT, 500)
    operator.ledger.reverse("ada", PAYMENT, RefundMade(refund, 500))
    operator.ledger.reverse("ada", PAYMENT, RefundedTotal("ch_1", 500))

    assert operator.change("held", "release", SESSION)["after"]["balance"] == 110 - 110 * 500 // 999


def test_the_operator_is_told_what_a_release_takes_back_at_once(operator: Operator) -> None:
    hold(operator)
    operator.stripe.refund(PAYMENT, 500)

    prompt = operator.run("held", "release", SESSION, *WHO_AND_WHY, answer="n\n").stderr

    assert f"Credit 110 tokens to ada for {SESSION}, of which refunds and disputes take back 55 at once in" in prompt


@pytest.mark.parametrize(
    ("reason", "changes", "options", "message"),
    [
        (HoldReason.MISSING_METADATA, {"packageId": None}, (), "give --tokens"),
        (HoldReason.UNKNOWN_PACKAGE, {"packageId": "gold"}, (), "give --tokens"),
        (HoldReason.TERMS_MISMATCH, {"amountSubtotal": 1, "amountTotal": 1}, (), "give --tokens"),
        (HoldReason.TERMS_MISMATCH, {"currency": "eur"}, (), "give --tokens"),
        (HoldReason.TERMS_MISMATCH, {"amountTotal": 500}, (), "give --tokens"),
        (HoldReason.DISCOUNT_NOT_ALLOWED, {"tokens": "110"}, (), "give --tokens"),
        (HoldReason.MALFORMED_SESSION, {"amountTotal": "999"}, ("--tokens", "5"), "cannot be read"),
        (HoldReason.MALFORMED_SESSION, {"amountSubtotal": None}, ("--tokens", "5"), "cannot be read"),
        (HoldReason.TERMS_MISMATCH, {"amountTotal": 0}, ("--tokens", "5"), "cannot be read"),
        (HoldReason.WRONG_LIVEMODE, {"tokens": "110"}, ("--tokens", "5"), "other mode"),
        (HoldReason.TERMS_MISMATCH, {}, ("--user", "bob"), "was paid by user ada, not bob"),
        (HoldReason.TERMS_MISMATCH, {}, ("--tokens", "0"), "is not between 1 and"),
        (HoldReason.TERMS_MISMATCH, {}, ("--tokens", "-5"), "between 1 and"),
    ],
)
def test_what_nobody_can_tell_is_not_guessed(
    operator: Operator, reason: HoldReason, changes: dict[str, Any], options: tuple[str, ...], message: str
) -> None:
    hold(operator, reason=reason, **changes)

    assert message in refused(operator, "release", SESSION, *options)


def test_the_operator_says_what_the_terms_leave_open(operator: Operator) -> None:
    hold(operator, reason=HoldReason.UNKNOWN_PACKAGE, packageId="gold")

    assert operator.change("held", "release", SESSION, "--tokens", "77")["after"]["balance"] == 77


def test_terms_that_gave_different_numbers_at_one_price_are_not_guessed(operator: Operator) -> None:
    popular = operator.catalog.packages[1]
    former = Terms(tokens=100, bonus=0, price_cents=999, currency="usd", ended=date(2026, 1, 1))
    operator.catalog = Catalog("default", (replace(popular, terms=(former, *popular.terms)),))
    hold(operator)

    assert "give --tokens" in refused(operator, "release", SESSION)


@pytest.mark.parametrize(("currency", "paid", "shown"), [("jpy", 1500, "1,500 JPY"), ("eur", 949, "9.49 EUR")])
def test_a_purchase_in_another_currency_is_released_by_its_price_there(
    operator: Operator, currency: str, paid: int, shown: str
) -> None:
    operator.catalog = load_catalog("international")
    hold(operator, currency=currency, amountTotal=paid, amountSubtotal=paid)

    assert shown in operator.run("held", "list").stdout
    assert operator.change("held", "release", SESSION)["after"]["balance"] == 110


def test_a_session_that_names_no_buyer_needs_one_that_exists(operator: Operator) -> None:
    operator.ledger.credit(purchase(uid="bob"), NO_LIMITS)
    hold(operator, reason=HoldReason.MISSING_METADATA, uid=None)

    assert "give --user" in refused(operator, "release", SESSION)
    assert "There is no user eve" in refused(operator, "release", SESSION, "--user", "eve")
    operator.change("held", "release", SESSION, "--user", "bob")

    assert operator.ledger.account("bob").balance == 220
    assert held_document(operator)["releasedTo"] == "bob"


def test_the_release_of_an_unknown_session_is_refused(operator: Operator) -> None:
    assert refused(operator, "release", "cs_none") == "Error: There is no held purchase cs_none"


def test_of_a_release_and_a_rejection_at_once_one_wins(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "release", SESSION)

    with pytest.raises(Conflict, match="was released by Grace"):
        operator.operator_ledger.reject(SESSION, Attribution("Linus", "forged"), Refund())


# --- reject


def test_a_rejection_refunds_and_closes(operator: Operator) -> None:
    hold(operator)

    done = operator.change("held", "reject", SESSION)

    assert operator.stripe.requests == [(PAYMENT, f"reject:{SESSION}")]
    assert done["outcome"] == f"{SESSION} rejected, refunded as re_1"
    held = held_document(operator)
    assert (held["status"], held["decidedBy"], held["refundId"]) == ("rejected", "Grace", "re_1")
    assert operator.ledger.account("ada").open_state(SESSION) == "rejected"
    assert operator.operator_ledger.alert(f"held:{SESSION}").status == "closed"


def test_no_replay_credits_a_rejected_purchase(operator: Operator) -> None:
    claimed = hold(operator)
    operator.change("held", "reject", SESSION)
    before = operator.documents()

    assert operator.ledger.hold(claimed) == AlreadyHeld(SESSION)
    assert operator.ledger.credit(purchase(SESSION), NO_LIMITS) == AlreadyHeld(SESSION)
    assert not operator.ledger.set_open_purchase("ada", SESSION, "waiting")
    assert operator.documents() == before


def test_the_refunds_own_event_changes_no_balance(operator: Operator) -> None:
    operator.ledger.credit(purchase(), NO_LIMITS)
    hold(operator)
    operator.change("held", "reject", SESSION)

    outcome = operator.ledger.reverse("ada", PAYMENT, RefundedTotal("ch_1", 999))

    assert outcome == Noted(())
    assert operator.ledger.account("ada").balance == 110
    assert [entry.type for entry in operator.operator_ledger.entries("ada")] == ["purchase"]


def test_a_rejection_that_was_interrupted_after_its_refund_is_run_again(operator: Operator) -> None:
    hold(operator)
    operator.database.refuse_next_commit(google_errors.PermissionDenied("no"))
    first = operator.run("held", "reject", SESSION, *WHO_AND_WHY, "--yes")
    assert (first.exit_code, held_document(operator)["status"]) == (1, "held")

    operator.change("held", "reject", SESSION)

    assert operator.stripe.requests == [(PAYMENT, f"reject:{SESSION}")]
    assert held_document(operator)["status"] == "rejected"


def test_a_rejection_that_stripe_refuses_changes_nothing_and_says_why(operator: Operator) -> None:
    hold(operator)
    operator.stripe.refused_with = "insufficient_funds"

    assert refused(operator, "reject", SESSION) == "Error: Stripe refused the request: insufficient_funds"


def test_a_disputed_payment_is_rejected_without_a_refund_once_the_operator_says_so(operator: Operator) -> None:
    hold(operator, uid=None)
    operator.stripe.dispute(PAYMENT, "dp_1", "lost", -999)
    operator.stripe.refused_with = "charge_disputed"
    assert "charge_disputed" in (message := refused(operator, "reject", SESSION))
    assert "--no-refund" in message

    done = operator.change("held", "reject", SESSION, "--no-refund")

    assert done["outcome"] == f"{SESSION} rejected, not refunded (--no-refund)"
    assert (held_document(operator)["status"], operator.stripe.requests) == ("rejected", [])
    assert operator.operator_ledger.alert(f"held:{SESSION}").status == "closed"


@pytest.mark.parametrize(
    ("happens_at", "question"),
    [
        (lambda stripe: None, "refund 9.99 USD in project"),
        (lambda stripe: stripe.refund(PAYMENT, 100), "refund 8.99 USD (1.00 USD refunded before) in project"),
        (lambda stripe: stripe.refund(PAYMENT, 999), "refund nothing (9.99 USD refunded before) in project"),
        (lambda stripe: stripe.fail(stripe.refund(PAYMENT, 100)), "refund 9.99 USD in project"),
        (
            lambda stripe: stripe.dispute(PAYMENT, "dp_1", "needs_response", -999),
            "refund 9.99 USD (dp_1 withdrawn) in project",
        ),
    ],
    ids=["nothing", "refunded in part", "refunded", "failed refund", "disputed"],
)
def test_a_rejection_asks_for_what_is_left_to_refund(
    operator: Operator, happens_at: Callable[[FakeGateway], object], question: str
) -> None:
    hold(operator)
    happens_at(operator.stripe)

    prompt = operator.run("held", "reject", SESSION, *WHO_AND_WHY, answer="n\n").stderr

    assert f"Reject {SESSION}: {question}" in prompt


def test_a_rejection_without_a_refund_asks_for_none(operator: Operator) -> None:
    hold(operator)

    prompt = operator.run("held", "reject", SESSION, "--no-refund", *WHO_AND_WHY, answer="n\n").stderr

    assert f"Reject {SESSION}: not refunded (--no-refund) in project" in prompt


def test_a_rejection_twice_refunds_once(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "reject", SESSION)
    before = operator.documents()

    assert "nothing changed" in operator.change("held", "reject", SESSION)["outcome"]
    assert (len(operator.stripe.requests), operator.documents()) == (1, before)


def test_what_was_decided_stays_decided(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "reject", SESSION)

    assert "was rejected by Grace" in refused(operator, "release", SESSION)


@pytest.mark.parametrize("heard", [True, False])
def test_what_was_rejected_can_be_released_once_its_refund_has_failed(operator: Operator, *, heard: bool) -> None:
    """The balance ends the same whether the ledger has heard of the failure or hears of it later."""
    hold(operator)
    operator.change("held", "reject", SESSION)
    operator.ledger.reverse("ada", PAYMENT, RefundedTotal("ch_1", 999))
    failed = RefundFailed("re_1", 999, "failed")
    operator.stripe.fail("re_1")

    if heard:
        operator.ledger.reverse("ada", PAYMENT, failed)
    operator.change("held", "release", SESSION)
    if not heard:
        assert operator.ledger.reverse("ada", PAYMENT, failed) == NothingNew()

    account = operator.ledger.account("ada")
    assert (account.balance, account.open_purchases) == (110, {})
    assert held_document(operator)["status"] == "released"
    assert "nothing changed" in operator.change("held", "release", SESSION)["outcome"]
    assert "was released by Grace" in refused(operator, "reject", SESSION)


def test_what_was_rejected_after_a_part_refund_can_be_released_once_the_rest_has_failed(operator: Operator) -> None:
    hold(operator)
    operator.stripe.refund(PAYMENT, 100)
    operator.change("held", "reject", SESSION)
    assert "was rejected by Grace" in refused(operator, "release", SESSION)
    operator.stripe.fail("re_2")

    assert operator.change("held", "release", SESSION)["after"]["balance"] == 110 - 110 * 100 // 999


def test_what_was_refunded_again_after_its_refund_failed_stays_rejected(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "reject", SESSION)
    operator.stripe.fail("re_1")
    operator.stripe.refund(PAYMENT, 999)

    assert "was rejected by Grace" in refused(operator, "release", SESSION)


def test_what_was_rejected_without_a_refund_stays_rejected_whatever_failed_before(operator: Operator) -> None:
    hold(operator)
    operator.stripe.fail(operator.stripe.refund(PAYMENT, 999))
    operator.change("held", "reject", SESSION, "--no-refund")

    assert "was rejected by Grace" in refused(operator, "release", SESSION)


def test_what_was_rejected_without_a_payment_on_record_stays_rejected(operator: Operator) -> None:
    """Version 0.1 did not record a payment that it had to ask Stripe for: nothing says that its refund failed."""
    hold(operator, paymentIntentId=None)
    operator.operator_ledger.reject(SESSION, Attribution("Grace", "ticket 7"), Refund(id="re_1"))

    assert "was rejected by Grace" in refused(operator, "release", SESSION)


def test_a_payment_that_stripe_had_to_name_can_be_released_once_its_refund_has_failed(operator: Operator) -> None:
    operator.stripe.sessions[SESSION] = session_of(id=SESSION, payment_intent="pi_asked")
    hold(operator, paymentIntentId=None)
    operator.change("held", "reject", SESSION)
    operator.stripe.fail("re_1")

    assert operator.change("held", "release", SESSION)["after"]["balance"] == 110
    assert operator.ledger.purchase_of_payment("pi_asked") is not None


@pytest.mark.parametrize("changes", [{"amountTotal": 0, "amountSubtotal": 0}, {"amountTotal": 999}])
def test_a_rejection_without_a_refund_stays_decided(operator: Operator, changes: dict[str, Any]) -> None:
    operator.stripe.sessions[SESSION] = session_of(id=SESSION, payment_intent="pi_asked")
    hold(operator, paymentIntentId=None, **changes)
    operator.change("held", "reject", SESSION)

    assert "was rejected by Grace" in refused(operator, "release", SESSION)


def test_a_released_purchase_is_not_rejected(operator: Operator) -> None:
    hold(operator)
    operator.change("held", "release", SESSION)

    assert "was released by Grace" in refused(operator, "reject", SESSION)
    assert operator.stripe.requests == []


def test_a_session_that_names_no_buyer_is_rejected_too(operator: Operator) -> None:
    hold(operator, uid=None)

    operator.change("held", "reject", SESSION)

    assert held_document(operator)["status"] == "rejected"
    assert "nothing changed" in operator.change("held", "reject", SESSION)["outcome"]


def test_what_cost_nothing_is_rejected_without_a_refund(operator: Operator) -> None:
    hold(operator, amountTotal=0, paymentIntentId=None)

    assert operator.change("held", "reject", SESSION)["outcome"].endswith("nothing was paid")
    assert operator.stripe.requests == []


def test_a_payment_of_the_other_mode_is_rejected_without_a_refund(operator: Operator) -> None:
    hold(operator, reason=HoldReason.WRONG_LIVEMODE)

    assert "not refunded" in operator.change("held", "reject", SESSION)["outcome"]
    assert operator.stripe.requests == []


def test_a_payment_that_the_hold_does_not_name_is_asked_of_stripe(operator: Operator) -> None:
    hold(operator, paymentIntentId=None)
    assert "names a payment" in refused(operator, "reject", SESSION)

    operator.stripe.sessions[SESSION] = session_of(id=SESSION, payment_intent="pi_asked")
    operator.change("held", "reject", SESSION)

    assert operator.stripe.requests == [("pi_asked", f"reject:{SESSION}")]


# --- list


def test_held_purchases_are_listed_by_status_and_user(operator: Operator) -> None:
    hold(operator)
    operator.ledger.hold(replace(hold_of_bob(), session_id="cs_bob"))

    assert [one["sessionId"] for one in operator.read("held", "list")] == ["cs_bob", SESSION]
    assert [one["sessionId"] for one in operator.read("held", "list", "--user", "ada")] == [SESSION]
    assert operator.read("held", "list", "--status", "released") == []
    assert [one["sessionId"] for one in operator.read("held", "list", "--limit", "1")] == ["cs_bob"]


def hold_of_bob() -> Hold:
    session = session_of(metadata={"firebase_uid": "bob", "tokens": "abc"})
    verdict = assess_session(session, paid_at=PAID_AT, now=PAID_AT, catalog=Operator().catalog, livemode=False)
    assert isinstance(verdict, Hold)
    return verdict


def test_a_claim_cannot_drive_the_operators_terminal(operator: Operator) -> None:
    hold(operator, tokens="\x1b]0;owned\x07[bold]9[/bold]")

    shown = operator.run("held", "list").stdout

    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]9" in shown


def test_a_valid_purchase_that_was_credited_needs_no_decision(operator: Operator) -> None:
    assert isinstance(operator.ledger.credit(purchase(), NO_LIMITS), Credited)

    assert operator.run("held", "list").stdout == "Purchases: held: none\n"
