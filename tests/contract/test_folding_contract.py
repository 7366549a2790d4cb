"""Changes of one account that wait together: one commit for a group, over the fake and the emulator."""

from collections.abc import Callable
from functools import partial
from itertools import count, permutations
from typing import Any

import pytest
from google.cloud import firestore

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.folding import Group, Slot
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.reservations import Reservations
from shared.adapters.firestore.store import AccountStore
from shared.domain.change import Decide
from shared.domain.crediting import Duplicate, decide_credit, decide_open_purchase
from shared.domain.entry import NewEntry
from shared.domain.errors import LedgerConflict, NotEnoughTokens, RequestError
from shared.domain.limits import Limits
from shared.domain.payment_facts import BalanceTransaction, DisputeState, RefundMade
from shared.domain.posting import Posted, decide_post
from shared.domain.reserving import decide_capture
from shared.domain.reversing import Noted, NothingNew, Reversed, decide_reversal
from shared.domain.spend_requests import Capture, ReservationKey, ReservationRequest
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import assert_chain_holds, ledger_of
from tests.purchases import purchase

LIMITS = Limits(per_hour=5, per_day=20)
JOB = ReservationKey("ada", "job")


@pytest.fixture(params=["fake", "emulator"])
def client(request: pytest.FixtureRequest) -> firestore.Client:
    if request.param == "fake":
        return FakeFirestore().as_client()
    client: firestore.Client = request.getfixturevalue("firestore_client")
    return client


@pytest.fixture
def ledger(client: firestore.Client) -> Ledger:
    return ledger_of(client)


def spend(key: str, amount: int) -> NewEntry:
    return NewEntry(f"spend:ada:{key}", "spend", -amount, {"reason": "render"})


def waiting(*entries: NewEntry, left: object = None) -> Group:
    """Return a group in which each of these waits to be posted, after one that left the account so."""
    return Group([Slot(partial(decide_post, new=entry, create_account=False)) for entry in entries], left)


def folded(client: firestore.Client, *decisions: Decide[Any]) -> list[Any]:
    """Take decisions about ada as one group, as if they had waited together; return outcomes, or what failed."""
    store = AccountStore(Database(client))
    group = Group([Slot(decision) for decision in decisions])
    store._settle("ada", group)
    return [slot.result() for slot in group.slots]


@pytest.mark.parametrize("order", list(permutations(["credit", "refund", "dispute"])), ids="-".join)
def test_a_purchase_and_its_reversals_may_land_in_one_commit_in_any_order(
    client: firestore.Client, order: tuple[str, ...]
) -> None:
    ledger = ledger_of(client)
    ledger.post("ada", NewEntry("grant:1", "grant", 5, {}), create_account=True)
    bought = purchase("cs_1", payment_intent_id="pi_1")
    withdrawn = frozenset({BalanceTransaction("txn_1", -999, "usd")})
    disputed = DisputeState("dp_1", 999, "usd", "lost", None, withdrawn)
    decisions: dict[str, Decide[Any]] = {
        "credit": partial(decide_credit, purchase=bought, limits=LIMITS, genuine=False),
        "refund": partial(decide_reversal, payment="pi_1", fact=RefundMade("re_1", 500)),
        "dispute": partial(decide_reversal, payment="pi_1", fact=disputed),
    }

    first, second, third = (decisions[name] for name in order)
    folded(client, first, second, third)

    assert ledger.account("ada").balance == 5
    assert ledger.account("ada").reversed_early == ()
    assert_chain_holds(ledger)
    assert isinstance(ledger.reverse("ada", "pi_1", disputed), NothingNew)


def test_a_credit_and_a_late_note_of_its_pending_payment_leave_nothing_open(client: firestore.Client) -> None:
    waiting = partial(decide_open_purchase, session_id="cs_1", entry_id="purchase:cs_1", state="waiting")
    credit = partial(decide_credit, purchase=purchase("cs_1"), limits=LIMITS, genuine=False)

    folded(client, credit, waiting)

    account = ledger_of(client).account("ada")
    assert (account.balance, dict(account.open_purchases)) == (110, {})


def test_refunds_of_more_purchases_than_one_query_finds_land_together(client: firestore.Client) -> None:
    ledger, generous = ledger_of(client), Limits(per_hour=250, per_day=250)
    for number in range(31):
        ledger.credit(purchase(f"cs_{number}", payment_intent_id=f"pi_{number}"), generous)
    payments = [f"pi_{number}" for number in range(32)]
    assert AccountStore(Database(client)).purchases_of_payments(payments).keys() == set(payments[:31])
    refunds = [partial(decide_reversal, payment=payment, fact=RefundMade(f"re_{payment}", 999)) for payment in payments]

    outcomes = folded(client, *refunds)

    assert [type(outcome) for outcome in outcomes] == [Reversed] * 31 + [Noted], "nobody knows the last purchase"
    assert ledger.account("ada").balance == 0
    assert_chain_holds(ledger)


def test_what_cannot_be_read_fails_alone(client: firestore.Client, ledger: Ledger) -> None:
    """A record of a later version, after a rollback: the owner's other changes still land."""
    ledger.credit(purchase(payment_intent_id="pi_1"), LIMITS)
    batch = client.batch()
    unknown = {"userId": "ada", "facts": [{"kind": "new", "id": "x", "cents": 1}], "taken": 0, "firstVersion": None}
    batch.create(client.document("payments/pi_1"), unknown)
    batch.commit()
    store = AccountStore(Database(client))
    slots = [
        Slot(partial(decide_reversal, payment="pi_1", fact=RefundMade("re_1", 1))),
        Slot(partial(decide_post, new=spend("k1", 10), create_account=False)),
    ]

    store._settle("ada", Group(slots))

    with pytest.raises(ValueError, match="unknown kind"):
        slots[0].result()
    assert isinstance(slots[1].result(), Posted)
    assert ledger.account("ada").balance == 100


# --- one group after another


def test_a_group_leaves_the_account_as_a_read_would_find_it(client: firestore.Client, ledger: Ledger) -> None:
    ledger.credit(purchase("cs_1", payment_intent_id="pi_1"), LIMITS)
    ledger.set_open_purchase("ada", "cs_2", "waiting")
    store = AccountStore(Database(client))
    expiring = NewEntry("grant:1", "grant", 5, {}, expires_in_days=30)

    left = store._settle("ada", waiting(expiring, spend("k1", 3)))

    assert left == store.read("ada")
    assert left is not None
    assert (left.account.balance, len(left.account.lots)) == (112, 1)


def test_the_next_group_lands_without_a_read() -> None:
    firestore = FakeFirestore()
    client = firestore.as_client()
    ledger_of(client).credit(purchase(tokens=110), LIMITS)
    store = AccountStore(Database(client))
    left = store._settle("ada", waiting(spend("k1", 10)))
    firestore.forget()

    store._settle("ada", waiting(spend("k2", 10), spend("k3", 10), left=left))

    assert (firestore.reads, firestore.writes) == (0, 4)
    assert store.read("ada").account.balance == 80


def a_purchase(other: Ledger) -> object:
    return other.credit(purchase("cs_2", tokens=110), LIMITS)


def a_spend(other: Ledger) -> object:
    return other.post("ada", spend("k2", 5))


@pytest.mark.parametrize(
    ("happens", "then", "expected"),
    [
        (a_purchase, spend("k2", 110), (Posted, 10)),
        (a_spend, spend("k3", 10), (NotEnoughTokens, 5)),
        (a_spend, spend("k2", 5), (Duplicate, 5)),
        (a_spend, spend("k2", 10), (LedgerConflict, 5)),
    ],
    ids=["more tokens", "fewer tokens", "the same spend", "the same key"],
)
def test_what_another_instance_did_since_the_last_group_counts(
    client: firestore.Client,
    ledger: Ledger,
    happens: Callable[[Ledger], object],
    then: NewEntry,
    expected: tuple[type, int],
) -> None:
    ledger.credit(purchase(tokens=110), LIMITS)
    store = AccountStore(Database(client))
    left = store._settle("ada", waiting(spend("k1", 100)))
    happens(ledger)
    group = waiting(then, left=left)

    store._settle("ada", group)

    assert (type(outcome_of(group.slots[0])), ledger.account("ada").balance) == expected
    assert_chain_holds(ledger)


def test_whoever_comes_before_a_lost_group_is_decided_again_joins_it(client: firestore.Client, ledger: Ledger) -> None:
    ledger.credit(purchase(tokens=110), LIMITS)
    store = AccountStore(Database(client))
    left = store._settle("ada", waiting(spend("k1", 10)))
    a_spend(ledger)
    group, late = waiting(spend("k3", 1), left=left), waiting(spend("k4", 2), spend("k2", 5), spend("k5", 900)).slots
    arrivals = iter([[], late])
    group.waiting = lambda _room: next(arrivals, [])

    left = store._settle("ada", group)

    outcomes = [type(outcome_of(slot)) for slot in group.slots]
    assert outcomes == [Posted, Posted, Duplicate, NotEnoughTokens]
    assert ledger.account("ada").balance == 110 - 10 - 5 - 1 - 2
    assert left == store.read("ada")
    assert_chain_holds(ledger)


def much_is_bought(other: Ledger) -> None:
    for number in range(3):
        other.credit(purchase(f"cs_more_{number}", tokens=110), LIMITS)


def a_job_begins(other: Ledger) -> None:
    Reservations(other.store).reserve(ReservationRequest(JOB, 20, 20, "render", 60, "release"))


@pytest.mark.parametrize("attempt", [1, 2], ids=["while it was read", "before it is decided again"])
@pytest.mark.parametrize(
    ("happens", "then"),
    [
        (much_is_bought, partial(decide_post, new=spend("late", 300), create_account=False)),
        (a_job_begins, partial(decide_capture, capture=Capture(JOB, 20))),
    ],
    ids=["more tokens", "a reservation"],
)
def test_nobody_is_refused_on_an_account_that_was_read_before_they_asked(
    client: firestore.Client, ledger: Ledger, happens: Callable[[Ledger], None], then: Decide[Any], attempt: int
) -> None:
    """Whoever leads changes nothing, so that no commit tells that the account has changed."""
    ledger.credit(purchase(tokens=110), LIMITS)
    ledger.post("ada", spend("k1", 10))
    late = Slot(then)
    asked = count(1)

    def arrive(_room: int) -> tuple[Slot, ...]:
        if next(asked) != attempt:
            return ()
        happens(ledger_of(client))
        return (late,)

    group = waiting(spend("k1", 10) if attempt == 2 else spend("k2", 5_000))
    group.waiting = arrive

    AccountStore(Database(client))._settle("ada", group)

    assert type(outcome_of(group.slots[0])) is (Duplicate if attempt == 2 else NotEnoughTokens)
    assert isinstance(outcome_of(late), Posted)
    assert_chain_holds(ledger)


def outcome_of(slot: Slot) -> object:
    """Return what a caller gets, or what it is raised."""
    try:
        return slot.result()
    except (RequestError, LedgerConflict) as error:
        return error
