"""adjust, grant and credit: entries made by hand, once, by somebody, for a reason."""

from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google_errors

from shared.domain.crediting import Duplicate, Held
from shared.domain.entry import Entry
from shared.domain.payment_facts import RefundedTotal
from shared.domain.purchase import Purchase, assess_session
from tests.operators import WHO_AND_WHY, Operator
from tests.purchases import NO_LIMITS, invalid, purchase
from tests.stripe_events import session_of


@pytest.fixture
def operator() -> Operator:
    operator = Operator()
    operator.ledger.credit(purchase("cs_1"), NO_LIMITS)
    return operator


def record_of(operator: Operator, entry: Entry) -> tuple[str, str]:
    """Return who made an entry and why; what its user reads names neither."""
    assert not {"Grace", "ticket 7"} & set(map(str, entry.details.values()))
    alert = operator.operator_ledger.alert(entry.details["operatorAction"])
    assert (alert.type, alert.status, alert.uid) == ("operator_action", "closed", entry.uid)
    assert (alert.evidence["entryId"], alert.evidence["amount"]) == (entry.id, entry.amount)
    return alert.evidence["operator"], alert.evidence["reason"]


# --- adjust and grant


def test_an_adjustment_is_an_entry_and_a_record_that_says_who_and_why(operator: Operator) -> None:
    done = operator.change("adjust", "ada", "-50", "--key", "T-7")

    assert (done["before"]["balance"], done["after"]["balance"]) == (110, 60)
    entry = operator.ledger.entry("adjustment:T-7")
    assert entry is not None
    assert (entry.uid, entry.type, entry.amount, entry.balance_after) == ("ada", "adjustment", -50, 60)
    assert entry.details == {"operatorAction": "operator:adjustment:T-7"}
    assert record_of(operator, entry) == ("Grace", "ticket 7")


def test_a_grant_counts_as_earned(operator: Operator) -> None:
    done = operator.change("grant", "ada", "30")

    assert (done["after"]["balance"], done["after"]["totalTokensEarned"]) == (140, 30)
    assert done["after"]["totalTokensPurchased"] == 110


def test_a_grant_may_expire(operator: Operator) -> None:
    done = operator.change("grant", "ada", "30", "--key", "T-7", "--expires-in-days", "10", "--priority", "20")

    [(lot_id, lot)] = done["after"]["lots"].items()
    entry = operator.ledger.entry("grant:T-7")
    assert entry is not None
    assert (lot_id, lot["left"], lot["priority"]) == ("grant:T-7", 30, 20)
    assert lot["expiresAt"] == entry.details["expiresAt"] > f"{entry.timestamp + timedelta(days=10):%Y-%m-%dT%H:%M:%SZ}"
    assert entry.details["expiresInDays"] == 10


@pytest.mark.parametrize("again", [(), ("--expires-in-days", "11"), ("--expires-in-days", "10", "--priority", "20")])
def test_a_grant_that_would_expire_otherwise_is_another_one(operator: Operator, again: tuple[str, ...]) -> None:
    operator.change("grant", "ada", "30", "--key", "T-7", "--expires-in-days", "10")

    message = operator.refused("grant", "ada", "30", "--key", "T-7", *again, *WHO_AND_WHY, "--yes", "--json")
    assert message.startswith("Error: Entry grant:T-7 exists with other contents: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--priority", "10"), "--priority is for tokens that expire"),
        (("--expires-in-days", "0"), "0 is not in the range"),
        (("--expires-in-days", "3651"), "3651 is not in the range"),
        (("--expires-in-days", "1", "--priority", "101"), "101 is not in the range"),
    ],
)
def test_an_expiry_that_makes_no_sense_is_refused(operator: Operator, options: tuple[str, ...], message: str) -> None:
    assert message in operator.refused("grant", "ada", "30", *options, *WHO_AND_WHY, "--yes")


def test_a_grant_whose_acknowledgement_was_lost_is_made_once(operator: Operator) -> None:
    operator.database.lose_next_acknowledgement(google_errors.ServiceUnavailable("lost"))

    assert operator.change("grant", "ada", "30", "--key", "T-7")["after"]["balance"] == 140
    assert operator.database.paths("security_alerts") == ["security_alerts/operator:grant:T-7"]


def test_the_same_command_with_the_same_key_changes_nothing_more(operator: Operator) -> None:
    operator.change("grant", "ada", "30", "--key", "T-7")

    again = operator.change("grant", "ada", "30", "--key", "T-7")

    assert "nothing changed" in again["outcome"]
    assert operator.ledger.account("ada").balance == 140


@pytest.mark.parametrize(
    ("uid", "amount", "who", "reason"),
    [
        ("ada", "31", "Grace", "ticket 7"),
        ("bob", "30", "Grace", "ticket 7"),
        ("ada", "30", "Grace", "other"),
        ("ada", "30", "Linus", "ticket 7"),
    ],
)
def test_a_key_that_is_used_for_something_else_is_refused(
    operator: Operator, uid: str, amount: str, who: str, reason: str
) -> None:
    operator.ledger.credit(purchase("cs_2", uid="bob"), NO_LIMITS)
    operator.change("grant", "ada", "30", "--key", "T-7")
    before = operator.documents()

    result = operator.run(
        *("grant", uid, amount, "--key", "T-7", "--operator", who, "--reason", reason, "--yes", "--json")
    )

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Entry grant:T-7 exists with other contents: ")
    assert operator.documents() == before


@pytest.mark.parametrize("amount", ["0", "1.5", "1e3", "1000000001", "٣", "", "-", "--5", "99999999999999999999999"])
@pytest.mark.parametrize("command", ["adjust", "grant"])
def test_an_amount_that_is_not_one_is_refused(operator: Operator, command: str, amount: str) -> None:
    assert operator.refused(command, "ada", amount, *WHO_AND_WHY, "--yes").startswith("Error: ")


@pytest.mark.parametrize(("command", "amount"), [("grant", "-5"), ("adjust", "-1000000001"), ("adjust", "-0")])
def test_a_negative_amount_is_refused_where_it_makes_no_sense(operator: Operator, command: str, amount: str) -> None:
    assert "is not between 1 and 1000000000" in operator.refused(command, "ada", amount, *WHO_AND_WHY, "--yes")


def test_somebody_who_has_only_signed_up_can_be_given_tokens(operator: Operator) -> None:
    operator.emails["new@example.com"] = "new"

    done = operator.change("grant", "new", "100", "--key", "welcome")
    again = operator.change("grant", "new", "100", "--key", "welcome")

    assert (done["before"]["balance"], done["after"]["balance"], again["after"]["balance"]) == (0, 100, 100)
    account = operator.ledger.account("new")
    assert (account.balance, account.earned) == (100, 100)
    assert [entry.id for entry in operator.ledger.transactions("new", limit=5).entries] == ["grant:welcome"]


def test_somebody_who_has_only_signed_up_has_nothing_to_adjust(operator: Operator) -> None:
    operator.emails["new@example.com"] = "new"

    assert operator.refused("adjust", "new", "5", *WHO_AND_WHY, "--yes") == "Error: There is no user new"


@pytest.mark.parametrize("command", ["adjust", "grant"])
def test_an_unknown_user_is_refused(operator: Operator, command: str) -> None:
    assert operator.refused(command, "eve", "5", *WHO_AND_WHY, "--yes") == "Error: There is no user eve"


@pytest.mark.parametrize("uid", ["", ".", "a/b", "__x__", "x" * 129])
def test_what_cannot_be_a_user_id_is_refused(operator: Operator, uid: str) -> None:
    assert "is not a user id" in operator.refused("grant", uid, "5", *WHO_AND_WHY, "--yes")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--operator", "Grace"), "Missing --reason"),
        (("--reason", "ticket 7"), "Missing --operator"),
        (("--operator", "Grace", "--reason", "  "), "it is empty"),
        (("--operator", "\t", "--reason", "ticket 7"), "it is empty"),
        (("--operator", "Grace", "--reason", "x" * 501), "longer than 500"),
        (("--operator", "Grace", "--reason", "a\x1b[31mb"), "not one line of text"),
        ((), "Missing --operator and --reason"),
        ((*WHO_AND_WHY, "--key", "a/b"), "is not a key"),
        ((*WHO_AND_WHY, "--resaon", "x"), "unexpected extra argument"),
    ],
)
def test_a_change_needs_somebody_and_a_reason(operator: Operator, options: tuple[str, ...], message: str) -> None:
    assert message in operator.refused("grant", "ada", "5", "--yes", *options)


def test_a_change_asks_first_and_names_the_project(operator: Operator) -> None:
    before = operator.documents()

    result = operator.run("grant", "ada", "5", *WHO_AND_WHY, answer="n\n")

    assert result.exit_code == 1
    assert "in project demo-ops?" in result.stderr
    assert "nothing changed" in result.stderr
    assert operator.documents() == before


def test_a_change_that_is_confirmed_shows_the_state_before_and_what_changed(operator: Operator) -> None:
    result = operator.run("grant", "ada", "5", *WHO_AND_WHY, answer="y\n")

    assert result.exit_code == 0
    before, changed = result.stdout.split("Changed\n")
    assert "totalTokensPurchased  110" in before
    assert changed.splitlines()[:-1] == [
        "  balance            110 -> 115",
        "  available          110 -> 115",
        "  totalTokensEarned  0 -> 5",
    ]
    assert changed.splitlines()[-1].startswith("Done: created entry grant:")


def test_without_a_terminal_and_without_yes_nothing_is_done(operator: Operator) -> None:
    result = operator.run("grant", "ada", "5", *WHO_AND_WHY)

    assert result.exit_code == 1
    assert operator.ledger.account("ada").balance == 110


def test_an_outage_of_firestore_is_one_line(operator: Operator) -> None:
    operator.database.away = True

    result = operator.run("grant", "ada", "5", *WHO_AND_WHY, "--yes")

    assert (result.exit_code, result.stderr) == (1, "Error: Try again in a moment\n")


# --- credit


@pytest.fixture
def paid(operator: Operator) -> dict[str, Any]:
    """A paid session of `popular` that Stripe knows and the ledger does not."""
    session = session_of(metadata={"firebase_uid": "carol"})
    operator.stripe.sessions[session["id"]] = session
    return session


def bought(session: dict[str, Any], operator: Operator) -> Purchase:
    paid_at = session["created"] + 60
    assessed = assess_session(session, paid_at=paid_at, now=paid_at, catalog=operator.catalog, livemode=False)
    assert isinstance(assessed, Purchase)
    return assessed


def test_a_paid_session_is_credited_by_hand_once(operator: Operator, paid: dict[str, Any]) -> None:
    done = operator.change("credit", paid["id"])

    uid = paid["metadata"]["firebase_uid"]
    assert (done["before"]["balance"], done["after"]["balance"]) == (0, 110)
    entry = operator.ledger.get_by_stripe_session(paid["id"])
    assert entry is not None
    assert (entry.uid, *record_of(operator, entry)) == (uid, "Grace", "ticket 7")
    assert "nothing changed" in operator.change("credit", paid["id"])["outcome"]
    assert operator.ledger.account(uid).balance == 110


def test_the_event_that_comes_after_all_changes_nothing(operator: Operator, paid: dict[str, Any]) -> None:
    operator.change("credit", paid["id"])

    assert isinstance(operator.ledger.credit(bought(paid, operator), NO_LIMITS), Duplicate)


def test_crediting_what_its_event_credited_changes_nothing(operator: Operator, paid: dict[str, Any]) -> None:
    operator.ledger.credit(bought(paid, operator), NO_LIMITS)
    before = operator.documents()

    assert "nothing changed" in operator.change("credit", paid["id"])["outcome"]
    assert operator.documents() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"payment_status": "unpaid"}, "is not paid"),
        ({"payment_status": "no_payment_required", "status": "open"}, "is not completed: it is open"),
        ({"metadata": {"purchase_type": "poster"}}, "sells another product"),
        ({"metadata": {"purchase_type": None}}, "sells another product"),
        ({"metadata": {"tokens": "99999"}}, "match none of the terms of popular"),
        ({"livemode": True}, "livemode is True"),
    ],
)
def test_a_session_that_is_not_a_paid_purchase_is_refused(
    operator: Operator, changes: dict[str, Any], message: str
) -> None:
    session = session_of(**changes)
    operator.stripe.sessions[session["id"]] = session

    assert message in operator.refused("credit", session["id"], *WHO_AND_WHY, "--yes")


def test_a_session_that_stripe_does_not_know_is_refused(operator: Operator) -> None:
    assert operator.refused("credit", "cs_none", *WHO_AND_WHY, "--yes") == "Error: Stripe knows no session cs_none"


def test_what_is_not_a_session_id_is_refused(operator: Operator) -> None:
    assert "is not the id of a Checkout Session" in operator.refused("credit", "ch_1", *WHO_AND_WHY, "--yes")


def test_a_held_session_is_not_credited_by_hand(operator: Operator, paid: dict[str, Any]) -> None:
    assert isinstance(operator.ledger.hold(invalid(paid["id"], uid=paid["metadata"]["firebase_uid"])), Held)
    before = operator.documents()

    result = operator.run("credit", paid["id"], *WHO_AND_WHY, "--yes", "--json")

    assert "is a held purchase" in result.stderr
    assert operator.documents() == before


def test_a_credit_whose_acknowledgement_was_lost_is_made_once(operator: Operator, paid: dict[str, Any]) -> None:
    operator.database.lose_next_acknowledgement(google_errors.ServiceUnavailable("lost"))

    operator.change("credit", paid["id"])

    assert operator.ledger.account(paid["metadata"]["firebase_uid"]).balance == 110
    assert isinstance(operator.ledger.credit(bought(paid, operator), NO_LIMITS), Duplicate)


def test_a_credit_by_hand_takes_back_what_was_refunded_before(operator: Operator, paid: dict[str, Any]) -> None:
    uid = paid["metadata"]["firebase_uid"]
    operator.ledger.reverse(uid, paid["payment_intent"], RefundedTotal("ch_1", 999))

    operator.change("credit", paid["id"])

    assert [entry.amount for entry in operator.operator_ledger.entries(uid)] == [-110, 110]
    assert isinstance(operator.ledger.credit(bought(paid, operator), NO_LIMITS), Duplicate)


def test_a_credit_by_hand_takes_back_what_stripe_reports_though_no_event_told(
    operator: Operator, paid: dict[str, Any]
) -> None:
    operator.stripe.refund(paid["payment_intent"], 500)

    prompt = operator.run("credit", paid["id"], *WHO_AND_WHY, answer="n\n").stderr
    done = operator.change("credit", paid["id"])

    assert "of which refunds and disputes take back 55 at once" in prompt
    assert done["after"]["balance"] == 110 - 55


def test_a_session_of_long_ago_can_be_credited_by_hand(operator: Operator, paid: dict[str, Any]) -> None:
    """Its event would be held as too old: but it was Stripe itself that was asked."""
    created = paid["created"] - 90 * 86_400
    operator.stripe.sessions[paid["id"]] = {**paid, "created": created}

    assert operator.change("credit", paid["id"])["after"]["balance"] == 110
