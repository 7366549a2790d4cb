"""Reservations, lots and reversed spends, over the in-memory fake and over the official emulator alike."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.cloud import firestore

from shared.adapters.firestore.audit import LedgerAudit
from shared.adapters.firestore.reservations import Reservations
from shared.domain.errors import Conflict, NotEnoughTokens, RequestError, Unprocessable
from shared.domain.lots import LOTS_MAX
from shared.domain.reservation import RESERVATIONS_MAX
from shared.domain.spend_requests import reservation_of
from tests.fakes.firestore import FakeFirestore
from tests.wallets import DAY_S, Wallet


@pytest.fixture(params=["fake", "emulator"])
def client(request: pytest.FixtureRequest) -> firestore.Client:
    if request.param == "fake":
        return FakeFirestore().as_client()
    client: firestore.Client = request.getfixturevalue("firestore_client")
    return client


@pytest.fixture
def wallet(client: firestore.Client) -> Wallet:
    """Ada has bought 1,000 tokens."""
    wallet = Wallet(client)
    wallet.buy(1_000)
    return wallet


# --- at once


@pytest.mark.parametrize(
    ("amount", "succeed", "refusal"), [(100, 10, "not_enough_tokens"), (10, 50, "too_many_reservations")]
)
def test_200_reservations_at_once_from_two_instances_never_exceed_the_balance_or_the_bound(
    wallet: Wallet, amount: int, succeed: int, refusal: str
) -> None:
    instances = [wallet.reservations, Reservations(wallet.another_instance().store)]

    def attempt(number: int) -> str:
        body = {"user_id": "ada", "idempotency_key": f"job-{number}", "amount": amount, "reason": "render"}
        try:
            return instances[number % 2].reserve(reservation_of(body)).reservation.state
        except RequestError as error:
            return error.code

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(attempt, range(200)))

    assert sorted(answers) == sorted(["open"] * succeed + [refusal] * (200 - succeed))
    assert (wallet.account.balance, wallet.account.reserved) == (1_000, succeed * amount)


def test_a_capture_and_a_release_at_once_end_as_one_of_them(wallet: Wallet) -> None:
    for number in range(10):
        key = f"job-{number}"
        wallet.reserve(key, 10)
        with ThreadPoolExecutor(2) as pool:
            captured = pool.submit(wallet.capture, key, 10)
            released = pool.submit(wallet.release, key)
        faults = [future.exception() for future in (captured, released)]
        assert [type(fault) for fault in faults if fault] == [Conflict]
    spent = sum(entry.type == "spend" for entry in wallet.entries())
    assert (wallet.account.balance, wallet.account.reserved) == (1_000 - 10 * spent, 0)


# --- beside refunds, disputes and debts


def test_a_capture_is_honored_though_a_refund_has_taken_the_balance_meanwhile(wallet: Wallet) -> None:
    wallet.reserve("job", 300)
    wallet.refund(900)
    assert (wallet.view.balance, wallet.view.available) == (100, -200)
    with pytest.raises(NotEnoughTokens):
        wallet.spend("other", 1)

    assert wallet.capture("job", 300).balance_after == -200

    wallet.buy(250)
    assert wallet.view.available == 50


def test_a_refund_takes_given_tokens_only_when_the_paid_ones_do_not_suffice(wallet: Wallet) -> None:
    wallet.grant("soon", 50, expires_in_days=2)
    wallet.grant("late", 50, expires_in_days=30)
    wallet.spend("job", 30)
    wallet.refund(980)

    assert wallet.entries()[-1].amount == -980
    assert (wallet.account.balance, wallet.lots) == (90, {"soon": 20, "late": 50})
    wallet.refund(40)
    assert (wallet.account.balance, wallet.lots) == (50, {"late": 50})
    assert wallet.faults() == ()


def test_what_a_dispute_took_comes_back_as_tokens_that_never_expire(wallet: Wallet) -> None:
    wallet.grant("soon", 50, expires_in_days=2)
    wallet.refund(1_020)
    assert wallet.lots == {"soon": 30}

    wallet.buy(1_020)
    wallet.wait(3 * DAY_S)

    assert (wallet.view.balance, wallet.faults()) == (1_020, ())


# --- one after the other


def test_the_balance_does_not_move_while_a_job_runs(wallet: Wallet) -> None:
    wallet.reserve("job", 300)

    assert (wallet.view.balance, wallet.view.reserved, wallet.view.available) == (1_000, 300, 700)
    with pytest.raises(NotEnoughTokens, match="1000 tokens, 300 of them reserved"):
        wallet.spend("other", 701)

    entry = wallet.capture("job", 120)

    assert (entry.id, entry.amount, entry.balance_after) == ("spend:ada:job", -120, 880)
    assert (wallet.view.balance, wallet.view.available) == (880, 880)
    assert wallet.faults() == ()


def test_a_reservation_that_is_retried_after_its_capture_reserves_nothing(wallet: Wallet) -> None:
    wallet.reserve("job", 300)
    wallet.capture("job", 120)

    again = wallet.reserve("job", 300)

    assert (again.state, again.used) == ("captured", 120)
    assert wallet.account.reserved == 0


def test_what_was_used_is_charged_when_nobody_captures(wallet: Wallet) -> None:
    wallet.reserve("job", 300, on_expiry="capture_used", expires_in_s=60)
    wallet.renew("job", used=40, expires_in_s=120)
    wallet.wait(120)

    assert (wallet.view.balance, wallet.view.available) == (960, 960)  # though nothing has swept it
    wallet.ledger.settle("ada")
    assert [entry.amount for entry in wallet.entries()] == [1_000, -40]
    assert wallet.reserve("job", 300, on_expiry="capture_used", expires_in_s=60).state == "expired"
    with pytest.raises(Conflict, match="40 tokens of this reservation were charged"):
        wallet.capture("job", 50)


def test_a_spend_takes_what_expires_first_and_its_reversal_gives_it_back(wallet: Wallet) -> None:
    wallet.grant("late", 50, expires_in_days=30)
    wallet.grant("soon", 50, expires_in_days=2)
    wallet.grant("first", 20, expires_in_days=60, priority=1)

    entry = wallet.spend("job", 100)

    assert entry.details["from"] == {"grant:ada:first": 20, "grant:ada:soon": 50, "grant:ada:late": 30}
    assert wallet.lots == {"late": 20}
    assert wallet.reverse("undo-1", "job", amount=40).details["to"] == {"grant:ada:late": 30, "grant:ada:soon": 10}
    assert wallet.reverse("undo-2", "job").amount == 60
    assert wallet.lots == {"first": 20, "soon": 50, "late": 50}
    with pytest.raises(Unprocessable, match="0 tokens are left of this spend"):
        wallet.reverse("undo-3", "job", amount=1)
    assert wallet.faults() == ()


def test_what_goes_back_to_a_lot_that_has_expired_expires_at_once(wallet: Wallet) -> None:
    wallet.grant("soon", 50, expires_in_days=1)
    wallet.spend("job", 60)
    wallet.wait(3 * DAY_S)

    wallet.reverse("undo", "job")

    assert [(entry.type, entry.amount) for entry in wallet.entries()[-2:]] == [("spend_reversal", 60), ("expiry", -50)]
    assert (wallet.account.balance, wallet.lots) == (1_000, {})
    assert wallet.faults() == ()


def test_an_account_is_found_in_the_hour_in_which_something_expires(wallet: Wallet) -> None:
    audit = LedgerAudit(wallet.ledger.store)
    wallet.reserve("job", 300, expires_in_s=7_200)

    assert audit.due(wallet.now, 10) == []
    wallet.wait(7_200)
    assert audit.due(wallet.now, 10) == ["ada"]
    wallet.ledger.settle("ada")
    assert audit.due(wallet.now, 10) == []


def test_a_full_account_still_takes_grants_and_spends(wallet: Wallet) -> None:
    for number in range(LOTS_MAX + 5):
        wallet.grant(f"day-{number}", 10, expires_in_days=1 + number)
    for number in range(RESERVATIONS_MAX):
        wallet.reserve(f"job-{number}", 10)

    wallet.spend("plain", 15)

    assert len(wallet.account.lots) <= LOTS_MAX
    assert sum(wallet.lots.values()) == 10 * (LOTS_MAX + 5) - 15
    assert wallet.faults() == ()
