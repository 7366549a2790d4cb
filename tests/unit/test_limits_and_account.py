"""The limits' edges, what an entry does to an account, and which events are whose."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.account import OPEN_PURCHASES_MAX, Account, OpenState
from shared.domain.entry import Entry, EntryType, NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.limits import REMEMBERED_MAX, Limits, PurchaseTime, remember
from shared.domain.stripe_events import purchase_type_of
from shared.domain.times import DAY_S, HOUR_S
from tests.purchases import purchase
from tests.stripe_events import load, session_event

NOW = 1_795_000_000
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(per_hour=5, per_day=20)


# --- limits


@pytest.mark.parametrize(("count", "exceeded"), [(0, False), (4, False), (5, True), (6, True)])
def test_five_purchases_fit_into_an_hour(count: int, exceeded: bool) -> None:
    assert LIMITS.exceeded([NOW - number for number in range(count)], NOW) is exceeded


def test_an_hour_is_over_after_exactly_an_hour() -> None:
    purchases = [NOW] * 5
    assert LIMITS.exceeded(purchases, NOW + HOUR_S - 1)
    assert not LIMITS.exceeded(purchases, NOW + HOUR_S)


def test_twenty_purchases_fit_into_a_day() -> None:
    spread = [NOW + number * HOUR_S for number in range(20)]
    assert not LIMITS.exceeded(spread[:19], NOW + 19 * HOUR_S)
    assert LIMITS.exceeded(spread, NOW + DAY_S - 1)
    assert not LIMITS.exceeded(spread, NOW + DAY_S)


def test_a_purchase_that_arrives_late_counts_in_the_hour_it_was_paid() -> None:
    assert LIMITS.exceeded([NOW + number for number in range(5)], NOW - 60)
    assert not LIMITS.exceeded([NOW + number for number in range(5)], NOW - HOUR_S)


@pytest.mark.parametrize(
    ("purchases", "wait_s"),
    [
        ([], 0),
        ([NOW] * 4, 0),
        ([NOW] * 5, HOUR_S),
        ([NOW - 600] + [NOW] * 4, HOUR_S - 600),
        ([NOW - HOUR_S] * 5, 0),
        ([NOW - number * HOUR_S for number in range(20)], 5 * HOUR_S),
    ],
    ids=["none", "room", "full", "the oldest leaves first", "all left", "a full day"],
)
def test_a_buyer_waits_until_the_oldest_purchase_leaves_the_window(purchases: list[int], wait_s: int) -> None:
    assert LIMITS.wait_s(purchases, NOW) == wait_s


def bought(paid_at: int, entered_at: int | None = None) -> PurchaseTime:
    return PurchaseTime(paid_at, paid_at if entered_at is None else entered_at)


def test_purchases_are_remembered_in_order_for_as_long_as_an_older_one_may_still_arrive() -> None:
    first, four_days = bought(NOW), 4 * DAY_S

    assert remember((first,), bought(NOW - 5)) == (bought(NOW - 5), first)
    assert remember((first,), bought(NOW + four_days - 1))[0] == first
    assert remember((first,), bought(NOW + four_days)) == (bought(NOW + four_days),)


def test_a_purchase_entered_today_is_remembered_whatever_payment_time_it_claims() -> None:
    backdated = bought(NOW - 30 * DAY_S, entered_at=NOW)

    assert backdated in remember((backdated,), bought(NOW + 60))


def test_an_account_remembers_a_bounded_number_of_purchases() -> None:
    times: tuple[PurchaseTime, ...] = ()
    for second in range(REMEMBERED_MAX + 100):
        times = remember(times, bought(NOW + second))

    assert times == tuple(bought(NOW + second) for second in range(100, REMEMBERED_MAX + 100))


# --- account


@pytest.mark.parametrize(
    ("type_", "amount", "totals"),
    [
        ("purchase", 110, (210, 110, 0, 0)),
        ("grant", 5, (105, 0, 5, 0)),
        ("spend", -30, (70, 0, 0, 30)),
        ("refund", -30, (70, 0, 0, 0)),
        ("dispute", -130, (-30, 0, 0, 0)),
        ("dispute_reversal", 30, (130, 0, 0, 0)),
        ("adjustment", -1, (99, 0, 0, 0)),
    ],
)
def test_an_entry_changes_the_balance_and_its_own_total(
    type_: EntryType, amount: int, totals: tuple[int, int, int, int]
) -> None:
    account, entry = Account("ada", balance=100).post(NewEntry("x:1", type_, amount, {"why": "test"}), AT)

    assert (account.balance, account.purchased, account.earned, account.spent) == totals
    assert entry == Entry("x:1", "ada", type_, amount, totals[0], AT, {"why": "test"})


def test_a_spend_may_take_the_last_token_but_not_one_more() -> None:
    account = Account("ada", balance=10)

    assert account.post(NewEntry("s", "spend", -10, {}), AT)[0].balance == 0
    with pytest.raises(NotEnoughTokens):
        account.post(NewEntry("s", "spend", -11, {}), AT)


def test_a_purchase_pays_a_debt_first() -> None:
    account, _ = Account("ada", balance=-30).post(purchase().new_entry(), AT)

    assert account.balance == 80


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(seconds=1), timedelta(days=1)])
def test_an_entry_is_later_than_the_one_before_though_the_clock_is_not(behind: timedelta) -> None:
    account, _ = Account("ada", last_entry_at=AT).post(purchase().new_entry(), AT - behind)

    assert account.last_entry_at == AT + timedelta(microseconds=1)


WAITING: list[OpenState] = ["waiting"] * OPEN_PURCHASES_MAX
HELD: list[OpenState] = ["held"] * OPEN_PURCHASES_MAX


def open_purchases(*states: OpenState) -> Account:
    account = Account("ada")
    for number, state in enumerate(states):
        account = account.with_open_purchase(f"cs_{number}", state, AT + timedelta(seconds=number))
    return account


def test_an_account_keeps_a_bounded_number_of_open_purchases_and_drops_the_oldest_failed_one_first() -> None:
    account = open_purchases("held", "failed", "failed", *WAITING)

    assert len(account.open_purchases) == OPEN_PURCHASES_MAX
    dropped = [id_ for id_ in ("cs_0", "cs_1", "cs_2", "cs_3", "cs_4") if id_ not in account.open_purchases]
    assert dropped == ["cs_1", "cs_2", "cs_3"]


def test_a_held_purchase_is_dropped_last() -> None:
    account = open_purchases(*HELD, "failed")

    assert account.open_state("cs_0") is None
    assert account.open_state(f"cs_{OPEN_PURCHASES_MAX}") == "failed"


def test_the_same_facts_are_no_difference() -> None:
    posting = purchase("cs_1").new_entry()
    _, entry = Account("ada").post(posting, AT)

    assert entry.differences("ada", posting) == []


def test_details_that_only_one_side_has_are_no_difference() -> None:
    _, entry = Account("ada").post(NewEntry("x", "grant", 1, {"old": 1, "both": 1}), AT)

    assert entry.differences("ada", NewEntry("x", "grant", 1, {"new": 1, "both": 1})) == []


def test_every_difference_is_named() -> None:
    _, entry = Account("ada").post(NewEntry("x", "grant", 1, {"both": 1}), AT)

    differences = entry.differences("bob", NewEntry("x", "spend", -1, {"both": 2}))

    assert sorted(differences) == ["amount", "details.both", "type", "userId"]


# --- routing


@pytest.mark.parametrize(
    "name", ["completed_paid", "completed_unpaid", "async_payment_succeeded", "async_payment_failed", "completed_free"]
)
def test_a_token_purchases_session_goes_to_the_token_handler(name: str) -> None:
    assert purchase_type_of(load(name)) == "token_package"


def test_a_subscription_goes_to_its_own_handler() -> None:
    assert purchase_type_of(load("subscription_updated")) == "subscription"


def test_another_products_session_goes_nowhere() -> None:
    assert purchase_type_of(load("completed_other_product")) is None


@pytest.mark.parametrize(
    ("metadata", "routed"),
    [({"purchase_type": "token_package"}, "token_package"), ({}, "token_package"), ({"purchase_type": "book"}, None)],
)
def test_a_refund_goes_to_the_token_handler_unless_its_charge_is_anothers(
    metadata: dict[str, str], routed: str | None
) -> None:
    """A session may carry our metadata where its payment does not: the ledger knows."""
    event = load("charge_refunded")
    event["data"]["object"]["metadata"] = metadata

    assert purchase_type_of(event) == routed


@pytest.mark.parametrize("type_", ["customer.created", "payment_intent.succeeded", "checkout.session.expired"])
def test_an_event_that_nobody_handles_goes_nowhere(type_: str) -> None:
    assert purchase_type_of({**load("completed_paid"), "type": type_}) is None


@pytest.mark.parametrize("metadata", [None, [], "token_package", {"purchase_type": "subscription"}])
def test_strange_metadata_goes_nowhere(metadata: object) -> None:
    event = session_event()
    event["data"]["object"]["metadata"] = metadata

    assert purchase_type_of(event) is None
