"""What the ledger's work costs, and what it does when Firestore fails halfway: only the fake can count and fail."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions as google_errors

from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.reservations import Reservations
from shared.domain.crediting import AlreadyHeld, Credited, Duplicate, Held
from shared.domain.entry import NewEntry
from shared.domain.errors import LedgerRefused, Unavailable
from shared.domain.limits import Limits
from shared.domain.lots import LOTS_MAX
from shared.domain.payment_facts import RefundMade
from shared.domain.reservation import RESERVATIONS_MAX
from shared.domain.spend_requests import Capture, Renewal, ReservationKey, ReservationRequest, Reversal
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, invalid, purchase

TRANSIENT = [
    google_errors.ServiceUnavailable("away"),
    google_errors.DeadlineExceeded("slow"),
    google_errors.InternalServerError("oops"),
    google_errors.TooManyRequests("busy"),
]


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client())


def cost(firestore: FakeFirestore) -> tuple[int, int, int]:
    return firestore.reads, firestore.writes, firestore.commits


def cost_of(firestore: FakeFirestore, do: Callable[[], object]) -> tuple[int, int, int]:
    firestore.forget()
    do()
    return cost(firestore)


# --- costs: reads, writes, commits


def test_a_first_credit_costs_one_read_and_three_writes(firestore: FakeFirestore, ledger: Ledger) -> None:
    ledger.credit(purchase(), NO_LIMITS)

    assert cost(firestore) == (1, 3, 1)


def test_every_later_credit_costs_one_read_and_three_writes(firestore: FakeFirestore, ledger: Ledger) -> None:
    for _ in range(6):
        ledger.credit(purchase(), NO_LIMITS)
    firestore.forget()

    ledger.credit(purchase(), NO_LIMITS)

    assert cost(firestore) == (1, 3, 1)


def test_a_duplicate_costs_two_reads_and_writes_nothing(firestore: FakeFirestore, ledger: Ledger) -> None:
    bought = purchase()
    ledger.credit(bought, NO_LIMITS)
    firestore.forget()

    ledger.credit(bought, NO_LIMITS)

    assert cost(firestore) == (2, 0, 0)


def test_get_by_stripe_session_is_one_document_read(firestore: FakeFirestore, ledger: Ledger) -> None:
    ledger.credit(purchase("cs_1"), NO_LIMITS)
    firestore.forget()

    assert ledger.get_by_stripe_session("cs_1") is not None
    assert cost(firestore) == (1, 0, 0)


def test_a_balance_is_one_document_read(firestore: FakeFirestore, ledger: Ledger) -> None:
    ledger.owner_view("ada")

    assert cost(firestore) == (1, 0, 0)


def test_a_cursor_reads_only_its_page_and_an_offset_also_what_it_skips(
    firestore: FakeFirestore, ledger: Ledger
) -> None:
    for _ in range(10):
        ledger.credit(purchase(), NO_LIMITS)
    cursor = ledger.transactions("ada", limit=6).next_cursor
    firestore.forget()

    ledger.transactions("ada", limit=2, cursor=cursor)
    assert firestore.reads == 2
    firestore.forget()

    ledger.transactions("ada", limit=2, offset=6)
    assert firestore.reads == 8


def test_a_held_purchase_delivered_again_costs_one_read(firestore: FakeFirestore, ledger: Ledger) -> None:
    ledger.credit(purchase(), Limits(1, 1))
    over = purchase()
    assert isinstance(ledger.credit(over, Limits(1, 1)), Held)
    firestore.forget()

    ledger.credit(over, Limits(1, 1))

    assert cost(firestore) == (1, 0, 0)


@pytest.mark.parametrize("is_full", [False, True], ids=["empty", "48 lots and 49 reservations"])
def test_a_job_costs_the_same_beside_any_number_of_lots_and_reservations(
    firestore: FakeFirestore, ledger: Ledger, is_full: bool
) -> None:
    ledger.post("ada", NewEntry("adjustment:1", "adjustment", 1000, {}), create_account=True)
    for number in range(LOTS_MAX if is_full else 0):
        ledger.post("ada", NewEntry(f"grant:{number}", "grant", 1, {}, expires_in_days=number + 1))
    reservations = Reservations(ledger.store)
    for number in range(RESERVATIONS_MAX - 1 if is_full else 0):
        reservations.reserve(reserving(f"other-{number}"))
    key = ReservationKey("ada", "job")
    costs = {
        "reserve": cost_of(firestore, lambda: reservations.reserve(reserving("job"))),
        "renew": cost_of(firestore, lambda: reservations.renew(Renewal(key, 1, 1000))),
        "capture": cost_of(firestore, lambda: reservations.capture(Capture(key, 1))),
        "spend": cost_of(firestore, lambda: ledger.post("ada", NewEntry("spend:ada:1", "spend", -1, {}))),
        "grant": cost_of(
            firestore, lambda: ledger.post("ada", NewEntry("grant:ada:1", "grant", 1, {}, expires_in_days=5))
        ),
        "reserve again": cost_of(firestore, lambda: reservations.reserve(reserving("job-2"))),
        "release": cost_of(firestore, lambda: reservations.release(ReservationKey("ada", "job-2"))),
    }

    assert costs == {
        "reserve": (1, 3, 1),
        "renew": (1, 2, 1),
        "capture": (1, 3, 1),
        "spend": (1, 3, 1),
        "grant": (1, 3, 1),
        "reserve again": (1, 3, 1),
        "release": (2, 3, 1),
    }


def reserving(key: str) -> ReservationRequest:
    return ReservationRequest(ReservationKey("ada", key), 10, 10, "render", 900, "release")


def test_giving_back_costs_four_reads_and_one_per_lot(firestore: FakeFirestore, ledger: Ledger) -> None:
    for number in range(3):
        ledger.post("ada", NewEntry(f"grant:{number}", "grant", 1, {}, expires_in_days=5), create_account=True)
    ledger.post("ada", NewEntry("spend:ada:1", "spend", -3, {}))
    firestore.forget()

    ledger.reverse_spend(Reversal("ada", "1", None, "it failed", "back-1"))

    assert cost(firestore) == (4 + 3, 4, 1)


def test_a_refund_costs_four_reads_and_four_writes(firestore: FakeFirestore, ledger: Ledger) -> None:
    """Reads: the purchase by its payment, the account, the payment's record, the purchase again. One commit."""
    ledger.credit(purchase(payment_intent_id="pi_1"), NO_LIMITS)
    firestore.forget()

    known = ledger.purchase_of_payment("pi_1")
    assert known is not None
    ledger.reverse(known.uid, "pi_1", RefundMade("re_1", 999))

    assert cost(firestore) == (4, 4, 1)


def test_a_refund_that_loses_its_commit_knows_the_purchase_already(firestore: FakeFirestore, ledger: Ledger) -> None:
    """Reads: the account and the payment's record again. A query waits while the account changes on."""
    ledger.credit(purchase(payment_intent_id="pi_1"), NO_LIMITS)
    firestore.forget()
    firestore.refuse_next_commit(google_errors.FailedPrecondition("changed since it was read"))

    ledger.reverse("ada", "pi_1", RefundMade("re_1", 999))

    assert cost(firestore) == (3 + 2, 4, 1)


# --- faults


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: type(fault).__name__)
def test_a_transient_fault_of_a_commit_is_tried_again(
    firestore: FakeFirestore, ledger: Ledger, fault: Exception
) -> None:
    firestore.refuse_next_commit(fault)

    assert isinstance(ledger.credit(purchase(), NO_LIMITS), Credited)
    assert ledger.account("ada").balance == 110


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: type(fault).__name__)
def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    firestore: FakeFirestore, ledger: Ledger, fault: Exception
) -> None:
    """The client sends it again; the second run finds the entry of the first."""
    firestore.lose_next_acknowledgement(fault)

    outcome = ledger.credit(purchase(), NO_LIMITS)

    assert isinstance(outcome, Credited | Duplicate)
    assert ledger.account("ada").balance == 110
    assert len(firestore.paths("transactions")) == 1


def test_an_aborted_commit_is_decided_again_from_a_new_read(firestore: FakeFirestore, ledger: Ledger) -> None:
    firestore.refuse_next_commit(google_errors.Aborted("lost against another"))

    outcome = ledger.credit(purchase(), NO_LIMITS)

    assert isinstance(outcome, Credited | Duplicate)
    assert ledger.account("ada").balance == 110


def test_a_transient_fault_of_a_read_is_tried_again(firestore: FakeFirestore, ledger: Ledger) -> None:
    ledger.credit(purchase(), NO_LIMITS)
    firestore.refuse_next_read(google_errors.ServiceUnavailable("away"))

    assert ledger.account("ada").balance == 110


def test_a_lost_answer_to_a_hold_holds_once(firestore: FakeFirestore, ledger: Ledger) -> None:
    firestore.lose_next_acknowledgement(google_errors.ServiceUnavailable("away"))

    assert isinstance(ledger.hold(invalid("cs_bad")), Held | AlreadyHeld)
    assert firestore.paths("held_purchases") == ["held_purchases/cs_bad"]
    assert firestore.paths("security_alerts") == ["security_alerts/held:cs_bad"]


def test_a_lost_answer_to_saving_a_customer_saves_it(firestore: FakeFirestore, ledger: Ledger) -> None:
    firestore.lose_next_acknowledgement(google_errors.ServiceUnavailable("away"))

    assert ledger.save_customer("ada", "cus_1") == "cus_1"


def test_nothing_is_written_when_firestore_is_away(firestore: FakeFirestore, ledger: Ledger) -> None:
    firestore.away = True
    with pytest.raises(Unavailable):
        ledger.credit(purchase(), NO_LIMITS)
    firestore.away = False

    assert firestore.paths("accounts") == firestore.paths("transactions") == []


@pytest.mark.parametrize(
    "refusal",
    [google_errors.InvalidArgument("exceeds the maximum entity size"), google_errors.PermissionDenied("no role")],
    ids=lambda refusal: type(refusal).__name__,
)
def test_a_refusal_is_not_called_transient(firestore: FakeFirestore, ledger: Ledger, refusal: Exception) -> None:
    firestore.refuse_next_commit(refusal)

    with pytest.raises(LedgerRefused) as raised:
        ledger.credit(purchase(), NO_LIMITS)

    assert raised.value.cause == type(refusal).__name__


def test_an_entry_has_the_time_of_its_posting(firestore: FakeFirestore) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    outcome = ledger_of(firestore.as_client(), clock=lambda: now).credit(purchase(), NO_LIMITS)

    assert isinstance(outcome, Credited)
    assert outcome.entry.timestamp == now
