"""What the ledger holds to, over the in-memory fake and over the official emulator alike."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import AccountRead, AccountStore
from shared.domain.account import OPEN_PURCHASES_MAX, REVERSED_EARLY_MAX, Account
from shared.domain.alert import Alert
from shared.domain.crediting import (
    AlreadyHeld,
    Credited,
    Duplicate,
    Held,
    alert_of,
)
from shared.domain.entry import NewEntry
from shared.domain.errors import BadInput, LedgerConflict, NotEnoughTokens, Unavailable
from shared.domain.limits import Limits
from shared.domain.payment_facts import RefundMade
from shared.domain.posting import Posted
from shared.domain.reversing import Reversed
from shared.domain.times import HOUR_S
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import assert_chain_holds, ledger_of
from tests.purchases import NO_LIMITS, PAID_AT, invalid, purchase

LIMITS = Limits(per_hour=5, per_day=20)


@pytest.fixture(params=["fake", "emulator"])
def client(request: pytest.FixtureRequest) -> firestore.Client:
    if request.param == "fake":
        return FakeFirestore().as_client()
    client: firestore.Client = request.getfixturevalue("firestore_client")
    return client


@pytest.fixture
def ledger(client: firestore.Client) -> Ledger:
    return ledger_of(client)


def fields(client: firestore.Client, path: str) -> dict[str, Any] | None:
    found = client.document(path).get()
    return found.to_dict() if found.exists else None


def all_entries(ledger: Ledger, uid: str = "ada") -> list[Any]:
    """Return a user's entries, oldest first."""
    return list(reversed(ledger.transactions(uid, limit=100).entries))


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call with 0, 1, … from as many threads, all started together; an exception is a result."""
    gate = threading.Barrier(count)

    def started(number: int) -> object:
        gate.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(started, number) for number in range(count)]]


# --- a credit


def test_a_purchase_is_credited_with_one_entry(ledger: Ledger, client: firestore.Client) -> None:
    bought = purchase("cs_1")

    outcome = ledger.credit(bought, LIMITS)

    assert isinstance(outcome, Credited)
    assert (outcome.entry.id, outcome.entry.amount, outcome.entry.balance_after) == ("purchase:cs_1", 110, 110)
    account = ledger.account("ada")
    assert (account.balance, account.purchased, account.earned, account.spent) == (110, 110, 0, 0)
    assert ledger.get_by_stripe_session("cs_1") == outcome.entry
    kept = fields(client, "transactions/purchase:cs_1")
    assert kept is not None
    assert (kept["userId"], kept["type"], kept["amount"], kept["balanceAfter"]) == ("ada", "purchase", 110, 110)
    assert kept["details"] == dict(bought.new_entry().details)
    assert kept["details"]["paymentAmountUSD"] == 9.99


def test_a_second_purchase_adds_to_the_first(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)
    ledger.credit(purchase(), LIMITS)

    assert ledger.account("ada").balance == 220
    assert_chain_holds(ledger)


def test_the_account_is_made_at_the_first_credit(ledger: Ledger, client: firestore.Client) -> None:
    assert fields(client, "users/ada") is None

    ledger.credit(purchase(), LIMITS)

    kept = fields(client, "users/ada")
    assert kept is not None
    assert (kept["tokenBalance"], kept["totalTokensPurchased"]) == (110, 110)


def test_a_credit_keeps_the_profile_beside_it(ledger: Ledger, client: firestore.Client) -> None:
    batch = client.batch()
    batch.create(client.document("users/ada"), {"displayName": "Ada", "preferences": {"theme": "dark"}})
    batch.commit()

    ledger.credit(purchase(), LIMITS)

    kept = fields(client, "users/ada")
    assert kept is not None
    assert (kept["displayName"], kept["preferences"], kept["tokenBalance"]) == ("Ada", {"theme": "dark"}, 110)


def test_users_do_not_touch_each_other(ledger: Ledger) -> None:
    ledger.credit(purchase(uid="ada"), LIMITS)
    ledger.credit(purchase(uid="bob", tokens=50), LIMITS)

    assert (ledger.account("ada").balance, ledger.account("bob").balance) == (110, 50)
    assert [entry.uid for entry in all_entries(ledger, "bob")] == ["bob"]


def test_an_unknown_user_has_an_empty_account(ledger: Ledger) -> None:
    assert ledger.account("nobody") == Account("nobody")
    assert ledger.transactions("nobody", limit=10).entries == []
    assert ledger.get_by_stripe_session("cs_none") is None


# --- the same again


def test_the_same_purchase_again_changes_nothing(ledger: Ledger) -> None:
    bought = purchase()
    first = ledger.credit(bought, LIMITS)
    before = ledger.account("ada")
    assert isinstance(first, Credited)

    assert [ledger.credit(bought, LIMITS) for _ in range(3)] == [Duplicate(first.entry)] * 3
    assert ledger.account("ada") == before


def test_another_event_of_the_same_session_is_a_duplicate(ledger: Ledger) -> None:
    ledger.credit(purchase("cs_1", paid_at=PAID_AT, payment_intent_id="pi_1"), LIMITS)

    later = ledger.credit(purchase("cs_1", paid_at=PAID_AT + 60, payment_intent_id="pi_1"), LIMITS)

    assert isinstance(later, Duplicate)
    assert ledger.account("ada").balance == 110


@pytest.mark.parametrize(
    "claim",
    [{"tokens": 250}, {"uid": "bob"}, {"paid_cents": 1}, {"package_id": "pro"}],
    ids=["other tokens", "another user", "another amount", "another package"],
)
def test_the_same_session_with_other_contents_is_a_conflict(ledger: Ledger, claim: dict[str, Any]) -> None:
    ledger.credit(purchase("cs_1", payment_intent_id="pi_1"), LIMITS)
    before = ledger.account("ada"), ledger.get_by_stripe_session("cs_1")

    with pytest.raises(LedgerConflict, match="purchase:cs_1"):
        ledger.credit(purchase("cs_1", **{"payment_intent_id": "pi_1", **claim}), LIMITS)

    assert (ledger.account("ada"), ledger.get_by_stripe_session("cs_1")) == before
    assert ledger.account("bob") == Account("bob")


# --- the limits


def credit_up_to_the_limit(ledger: Ledger) -> None:
    for _ in range(LIMITS.per_hour):
        assert isinstance(ledger.credit(purchase(), LIMITS), Credited)


def test_the_sixth_purchase_of_an_hour_is_held_with_one_alert(ledger: Ledger, client: firestore.Client) -> None:
    credit_up_to_the_limit(ledger)

    outcome = ledger.credit(purchase("cs_6th", paid_at=PAID_AT + HOUR_S - 1), LIMITS)

    assert isinstance(outcome, Held)
    assert "Rate limit exceeded" in outcome.hold.message
    assert ledger.account("ada").balance == 5 * 110
    assert ledger.get_by_stripe_session("cs_6th") is None
    held = fields(client, "held_purchases/cs_6th")
    assert held is not None
    assert (held["userId"], held["reason"], held["status"]) == ("ada", "limit_exceeded", "held")
    assert (held["packageId"], held["tokens"], held["amountTotal"]) == ("popular", 110, 999)
    alert = fields(client, "security_alerts/held:cs_6th")
    assert alert is not None
    assert (alert["type"], alert["severity"], alert["userId"]) == ("purchase_limit_exceeded", "medium", "ada")
    assert alert["seen"]["sessionId"] == "cs_6th"


def test_the_sixth_purchase_is_credited_once_the_hour_is_over(ledger: Ledger, client: firestore.Client) -> None:
    credit_up_to_the_limit(ledger)

    later = ledger_of(client, clock=lambda: datetime.now(UTC) + timedelta(hours=1))

    assert isinstance(later.credit(purchase(paid_at=PAID_AT + HOUR_S), LIMITS), Credited)


def test_the_limits_are_each_users_own(ledger: Ledger) -> None:
    credit_up_to_the_limit(ledger)

    assert isinstance(ledger.credit(purchase(uid="bob"), LIMITS), Credited)


def test_a_held_purchase_delivered_again_raises_no_second_alert(ledger: Ledger, client: firestore.Client) -> None:
    credit_up_to_the_limit(ledger)
    over = purchase("cs_6th")
    ledger.credit(over, LIMITS)
    first = fields(client, "security_alerts/held:cs_6th"), fields(client, "held_purchases/cs_6th")

    outcome = ledger.credit(over, LIMITS)

    assert outcome == AlreadyHeld("cs_6th")
    assert (fields(client, "security_alerts/held:cs_6th"), fields(client, "held_purchases/cs_6th")) == first


def test_a_held_purchase_stays_held_though_its_window_has_passed(ledger: Ledger) -> None:
    credit_up_to_the_limit(ledger)
    ledger.credit(purchase("cs_6th"), LIMITS)

    # Another event of the session, later: now it would fit.
    outcome = ledger.credit(purchase("cs_6th", paid_at=PAID_AT + 2 * HOUR_S), LIMITS)

    assert outcome == AlreadyHeld("cs_6th")
    assert ledger.account("ada").balance == 5 * 110


def test_a_duplicate_is_a_duplicate_even_at_the_limit(ledger: Ledger) -> None:
    bought = purchase("cs_first")
    ledger.credit(bought, LIMITS)
    for _ in range(4):
        ledger.credit(purchase(), LIMITS)

    assert isinstance(ledger.credit(bought, LIMITS), Duplicate)


# --- what is not valid


@pytest.mark.parametrize("uid", ["ada", None])
def test_an_invalid_purchase_is_held_with_an_alert(ledger: Ledger, client: firestore.Client, uid: str | None) -> None:
    hold = invalid("cs_bad", uid=uid)

    assert ledger.hold(hold) == Held(hold, alert_of(hold))

    held = fields(client, "held_purchases/cs_bad")
    assert held is not None
    assert (held["userId"], held["reason"], held["status"], held["tokens"]) == (uid, "terms_mismatch", "held", "99999")
    assert held["message"] == hold.message
    assert held["paidAt"] == datetime.fromtimestamp(PAID_AT, UTC)
    alert = fields(client, "security_alerts/held:cs_bad")
    assert alert is not None
    assert (alert["type"], alert["severity"], alert["status"], alert["userId"]) == (
        "purchase_invalid", "high", "open", uid,
    )  # fmt: skip
    assert ledger.account("ada").balance == 0
    assert ledger.get_by_stripe_session("cs_bad") is None


@pytest.mark.parametrize("uid", ["ada", None])
def test_an_invalid_purchase_delivered_again_is_held_once(
    ledger: Ledger, client: firestore.Client, uid: str | None
) -> None:
    hold = invalid("cs_bad", uid=uid)
    ledger.hold(hold)
    first = fields(client, "held_purchases/cs_bad")

    assert ledger.hold(hold) == AlreadyHeld("cs_bad")
    assert fields(client, "held_purchases/cs_bad") == first


def test_a_session_held_for_nobody_stays_held_when_it_comes_again_with_a_user(ledger: Ledger) -> None:
    ledger.hold(invalid("cs_bad", uid=None))

    assert ledger.hold(invalid("cs_bad", uid="ada")) == AlreadyHeld("cs_bad")


def test_a_credited_session_that_comes_again_as_invalid_is_a_duplicate(
    ledger: Ledger, client: firestore.Client
) -> None:
    credited = ledger.credit(purchase("cs_1"), LIMITS)
    assert isinstance(credited, Credited)

    assert ledger.hold(invalid("cs_1", tokens="110")) == Duplicate(credited.entry)
    assert fields(client, "held_purchases/cs_1") is None


@pytest.mark.parametrize(("uid", "tokens"), [("ada", "99999"), ("bob", "110"), (None, "110")])
def test_a_credited_session_that_now_claims_something_else_is_a_conflict(
    ledger: Ledger, uid: str | None, tokens: str
) -> None:
    ledger.credit(purchase("cs_1"), LIMITS)

    with pytest.raises(LedgerConflict):
        ledger.hold(invalid("cs_1", uid=uid, tokens=tokens))

    assert ledger.account("ada").balance == 110


def test_a_session_that_is_credited_while_it_is_being_held_is_a_duplicate(client: firestore.Client) -> None:
    """Two instances that disagree: one knows the catalog's new terms, the other does not yet."""
    other = ledger_of(client)

    class Overtaken(AccountStore):
        def read(self, uid: str, *, assume_new: bool = False) -> AccountRead:
            found = super().read(uid, assume_new=assume_new)
            other.credit(purchase("cs_1"), NO_LIMITS)
            return found

    assert isinstance(Ledger(Overtaken(Database(client))).hold(invalid("cs_1", tokens="110")), Duplicate)

    account = other.account("ada")
    assert (account.balance, dict(account.open_purchases)) == (110, {})
    assert fields(client, "held_purchases/cs_1") is None


def test_an_alert_is_raised_once(ledger: Ledger, client: firestore.Client) -> None:
    def raised() -> bool:
        return ledger.raise_alert(Alert("conflict:evt_1", "ledger_conflict", "critical", "ada", {"a": 1}))

    assert [raised(), raised()] == [True, False]
    kept = fields(client, "security_alerts/conflict:evt_1")
    assert kept is not None
    assert (kept["type"], kept["seen"]) == ("ledger_conflict", {"a": 1})


# --- a delayed payment


def test_a_waiting_purchase_is_closed_by_its_credit(ledger: Ledger) -> None:
    assert ledger.set_open_purchase("ada", "cs_1", "waiting")
    assert ledger.account("ada").open_state("cs_1") == "waiting"

    ledger.credit(purchase("cs_1"), LIMITS)

    assert ledger.account("ada").open_purchases == {}


def test_a_credited_purchase_never_goes_back_to_waiting(ledger: Ledger) -> None:
    ledger.credit(purchase("cs_1"), LIMITS)

    assert not ledger.set_open_purchase("ada", "cs_1", "waiting")
    assert ledger.account("ada").open_purchases == {}


def test_a_failed_payment_never_goes_back_to_waiting(ledger: Ledger) -> None:
    ledger.set_open_purchase("ada", "cs_1", "failed")

    assert not ledger.set_open_purchase("ada", "cs_1", "waiting")
    assert ledger.account("ada").open_state("cs_1") == "failed"


# --- spends and grants


def spend(key: str, amount: int) -> NewEntry:
    return NewEntry(f"spend:ada:{key}", "spend", -amount, {"reason": "render"})


def test_a_spend_is_posted_once(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)

    first = ledger.post("ada", spend("k1", 10))
    again = ledger.post("ada", spend("k1", 10))

    assert isinstance(first, Posted)
    assert again == Duplicate(first.entry)
    account = ledger.account("ada")
    assert (account.balance, account.spent) == (100, 10)


def test_a_spend_beyond_the_balance_changes_nothing(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)
    before = ledger.account("ada")

    with pytest.raises(NotEnoughTokens):
        ledger.post("ada", spend("k1", 111))

    assert ledger.account("ada") == before


def test_the_spend_that_took_the_last_tokens_is_a_duplicate_when_it_comes_again(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)
    ledger.post("ada", spend("k1", 110))

    assert isinstance(ledger.post("ada", spend("k1", 110)), Duplicate)


def test_the_same_spend_key_with_another_amount_is_a_conflict(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)
    ledger.post("ada", spend("k1", 10))

    with pytest.raises(LedgerConflict):
        ledger.post("ada", spend("k1", 11))


# --- the Stripe customer


def test_the_customer_that_is_saved_first_stays(ledger: Ledger) -> None:
    assert ledger.save_customer("ada", "cus_1") == "cus_1"
    assert ledger.save_customer("ada", "cus_2") == "cus_1"
    assert ledger.account("ada").stripe_customer_id == "cus_1"


def test_of_two_customers_saved_at_once_one_wins(ledger: Ledger) -> None:
    kept = at_once(2, lambda number: ledger.save_customer("ada", f"cus_{number}"))

    assert kept == [ledger.account("ada").stripe_customer_id] * 2


def test_a_customer_is_replaced_only_by_who_names_it(ledger: Ledger) -> None:
    ledger.save_customer("ada", "cus_1")

    assert ledger.save_customer("ada", "cus_2", instead_of="cus_0") == "cus_1"
    assert ledger.save_customer("ada", "cus_2", instead_of="cus_1") == "cus_2"
    assert ledger.save_customer("ada", "cus_3", instead_of="cus_1") == "cus_2"


def test_saving_a_customer_leaves_the_balance(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)
    ledger.save_customer("ada", "cus_1")

    account = ledger.account("ada")
    assert (account.balance, account.stripe_customer_id) == (110, "cus_1")


# --- the history


@pytest.fixture
def seven_entries(ledger: Ledger) -> list[str]:
    """Return the ids of seven purchases, newest first, with another user's among them."""
    ids = []
    for number in range(7):
        bought = purchase(f"cs_h{number}")
        ledger.credit(bought, NO_LIMITS)
        ledger.credit(purchase(uid="bob"), NO_LIMITS)
        ids.append(bought.entry_id)
    return ids[::-1]


def pages(ledger: Ledger, limit: int) -> Iterator[list[str]]:
    cursor = None
    while True:
        page = ledger.transactions("ada", limit=limit, cursor=cursor)
        yield [entry.id for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            return


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_cursors_lead_through_every_entry_once_newest_first(
    ledger: Ledger, seven_entries: list[str], limit: int
) -> None:
    read = list(pages(ledger, limit))

    assert [id_ for page in read for id_ in page] == seven_entries
    assert all(len(page) <= limit for page in read)


def test_an_offset_skips_the_newest(ledger: Ledger, seven_entries: list[str]) -> None:
    page = ledger.transactions("ada", limit=3, offset=2)

    assert [entry.id for entry in page.entries] == seven_entries[2:5]


def test_an_offset_beyond_the_end_gives_an_empty_last_page(ledger: Ledger, seven_entries: list[str]) -> None:
    page = ledger.transactions("ada", limit=3, offset=50)

    assert (page.entries, page.next_cursor) == ([], None)


def test_entries_that_arrive_meanwhile_do_not_shift_a_cursors_page(ledger: Ledger, seven_entries: list[str]) -> None:
    first = ledger.transactions("ada", limit=3)
    ledger.credit(purchase(), NO_LIMITS)

    second = ledger.transactions("ada", limit=3, cursor=first.next_cursor)

    assert [entry.id for entry in second.entries] == seven_entries[3:6]


@pytest.mark.parametrize(
    "cursor", ["x", "!!!!", "dDEyMw=!", "é", "eHh4", "dA", "dC01", "dDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"]
)
def test_a_cursor_that_is_not_ours_is_bad_input(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(BadInput) as raised:
        ledger.transactions("ada", limit=10, cursor=cursor)
    assert raised.value.code == "bad_cursor"


# --- many at once


def test_fifty_deliveries_of_one_purchase_at_once_make_one_entry(ledger: Ledger) -> None:
    bought = purchase("cs_1")

    outcomes = at_once(50, lambda _: ledger.credit(bought, LIMITS))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Credited"] + ["Duplicate"] * 49
    assert [entry.id for entry in all_entries(ledger)] == ["purchase:cs_1"]
    assert ledger.account("ada").balance == 110


def test_thirty_purchases_of_one_user_at_once_all_land(ledger: Ledger) -> None:
    bought = [purchase() for _ in range(30)]

    outcomes = at_once(30, lambda number: ledger.credit(bought[number], NO_LIMITS))

    assert all(isinstance(outcome, Credited) for outcome in outcomes)
    assert ledger.account("ada").balance == 30 * 110
    assert {entry.id for entry in all_entries(ledger)} == {one.entry_id for one in bought}
    assert_chain_holds(ledger)


def test_of_twenty_purchases_at_once_five_are_credited_and_fifteen_held(
    ledger: Ledger, client: firestore.Client
) -> None:
    bought = [purchase() for _ in range(20)]

    outcomes = at_once(20, lambda number: ledger.credit(bought[number], LIMITS))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Credited"] * 5 + ["Held"] * 15
    held = [one for one in bought if fields(client, f"held_purchases/{one.session_id}")]
    alerted = [one for one in bought if fields(client, f"security_alerts/held:{one.session_id}")]
    assert held == alerted
    assert len(held) == 15
    assert_chain_holds(ledger)


def test_concurrent_spends_never_overdraw(ledger: Ledger) -> None:
    ledger.credit(purchase(), LIMITS)

    def try_to_spend(number: int) -> bool:
        try:
            ledger.post("ada", spend(f"k{number}", 20))
        except NotEnoughTokens:
            return False
        return True

    assert sum(at_once(10, try_to_spend)) == 5
    assert ledger.account("ada").balance == 10
    assert_chain_holds(ledger)


# --- clocks and faults


def test_times_rise_though_the_clock_goes_back(client: firestore.Client) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for shift in (0, -60, -30, 0):
        ledger_of(client, clock=lambda shift=shift: now + timedelta(seconds=shift)).credit(purchase(), NO_LIMITS)  # type: ignore[misc] # the default binds the loop's value

    times = [entry.timestamp for entry in all_entries(ledger_of(client))]
    assert times == [now + timedelta(microseconds=number) for number in range(4)]


def test_an_account_that_moves_between_read_and_commit_is_read_again(client: firestore.Client) -> None:
    """The clock is asked between the two: another instance credits the same user just then."""
    ledger_of(client).credit(purchase(tokens=50), NO_LIMITS)
    first = [True]

    def clock() -> datetime:
        if first:
            first.clear()
            ledger_of(client).credit(purchase(tokens=700), NO_LIMITS)
        return datetime.now(UTC)

    outcome = ledger_of(client, clock=clock).credit(purchase(tokens=110), NO_LIMITS)

    assert isinstance(outcome, Credited)
    assert outcome.entry.balance_after == 50 + 700 + 110
    assert_chain_holds(ledger_of(client))


CALLS: dict[str, Callable[[Ledger], object]] = {
    "account": lambda ledger: ledger.account("ada"),
    "entry": lambda ledger: ledger.get_by_stripe_session("cs_1"),
    "transactions": lambda ledger: ledger.transactions("ada", limit=10),
    "credit": lambda ledger: ledger.credit(purchase(), LIMITS),
    "hold": lambda ledger: ledger.hold(invalid("cs_1")),
    "hold for nobody": lambda ledger: ledger.hold(invalid("cs_1", uid=None)),
    "alert": lambda ledger: ledger.raise_alert(Alert("x", "x", "high", None, {})),
    "save_customer": lambda ledger: ledger.save_customer("ada", "cus_1"),
    "post": lambda ledger: ledger.post("ada", spend("k1", 1)),
    "purchase_of_payment": lambda ledger: ledger.purchase_of_payment("pi_1"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_firestore_away_is_unavailable(call: Callable[[Ledger], object]) -> None:
    away = FakeFirestore()
    away.away = True

    with pytest.raises(Unavailable) as raised:
        call(ledger_of(away.as_client()))

    assert raised.value.status == 503


def test_spends_that_come_again_when_one_token_is_left_are_all_duplicates(ledger: Ledger) -> None:
    """In a group of them the one token pays for any one: which entries exist has to be learned of all."""
    ledger.credit(purchase(tokens=7), LIMITS)
    spends = [spend(f"k{number}", 1) for number in range(6)]
    for one in spends:
        ledger.post("ada", one)

    outcomes = at_once(6, lambda number: ledger.post("ada", spends[number]))

    assert all(isinstance(outcome, Duplicate) for outcome in outcomes)
    assert ledger.account("ada").balance == 1


def test_a_refund_that_the_account_has_forgotten_still_counts() -> None:
    """Somebody whose purchases are all held and refunded must not fill the account, nor get a refunded one credited."""
    ledger = ledger_of(FakeFirestore().as_client())
    ledger.credit(purchase("cs_0"), NO_LIMITS)
    for number in range(1, REVERSED_EARLY_MAX + 2):
        ledger.reverse("ada", f"pi_{number}", RefundMade(f"re_{number}", 999))
    account = ledger.account("ada")
    assert (len(account.reversed_early), account.forgot_reversal) == (REVERSED_EARLY_MAX, True)
    assert "pi_1" not in account.reversed_early

    ledger.credit(purchase("cs_1", payment_intent_id="pi_1"), NO_LIMITS)

    assert ledger.account("ada").balance == 110
    assert_chain_holds(ledger)


# --- what changes between two steps


def test_an_account_that_another_instance_opens_meanwhile_is_read_again(client: firestore.Client) -> None:
    """The app has written the profile first, so that users/{uid} exists and accounts/{uid} does not."""
    batch = client.batch()
    batch.create(client.document("users/ada"), {"displayName": "Ada"})
    batch.commit()
    first = [True]

    def clock() -> datetime:
        if first:
            first.clear()
            ledger_of(client).credit(purchase(tokens=50), NO_LIMITS)
        return datetime.now(UTC)

    outcome = ledger_of(client, clock=clock).credit(purchase(), NO_LIMITS)

    assert isinstance(outcome, Credited)
    assert outcome.entry.balance_after == 160


def test_a_fact_about_a_payment_that_was_just_released_finds_its_buyer_at_the_next_delivery(ledger: Ledger) -> None:
    ledger.credit(purchase(payment_intent_id="pi_1"), LIMITS)

    with pytest.raises(Unavailable):
        ledger.note_fact("pi_1", RefundMade("re_1", 999))
    with pytest.raises(Unavailable):
        ledger.reverse("bob", "pi_1", RefundMade("re_1", 999))

    assert isinstance(ledger.reverse("ada", "pi_1", RefundMade("re_1", 999)), Reversed)
    assert ledger.account("bob") == Account("bob")


def test_a_held_purchase_that_the_account_has_forgotten_is_never_credited(ledger: Ledger) -> None:
    credit_up_to_the_limit(ledger)
    over = purchase("cs_0")
    ledger.credit(over, LIMITS)
    for number in range(OPEN_PURCHASES_MAX):
        ledger.hold(invalid(f"cs_held_{number}"))
    assert ledger.account("ada").open_state("cs_0") is None

    assert ledger.credit(over, NO_LIMITS) == AlreadyHeld("cs_0")
