"""functions/credit_tokens: what each event comes to, what is said of it, and what Pub/Sub is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions as google_errors
from werkzeug.test import TestResponse

from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.records import records, sentences
from tests.stripe_events import load, push_of, session_event

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}


class NoStripe:
    """A gateway that a purchase must not need: the signed event is the source."""

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        raise AssertionError("A purchase asks nothing of Stripe")


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client())


@pytest.fixture
def function(ledger: Ledger) -> Iterator[Deployed]:
    with deployed("credit_tokens", ENVIRON, parts=(ledger, NoStripe)) as function:
        yield function


def deliver(function: Deployed, event: dict[str, Any]) -> TestResponse:
    return function.post(push_of(event))


def outcome(answer: TestResponse) -> str:
    assert answer.status_code == 200
    assert answer.json is not None
    return str(answer.json["outcome"])


# --- credited


def test_a_paid_purchase_is_credited(function: Deployed, ledger: Ledger) -> None:
    assert outcome(deliver(function, load("completed_paid"))) == "credited"

    account = ledger.account("ada")
    assert (account.balance, account.purchased) == (110, 110)
    entry = ledger.get_by_stripe_session("cs_test_popular")
    assert entry is not None
    assert entry.details["paymentAmountUSD"] == 9.99


def test_a_credit_is_recorded_in_the_words_the_alerts_search_for(
    function: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(function, load("completed_paid"))

    starting, record = records(capsys)
    assert (starting["event"], starting["message"]) == (
        "purchase.processing",
        "Starting token purchase processing - Package: popular, Tokens: 110 - Crediting 110 tokens to user ada",
    )
    assert record.pop("seconds_since_payment") >= 0
    assert record == {
        "severity": "INFO",
        "event": "purchase.credited",
        "message": "Successfully added 110 tokens to user ada - Recorded transaction: purchase:cs_test_popular",
        "package_id": "popular",
        "tokens": 110,
        "balance_after": 110,
        "event_id": "evt_completed_paid",
        "session_id": "cs_test_popular",
        "user_id": "ada",
    }


def test_a_delayed_payment_is_credited_when_it_comes(function: Deployed, ledger: Ledger) -> None:
    assert outcome(deliver(function, load("completed_unpaid"))) == "waiting"
    assert ledger.account("ada").balance == 0

    assert outcome(deliver(function, load("async_payment_succeeded"))) == "credited"
    assert ledger.account("ada").balance == 110


def test_a_delayed_payment_reported_in_the_wrong_order_is_credited_once(function: Deployed, ledger: Ledger) -> None:
    assert outcome(deliver(function, load("async_payment_succeeded"))) == "credited"
    assert outcome(deliver(function, load("completed_unpaid"))) == "waiting"

    account = ledger.account("ada")
    assert (account.balance, account.open_purchases) == (110, {})


def test_a_delayed_payment_that_fails_is_noted_and_credits_nothing(
    function: Deployed, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(function, load("completed_unpaid"))

    assert outcome(deliver(function, load("async_payment_failed"))) == "payment_failed"

    assert ledger.account("ada").balance == 0
    assert sentences(capsys) == [
        ("INFO", "purchase.waiting", "Session cs_test_delayed waits for its payment"),
        ("WARNING", "purchase.payment_failed", "The delayed payment of session cs_test_delayed failed"),
    ]


# --- duplicates


def test_a_purchase_delivered_twenty_times_is_credited_once(
    function: Deployed, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = [outcome(deliver(function, load("completed_paid"))) for _ in range(20)]

    assert outcomes == ["credited"] + ["duplicate"] * 19
    assert ledger.account("ada").balance == 110
    said = {sentence for _, event, sentence in sentences(capsys) if event == "purchase.duplicate"}
    assert said == {"Session cs_test_popular already processed - skipping duplicate"}


def test_another_event_of_the_same_session_is_a_duplicate(function: Deployed) -> None:
    deliver(function, load("completed_paid"))
    resent = {**session_event(), "id": "evt_other", "created": session_event()["created"] + 100}
    resent["type"] = "checkout.session.async_payment_succeeded"

    assert outcome(deliver(function, resent)) == "duplicate"


# --- held


HELD = [
    (session_event(metadata={"tokens": "99999"}), "Package validation failed: 99999 tokens for 999 usd"),
    (session_event(metadata={"package_id": "gold"}), "Package validation failed: no package 'gold'"),
    (session_event(amount_total=1), "Package validation failed: 1 usd paid, 999 due for popular"),
    (session_event(livemode=True), "Package validation failed: livemode is True"),
    (session_event(amount_total=None), "Package validation failed: the session's amount_total cannot be read"),
    (session_event(metadata={"tokens": "many"}), "Invalid token amount: 'many'"),
    (session_event(metadata={"tokens": None}), "Missing required metadata for token purchase: tokens"),
    (session_event(metadata={"firebase_uid": None}), "Missing required metadata for token purchase: firebase_uid"),
]


@pytest.mark.parametrize(("event", "sentence"), HELD, ids=[sentence for _, sentence in HELD])
def test_a_purchase_that_is_not_valid_is_held_with_an_alert(
    function: Deployed,
    firestore: FakeFirestore,
    capsys: pytest.CaptureFixture[str],
    event: dict[str, Any],
    sentence: str,
) -> None:
    assert outcome(deliver(function, event)) == "held"

    assert firestore.paths("transactions") == []
    assert firestore.paths("held_purchases") == ["held_purchases/cs_test_popular"]
    assert firestore.paths("security_alerts") == ["security_alerts/held:cs_test_popular"]
    (severity, name, said), alert = sentences(capsys)
    assert (severity, name) == ("WARNING", "purchase.held")
    assert said.startswith(sentence)
    assert alert == (
        "WARNING", "alert.raised", "Security alert held:cs_test_popular: purchase_invalid, high",
    )  # fmt: skip


def test_a_held_purchase_delivered_again_is_said_to_be_held(
    function: Deployed, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    event = session_event(metadata={"tokens": "99999"})
    deliver(function, event)
    capsys.readouterr()

    assert outcome(deliver(function, event)) == "held"

    assert len(firestore.paths("security_alerts")) == 1
    assert sentences(capsys) == [
        ("INFO", "purchase.duplicate", "Session cs_test_popular already held - skipping duplicate")
    ]


def test_the_sixth_purchase_of_an_hour_is_held(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = [outcome(deliver(function, session_event(id=f"cs_{n}", payment_intent=f"pi_{n}"))) for n in range(6)]

    assert outcomes == ["credited"] * 5 + ["held"]
    assert ledger.account("ada").balance == 550
    assert firestore.paths("held_purchases") == ["held_purchases/cs_5"]
    assert sentences(capsys)[-2:] == [
        ("WARNING", "purchase.held", "Rate limit exceeded: user ada bought too often"),
        ("WARNING", "alert.raised", "Security alert held:cs_5: purchase_limit_exceeded, medium"),
    ]


def test_the_limits_are_settings(ledger: Ledger) -> None:
    environ = {**ENVIRON, "MAX_PURCHASES_PER_HOUR": "1"}
    with deployed("credit_tokens", environ, parts=(ledger, NoStripe)) as function:
        outcomes = [outcome(deliver(function, session_event(id=f"cs_{n}"))) for n in range(2)]

    assert outcomes == ["credited", "held"]


def test_a_discount_is_held_while_no_package_allows_promotions(function: Deployed) -> None:
    assert outcome(deliver(function, load("completed_discounted"))) == "held"
    assert outcome(deliver(function, load("completed_free"))) == "held"


def test_tax_is_not_a_reason_to_hold(function: Deployed) -> None:
    assert outcome(deliver(function, load("completed_taxed"))) == "credited"


# --- conflicts, faults, strangers


def test_a_session_that_claims_something_else_later_is_loud_and_changes_nothing(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(function, load("completed_paid"))
    capsys.readouterr()
    other = session_event(metadata={"firebase_uid": "bob"})

    assert outcome(deliver(function, other)) == "conflict"

    assert (ledger.account("ada").balance, ledger.account("bob").balance) == (110, 0)
    alert = firestore.fields_of("security_alerts/conflict:evt_completed_paid")
    assert alert is not None
    assert (alert["type"], alert["severity"]) == ("ledger_conflict", "critical")
    _, record, alert_record = records(capsys)
    assert (alert_record["event"], alert_record["alert_id"]) == ("alert.raised", "conflict:evt_completed_paid")
    assert (record["severity"], record["event"]) == ("ERROR", "ledger.conflict")
    assert "purchase:cs_test_popular exists with other contents" in record["message"]


def test_a_conflict_delivered_again_raises_no_second_alert(function: Deployed, firestore: FakeFirestore) -> None:
    deliver(function, load("completed_paid"))
    other = session_event(metadata={"firebase_uid": "bob"})
    deliver(function, other)
    deliver(function, other)

    assert len(firestore.paths("security_alerts")) == 1


def test_firestore_away_is_503_and_the_next_delivery_credits(
    function: Deployed, firestore: FakeFirestore, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    firestore.away = True
    assert deliver(function, load("completed_paid")).status_code == 503
    severity, name, said = sentences(capsys)[1]
    assert (severity, name, said) == ("ERROR", "purchase.failed", "Failed to credit 110 tokens to user ada")

    firestore.away = False
    assert outcome(deliver(function, load("completed_paid"))) == "credited"
    assert ledger.account("ada").balance == 110


def test_a_hold_that_cannot_be_written_is_503(function: Deployed, firestore: FakeFirestore) -> None:
    firestore.away = True

    assert deliver(function, session_event(metadata={"tokens": "99999"})).status_code == 503


@pytest.mark.parametrize("body", [b"", b"{}", b"hello", b'{"message":{"data":"e30="}}'])
def test_a_message_that_is_not_an_event_is_recorded_and_acknowledged(
    function: Deployed, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    assert outcome(function.post(data=body, content_type="application/json")) == "malformed"
    [(severity, name, _)] = sentences(capsys)
    assert (severity, name) == ("ERROR", "event.malformed")


@pytest.mark.parametrize("event", [load("completed_other_product"), {**load("completed_paid"), "type": "plan.created"}])
def test_what_is_not_ours_is_acknowledged_and_left_alone(
    function: Deployed, firestore: FakeFirestore, event: dict[str, Any]
) -> None:
    assert outcome(deliver(function, event)) == "ignored"
    assert firestore.writes == 0


def test_only_post_is_allowed(function: Deployed) -> None:
    assert function.get().status_code == 405


def test_a_message_larger_than_any_event_is_413(function: Deployed) -> None:
    assert function.post(data=b"x" * (1024 * 1024 + 1)).status_code == 413


# --- Firestore refuses


def test_a_refusal_of_firestore_is_logged_with_its_cause_and_delivered_again(
    function: Deployed, firestore: FakeFirestore, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing role must not look like a crash: no credit lands, and the log says why."""
    firestore.refuse_next_commit(google_errors.PermissionDenied("Missing or insufficient permissions."))

    assert deliver(function, load("completed_paid")).status_code == 500

    _, failed, *_ = records(capsys)
    assert (failed["severity"], failed["event"]) == ("ERROR", "purchase.failed")
    assert (failed["message"], failed["code"]) == ("Failed to credit 110 tokens to user ada", "ledger_refused")
    assert "PermissionDenied" in failed["stack_trace"]
    assert outcome(deliver(function, load("completed_paid"))) == "credited"


# --- whose payment it was


class Payments:
    """A gateway that knows one payment's metadata."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self._metadata = metadata

    def metadata_of_payment(self, payment_intent_id: str) -> dict[str, str]:
        assert payment_intent_id == "pi_unknown"
        return self._metadata


def event_of(type_: str, stripe_object: dict[str, Any], *, id_: str = "evt_1") -> dict[str, Any]:
    created = session_event()["created"] + 100
    return {"id": id_, "object": "event", "type": type_, "created": created, "data": {"object": stripe_object}}


def refund(status: str, metadata: dict[str, str] | None = None, *, payment: str = "pi_unknown") -> dict[str, Any]:
    stripe_object = {
        "id": "re_1",
        "object": "refund",
        "amount": 999,
        "status": status,
        "payment_intent": payment,
        "metadata": metadata or {},
    }
    return event_of("refund.failed" if status == "failed" else "refund.created", stripe_object)


def dispute(type_: str, status: str, *moved_cents: int, payment: str = "pi_popular") -> dict[str, Any]:
    """Return an event of a dispute over 999 cents that has moved this money so far, each with an id of its own."""
    transactions = [
        {"id": f"txn_{number}", "amount": cents, "currency": "usd"} for number, cents in enumerate(moved_cents)
    ]
    stripe_object = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 999,
        "currency": "usd",
        "status": status,
        "balance_transactions": transactions,
        "payment_intent": payment,
    }
    return event_of(f"charge.dispute.{type_}", stripe_object, id_=f"evt_{type_}_{status}")


@pytest.mark.parametrize("metadata", [{}, {"ticket": "4711"}])
def test_a_payment_unknown_to_the_ledger_is_asked_of_stripe_whatever_metadata_the_refund_has(
    ledger: Ledger, metadata: dict[str, str]
) -> None:
    stripe = Payments({"purchase_type": "token_package", "firebase_uid": "ada"})

    with deployed("credit_tokens", ENVIRON, parts=(ledger, lambda: stripe)) as function:
        assert outcome(deliver(function, refund("failed", metadata))) == "noted"

    assert list(ledger.facts_of_payment("pi_unknown").failed) == ["re_1"]
    assert ledger.account("ada").reversed_early == ("pi_unknown",)


def test_a_payment_of_another_product_is_left_alone(ledger: Ledger, firestore: FakeFirestore) -> None:
    stripe = Payments({"order": "shoes"})

    with deployed("credit_tokens", ENVIRON, parts=(ledger, lambda: stripe)) as function:
        assert outcome(deliver(function, refund("failed"))) == "ignored"

    assert firestore.writes == 0


@pytest.mark.parametrize("event", [load("completed_paid"), refund("failed", payment="pi_popular")])
def test_an_event_of_a_connected_account_is_left_alone(
    function: Deployed, firestore: FakeFirestore, event: dict[str, Any]
) -> None:
    """Its money never reached this Stripe account."""
    assert outcome(deliver(function, {**event, "account": "acct_mallory"})) == "ignored"
    assert firestore.writes == 0


@pytest.mark.parametrize(
    "event",
    [
        event_of("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}),
        event_of("charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_1", "status": "lost"}),
        event_of("refund.failed", {"id": "re_1", "payment_intent": {"id": "pi_1"}, "amount": 1, "status": "failed"}),
    ],
    ids=["charge", "dispute", "expanded payment"],
)
def test_an_object_that_lacks_a_field_is_recorded_and_acknowledged(
    function: Deployed, capsys: pytest.CaptureFixture[str], event: dict[str, Any]
) -> None:
    assert outcome(deliver(function, event)) == "malformed"
    [(severity, name, _)] = sentences(capsys)
    assert (severity, name) == ("ERROR", "event.malformed")


# --- what an operator has to look at


@pytest.mark.parametrize(
    ("first", "second", "balance", "found"),
    [
        (dispute("closed", "lost", -999), None, 0, "withdrawn"),
        (dispute("closed", "won", -999, 999), None, 110, "reinstated"),
        (dispute("created", "warning_needs_response"), None, 110, "inquiry"),
        (dispute("closed", "lost", -999), dispute("closed", "won", -999, 999), 110, "reinstated"),
        (dispute("closed", "won", -999, 999), dispute("closed", "lost", -999, 999, -999), 0, "withdrawn"),
    ],
    ids=["lost", "won", "an inquiry", "lost, then won on appeal", "won, then lost on appeal"],
)
def test_a_dispute_takes_what_stripe_withdrew_and_its_alert_says_how_it_stands(
    function: Deployed,
    ledger: Ledger,
    firestore: FakeFirestore,
    first: dict[str, Any],
    second: dict[str, Any] | None,
    *,
    balance: int,
    found: str,
) -> None:
    deliver(function, session_event(payment_intent="pi_popular"))
    for event in filter(None, (first, second)):
        deliver(function, event)

    assert ledger.account("ada").balance == balance
    alert = firestore.fields_of("security_alerts/dispute:dp_1")
    assert alert is not None
    assert (alert["status"], alert["userId"], alert["seen"]["outcome"]) == ("open", "ada", found)


def test_every_change_of_a_disputes_outcome_is_logged_as_an_alert(
    function: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(function, session_event(payment_intent="pi_popular"))
    capsys.readouterr()

    for event in (dispute("created", "needs_response", -999), dispute("closed", "won", -999, 999)):
        deliver(function, event)
        deliver(function, event)

    assert [event for _, event, _ in sentences(capsys)] == [
        "alert.raised",
        "reversal.dispute",
        "reversal.duplicate",
        "alert.raised",
        "reversal.dispute_reversal",
        "reversal.duplicate",
    ]


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_a_reversal_of_a_purchase_without_a_buyer_is_remembered_and_logged_as_a_warning(
    ledger: Ledger, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    event = refund("failed") if what == "refund" else dispute("created", "needs_response", -999, payment="pi_unknown")
    stripe = Payments({"purchase_type": "token_package"})

    with deployed("credit_tokens", ENVIRON, parts=(ledger, lambda: stripe)) as function:
        assert outcome(deliver(function, event)) == "unknown_buyer"

    sentence = f"{event['type']} of pi_unknown, whose purchase names no buyer"
    assert ("WARNING", "reversal.unknown_buyer", sentence) in sentences(capsys)
    assert firestore.paths("accounts") == []
    assert ledger.facts_of_payment("pi_unknown").facts
    alert = "refund_failed:re_1" if what == "refund" else "dispute:dp_1"
    assert firestore.paths("security_alerts") == [f"security_alerts/{alert}"]


def test_a_failed_refund_gives_the_tokens_back_and_raises_an_alert(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore
) -> None:
    """The buyer has the tokens again and the shop the money: somebody wanted it otherwise."""
    deliver(function, session_event(payment_intent="pi_popular"))
    deliver(function, refund("succeeded", payment="pi_popular"))
    assert ledger.account("ada").balance == 0

    deliver(function, refund("failed", payment="pi_popular"))

    assert ledger.account("ada").balance == 110
    assert firestore.paths("security_alerts") == ["security_alerts/refund_failed:re_1"]


def test_an_entry_that_exists_with_other_contents_is_a_conflict_and_no_endless_retry(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore
) -> None:
    deliver(function, session_event(payment_intent="pi_popular"))
    ledger.post("ada", NewEntry("refund:re_1", "adjustment", -1, {}))

    assert outcome(deliver(function, refund("succeeded", payment="pi_popular"))) == "conflict"
    assert ledger.account("ada").balance == 109
    assert firestore.paths("security_alerts") == ["security_alerts/conflict:evt_1"]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (dispute("closed", "won", -999, 999), "open"),
        (dispute("updated", "under_review", -999), "closed"),
    ],
    ids=["another outcome", "the same outcome"],
)
def test_an_alert_that_an_operator_closed_opens_again_only_for_another_outcome(
    function: Deployed, firestore: FakeFirestore, event: dict[str, Any], status: str
) -> None:
    deliver(function, session_event(payment_intent="pi_popular"))
    deliver(function, dispute("created", "needs_response", -999))
    alert = firestore.fields_of("security_alerts/dispute:dp_1")
    assert alert is not None
    firestore.put("security_alerts/dispute:dp_1", {**alert, "status": "closed"})

    deliver(function, event)

    updated = firestore.fields_of("security_alerts/dispute:dp_1")
    assert updated is not None
    assert (updated["status"], updated["createdAt"]) == (status, alert["createdAt"])
    assert updated["seen"]["statuses"] == sorted({"needs_response", event["data"]["object"]["status"]})
