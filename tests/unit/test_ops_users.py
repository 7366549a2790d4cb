"""user show, limits reset, audit, alerts: looking at accounts, and tidying up around them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from google.api_core import exceptions as google_errors

from ops.cli import cli
from shared.domain.alert import Alert
from shared.domain.crediting import Credited, Held
from shared.domain.entry import NewEntry
from shared.domain.limits import Limits
from shared.domain.payment_facts import RefundedTotal, RefundMade
from shared.domain.spend_requests import grant_of
from tests.operators import WHO_AND_WHY, Operator
from tests.purchases import NO_LIMITS, invalid, purchase
from tests.stripe_events import session_of

ONE_PER_HOUR = Limits(per_hour=1, per_day=1)


@pytest.fixture
def operator() -> Operator:
    operator = Operator()
    operator.ledger.credit(purchase("cs_1"), NO_LIMITS)
    operator.ledger.post("ada", NewEntry("spend:ada:1", "spend", -10, {"reason": "render"}))
    return operator


def tamper(operator: Operator, path: str, **changes: Any) -> None:  # noqa: ANN401 - a document's fields
    fields = operator.database.fields_of(path)
    assert fields is not None
    operator.database.put(path, {**fields, **changes})


# --- user show


def test_a_user_is_shown_with_all_that_concerns_them(operator: Operator) -> None:
    operator.ledger.hold(invalid("cs_bad"))
    operator.ledger.set_open_purchase("ada", "cs_slow", "waiting")

    shown = operator.read("user", "show", "ada")

    assert (shown["balance"], shown["totalTokensPurchased"], shown["totalTokensSpent"]) == (100, 110, 10)
    assert [entry["id"] for entry in shown["entries"]] == ["spend:ada:1", "purchase:cs_1"]
    assert {id_: one["state"] for id_, one in shown["openPurchases"].items()} == {
        "cs_bad": "held",
        "cs_slow": "waiting",
    }
    assert [one["sessionId"] for one in shown["held"]] == ["cs_bad"]
    assert [one["id"] for one in shown["alerts"]] == ["held:cs_bad"]


def test_a_user_is_shown_to_people(operator: Operator) -> None:
    shown = operator.run("user", "show", "ada", "--limit", "1").stdout

    assert "spend:ada:1" in shown
    assert "purchase:cs_1" not in shown
    assert "Open alerts: none" in shown


def test_entries_show_their_money_in_its_currency(operator: Operator) -> None:
    operator.ledger.credit(purchase("cs_yen", payment_intent_id="pi_yen", paid_cents=1500, currency="jpy"), NO_LIMITS)
    operator.ledger.reverse("ada", "pi_yen", RefundMade("re_1", 500))

    shown = operator.run("user", "show", "ada").stdout

    money_of = {id_: line for line in shown.splitlines() for id_ in ("re_1", "cs_yen", "ada:1", "cs_1") if id_ in line}
    assert "│ -500 JPY " in money_of["re_1"]
    assert "│ 1,500 JPY " in money_of["cs_yen"]
    assert "│ 9.99 USD " in money_of["cs_1"]
    assert "USD" not in money_of["ada:1"]


# --- user show, by what a buyer quotes


@pytest.fixture
def quoted(operator: Operator) -> Operator:
    """What is known of ada: a session that was credited, one that is held, one that only Stripe knows, and so on."""
    operator.ledger.credit(purchase("cs_credited", payment_intent_id="pi_credited"), NO_LIMITS)
    held = invalid("cs_held")
    operator.ledger.hold(replace(held, evidence={**held.evidence, "paymentIntentId": "pi_held"}))
    operator.ledger.reverse("ada", "pi_early", RefundedTotal("ch_1", 100))
    operator.ledger.save_customer("ada", "cus_ada")
    operator.stripe.sessions["cs_unpaid"] = session_of(id="cs_unpaid", metadata={"firebase_uid": "ada"})
    operator.stripe.metadata["pi_unpaid"] = {"firebase_uid": "ada"}
    operator.emails["ada@example.com"] = "ada"
    return operator


@pytest.mark.parametrize(
    "who",
    [
        "ada",
        "cs_credited",
        "cs_held",
        "cs_unpaid",
        "pi_credited",
        "pi_held",
        "pi_early",
        "pi_unpaid",
        "cus_ada",
        "ada@example.com",
    ],
)
def test_a_user_is_found_by_what_a_buyer_quotes(quoted: Operator, who: str) -> None:
    assert quoted.read("user", "show", who)["userId"] == "ada"


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ("eve", "There is no user eve"),
        ("cs_none", "There is no user with the session cs_none"),
        ("pi_none", "There is no user with the payment pi_none"),
        ("cus_none", "There is no user with the customer cus_none"),
        ("eve@example.com", "There is no user with the address eve@example.com"),
    ],
)
def test_somebody_unknown_is_not_found(quoted: Operator, who: str, message: str) -> None:
    assert quoted.refused("user", "show", who) == f"Error: {message}"


def test_a_hold_that_names_no_buyer_names_none(operator: Operator) -> None:
    operator.ledger.hold(invalid("cs_nobody", uid=None))

    assert "There is no user with the session" in operator.refused("user", "show", "cs_nobody")


def test_somebody_who_never_bought_is_named(operator: Operator) -> None:
    operator.emails["new@example.com"] = "new"

    message = operator.refused("user", "show", "new@example.com")

    assert message == "Error: The address new@example.com belongs to user new, who has no account yet"


def test_a_uid_goes_before_what_it_looks_like(operator: Operator) -> None:
    operator.ledger.credit(purchase(uid="cs_1"), NO_LIMITS)

    assert operator.read("user", "show", "cs_1")["userId"] == "cs_1"


def test_what_cannot_name_anybody_is_refused(operator: Operator) -> None:
    assert "is not a user id, an e-mail address" in operator.refused("user", "show", "a/b")


# --- where


def test_without_a_project_a_local_stack_that_runs_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    endpoints = tmp_path / "endpoints.json"
    words = ("--endpoints", str(endpoints), "user", "show", "ada")

    alone = CliRunner().invoke(cli, words)
    endpoints.write_text("{}")
    beside = CliRunner().invoke(cli, words)

    assert (alone.exit_code, alone.stderr) == (1, "Error: Wrong settings: GOOGLE_CLOUD_PROJECT is missing\n")
    assert beside.exit_code == 1
    assert beside.stderr.endswith("is missing. A local stack is running: ops --local works on that\n")


def test_without_a_stack_local_says_how_to_start_one(tmp_path: Path) -> None:
    missing = tmp_path / "endpoints.json"

    result = CliRunner().invoke(cli, ("--local", "--endpoints", str(missing), "user", "show", "ada"))

    assert result.stderr == f"Error: No stack is running: {missing} does not exist. Start one with make run\n"


# --- limits reset


def test_a_reset_lets_a_user_buy_again_and_touches_no_entry(operator: Operator) -> None:
    entries = list(operator.operator_ledger.entries("ada"))

    done = operator.change("limits", "reset", "ada")

    assert (len(done["before"]["recentPurchases"]), done["after"]["recentPurchases"]) == (1, [])
    assert list(operator.operator_ledger.entries("ada")) == entries
    assert operator.ledger.account("ada").balance == 100
    assert isinstance(operator.ledger.credit(purchase(), ONE_PER_HOUR), Credited)
    assert isinstance(operator.ledger.credit(purchase(), ONE_PER_HOUR), Held)


def test_a_reset_is_recorded(operator: Operator) -> None:
    operator.change("limits", "reset", "ada")

    [alert] = operator.read("alerts", "list", "--status", "closed")
    assert (alert["type"], alert["severity"], alert["userId"]) == ("operator_action", "low", "ada")
    assert alert["evidence"]["action"] == "limits reset"
    assert (alert["evidence"]["operator"], alert["evidence"]["reason"]) == ("Grace", "ticket 7")
    assert operator.read("alerts", "list") == []


def test_a_reset_whose_acknowledgement_was_lost_is_done_and_recorded_once(operator: Operator) -> None:
    operator.database.lose_next_acknowledgement(google_errors.ServiceUnavailable("lost"))

    assert operator.change("limits", "reset", "ada")["after"]["recentPurchases"] == []
    assert len(operator.read("alerts", "list", "--status", "closed")) == 1


def test_the_limits_of_an_unknown_user_are_not_reset(operator: Operator) -> None:
    assert operator.refused("limits", "reset", "eve", *WHO_AND_WHY, "--yes") == "Error: There is no user eve"


# --- audit


def test_an_account_that_agrees_passes(operator: Operator) -> None:
    assert operator.read("audit", "ada") == {"audited": 1, "faulty": []}


def test_every_user_of_every_page_is_audited(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.operator_ledger._UIDS_PAGE", 3)
    for number in range(6):
        operator.ledger.credit(purchase(uid=f"user{number}"), NO_LIMITS)

    assert operator.read("audit", "--all")["audited"] == 7


@pytest.mark.parametrize(
    ("path", "changes", "fault"),
    [
        ("accounts/ada", {"balance": 1000}, "the balance is 1000, the entries' sum 100"),
        ("accounts/ada", {"totalSpent": 0}, "totalTokensSpent is 0, the entries say 10"),
        ("accounts/ada", {"totalPurchased": 1}, "totalTokensPurchased is 1, the entries say 110"),
        ("transactions/purchase:cs_1", {"balanceAfter": 90}, "purchase:cs_1 says 90 after it, the entries say 110"),
        ("transactions/purchase:cs_1", {"amount": 100}, "the oldest entry starts from 10 instead of 0"),
    ],
)
def test_an_account_that_does_not_agree_fails_the_audit(
    operator: Operator, path: str, changes: dict[str, Any], fault: str
) -> None:
    tamper(operator, path, **changes)

    one, every = operator.run("audit", "ada"), operator.run("audit", "--all")

    assert (one.exit_code, every.exit_code) == (1, 1)
    assert fault in one.stdout
    assert "1 audited, 1 with faults" in every.stdout


def test_lots_that_do_not_agree_fail_the_audit(operator: Operator) -> None:
    uid, gift = grant_of(
        {"user_id": "ada", "amount": 20, "reason": "gift", "idempotency_key": "1", "expires_in_days": 30}
    )
    operator.ledger.post(uid, gift)
    assert operator.run("audit", "ada").exit_code == 0
    lots = (operator.database.fields_of("accounts/ada") or {})["lots"]

    tamper(operator, "accounts/ada", lots=[{**lots[0], "left": 21}])

    assert "grant:ada:1 has 21 tokens left, the entries say 20" in operator.run("audit", "ada").stdout


def test_a_lost_entry_fails_the_audit(operator: Operator) -> None:
    operator.database.remove("transactions/spend:ada:1")

    assert operator.run("audit", "ada").exit_code == 1


def test_a_user_without_entries_passes(operator: Operator) -> None:
    operator.ledger.save_customer("bob", "cus_bob")

    assert operator.run("audit", "bob").exit_code == 0


@pytest.mark.parametrize("words", [(), ("ada", "--all")])
def test_an_audit_is_of_one_user_or_of_all(operator: Operator, words: tuple[str, ...]) -> None:
    assert operator.refused("audit", *words) == "Error: Name one user, or give --all"


# --- alerts


def test_an_alert_is_closed_by_somebody_for_a_reason(operator: Operator) -> None:
    operator.ledger.raise_alert(Alert("dispute:dp_1", "dispute", "high", "ada", {"disputeId": "dp_1"}))
    assert [one["id"] for one in operator.read("alerts", "list", "--user", "ada")] == ["dispute:dp_1"]

    done = operator.change("alerts", "close", "dispute:dp_1")

    assert (done["before"]["status"], done["after"]["status"]) == ("open", "closed")
    assert (done["after"]["closedBy"], done["after"]["closeReason"]) == ("Grace", "ticket 7")
    assert operator.read("alerts", "list") == []


def test_an_alert_is_closed_once(operator: Operator) -> None:
    operator.ledger.raise_alert(Alert("dispute:dp_1", "dispute", "high", "ada", {}))
    operator.change("alerts", "close", "dispute:dp_1")
    before = operator.documents()

    assert "nothing changed" in operator.change("alerts", "close", "dispute:dp_1")["outcome"]
    assert operator.documents() == before


@pytest.mark.parametrize("id_", ["none", "a/b", ".."])
def test_an_unknown_alert_is_refused(operator: Operator, id_: str) -> None:
    assert "alert" in operator.refused("alerts", "close", id_, *WHO_AND_WHY, "--yes")


def test_alerts_are_listed_the_latest_first(operator: Operator) -> None:
    for number in range(3):
        operator.ledger.raise_alert(Alert(f"a{number}", "drift", "critical", None, {"n": number}))

    assert [one["id"] for one in operator.read("alerts", "list", "--limit", "2")] == ["a2", "a1"]
    assert "n: 2" in operator.run("alerts", "list").stdout
