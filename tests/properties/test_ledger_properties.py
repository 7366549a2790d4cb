"""Whatever is delivered, how often and in which order: the balance is the sum of what was bought."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.firestore.ledger import Ledger
from shared.domain.crediting import AlreadyHeld, Credited, Duplicate, Held
from shared.domain.errors import BadInput
from shared.domain.limits import Limits
from shared.domain.purchase import Purchase
from shared.domain.times import HOUR_S
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, PAID_AT, purchase

PURCHASES = [
    purchase(f"cs_{number}", uid=uid, tokens=tokens, payment_intent_id=f"pi_{number}", paid_at=PAID_AT + number * 60)
    for number, (uid, tokens) in enumerate([("ada", 110), ("ada", 50), ("bob", 250), ("ada", 700), ("bob", 50)] * 2)
]

deliveries = st.lists(st.sampled_from(PURCHASES), max_size=40)
clock_shifts_s = st.lists(st.integers(-3_600, 3_600), min_size=1)


def assert_balances_hold(ledger: Ledger, credited: list[Purchase]) -> None:
    for uid in ("ada", "bob"):
        entries = ledger.transactions(uid, limit=100).entries[::-1]
        balance = 0
        for entry in entries:
            balance += entry.amount
            assert entry.balance_after == balance
        assert all(one.timestamp < two.timestamp for one, two in pairwise(entries))
        assert ledger.account(uid).balance == balance == sum(one.tokens for one in credited if one.uid == uid)
        assert sorted(entry.id for entry in entries) == sorted(one.entry_id for one in credited if one.uid == uid)


@given(deliveries, clock_shifts_s)
def test_every_distinct_purchase_counts_once(delivered: list[Purchase], shifts_s: list[int]) -> None:
    """Also when the clocks of the instances disagree."""
    asked = 0

    def clock() -> datetime:
        nonlocal asked
        asked += 1
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=shifts_s[asked % len(shifts_s)])

    ledger = ledger_of(FakeFirestore().as_client(), clock=clock)
    for one in delivered:
        assert isinstance(ledger.credit(one, NO_LIMITS), Credited | Duplicate)

    assert_balances_hold(ledger, list(dict.fromkeys(delivered)))


@given(deliveries)
def test_with_limits_each_purchase_is_credited_or_held_and_stays_so(delivered: list[Purchase]) -> None:
    store = FakeFirestore()
    ledger = ledger_of(store.as_client())
    fate: dict[Purchase, str] = {}
    for one in delivered:
        outcome = ledger.credit(one, Limits(per_hour=2, per_day=3))
        now = "held" if isinstance(outcome, Held | AlreadyHeld) else "credited"
        assert fate.setdefault(one, now) == now

    assert_balances_hold(ledger, [one for one, what in fate.items() if what == "credited"])
    held = sorted(one.session_id for one, what in fate.items() if what == "held")
    assert store.paths("held_purchases") == [f"held_purchases/{id_}" for id_ in held]
    assert store.paths("security_alerts") == [f"security_alerts/held:{id_}" for id_ in held]


@given(st.integers(1, 20), st.integers(1, 8))
def test_cursors_lead_through_any_history_in_pages_of_any_size(entries: int, limit: int) -> None:
    ledger = ledger_of(FakeFirestore().as_client())
    bought = [purchase() for _ in range(entries)]
    for one in bought:
        ledger.credit(one, NO_LIMITS)

    read, cursor = [], None
    while True:
        page = ledger.transactions("ada", limit=limit, cursor=cursor)
        read += [entry.id for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert read == [one.entry_id for one in reversed(bought)]


@given(st.text(min_size=1))
def test_any_text_for_a_cursor_is_a_page_or_bad_input(cursor: str) -> None:
    try:
        page = ledger_of(FakeFirestore().as_client()).transactions("ada", limit=10, cursor=cursor)
    except BadInput as error:
        assert error.code == "bad_cursor"  # noqa: PT017 - a page is as good an answer
    else:
        assert page.entries == []


# --- limits


@given(
    st.lists(st.integers(PAID_AT, PAID_AT + 4 * HOUR_S), max_size=60),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_no_window_ever_holds_more_than_its_limit(arrivals: list[int], per_hour: int, per_day: int) -> None:
    """Through the ledger, whatever order they arrive in."""
    ledger = ledger_of(FakeFirestore().as_client())
    limits = Limits(per_hour, per_day)
    admitted = [at for at in arrivals if isinstance(ledger.credit(purchase(paid_at=at), limits), Credited)]

    for begin in admitted:
        assert sum(begin <= at < begin + HOUR_S for at in admitted) <= per_hour
        assert sum(begin <= at < begin + 24 * HOUR_S for at in admitted) <= per_day
