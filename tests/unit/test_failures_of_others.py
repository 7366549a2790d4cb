"""What went wrong in other projects that sell tokens for AI jobs, each shown not to happen here.

The projects' own reports are named: https://github.com/{owner}/{repository}/issues/{number}. What their clients did
wrong is tested with the Python client's, in clients/python.
"""

import pytest
from google.api_core import exceptions as google_errors

from shared.domain.errors import Conflict, LedgerConflict, NotEnoughTokens, NotFound, Unavailable, Unprocessable
from tests.fakes.firestore import FakeFirestore
from tests.wallets import DAY_S, Wallet


@pytest.fixture
def store() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def wallet(store: FakeFirestore) -> Wallet:
    """Ada has bought 100 tokens."""
    wallet = Wallet(store.as_client())
    wallet.buy(100)
    return wallet


# --- reservations


def test_a_release_that_races_the_charge_of_an_abort_does_not_undo_it(wallet: Wallet) -> None:
    """LibreChat #15879."""
    wallet.reserve("job", 50)
    wallet.capture("job", 30)

    with pytest.raises(Conflict, match="30 tokens of this reservation were charged"):
        wallet.release("job")
    assert wallet.account.balance == 70


def test_two_failed_jobs_lock_nobody_out(wallet: Wallet) -> None:
    """PageSpace #1593: each failure kept its hold, which doubled as the bound of jobs at once."""
    for key in ("job-1", "job-2"):
        wallet.reserve(key, 50)
        wallet.release(key)

    assert wallet.reserve("job-3", 100).state == "open"


def test_a_job_that_breaks_off_is_charged_what_it_used(wallet: Wallet) -> None:
    """PageSpace #1497: an error in the middle of a stream released the hold, and the provider's cost was lost."""
    wallet.reserve("job", 50, on_expiry="capture_used", expires_in_s=60)
    wallet.renew("job", used=20, expires_in_s=60)
    wallet.wait(60)

    assert wallet.view.balance == 80


def test_a_job_cannot_be_charged_more_than_was_reserved_for_it(wallet: Wallet) -> None:
    """elizaOS #11169: reserved for 500 tokens, granted 4,096."""
    wallet.reserve("job", 50)

    with pytest.raises(Unprocessable, match="Only 50 tokens are reserved"):
        wallet.capture("job", 51)
    with pytest.raises(Unprocessable, match="Only 50 tokens are reserved"):
        wallet.renew("job", used=51)
    assert wallet.account.balance == 100


def test_no_tokens_stay_reserved_when_the_caller_dies(wallet: Wallet) -> None:
    """openstory #1326: a reservation has to be closed by its owner, or drop out at its time."""
    wallet.reserve("job", 100, expires_in_s=60)
    wallet.wait(60)

    assert wallet.view.available == 100
    assert wallet.spend("other", 100).balance_after == 0  # though nothing has swept it


def test_who_could_pay_for_the_job_is_not_refused_for_its_worst_case(wallet: Wallet) -> None:
    """OpenRouter: "requested up to 65536 tokens, but can only afford 30104"."""
    with pytest.raises(NotEnoughTokens):
        wallet.reserve("worst-case", 65_536)

    assert wallet.reserve("job", 65_536, at_least=40).amount == 100


def test_a_failed_job_does_not_look_charged(wallet: Wallet) -> None:
    """sexyvoice #503: to deduct first and refund later made failures look charged."""
    wallet.reserve("job", 50)
    assert wallet.view.balance == 100
    wallet.release("job")

    assert [entry.type for entry in wallet.entries()] == ["purchase"]


def test_a_failed_job_that_was_charged_is_given_back_once(wallet: Wallet) -> None:
    """plandex #222, claude-code #51409: charged for errors."""
    wallet.spend("job", 30)
    for _ in range(2):
        wallet.reverse("undo", "job")

    assert wallet.account.balance == 100


def test_a_retry_is_not_charged_twice_whichever_way_it_takes(wallet: Wallet) -> None:
    """octopus #506, Draftdeckai #477: check first, then act."""
    wallet.reserve("job", 50)
    wallet.capture("job", 30)

    assert wallet.capture("job", 30).id == wallet.spend("job", 30).id == "spend:ada:job"
    with pytest.raises(LedgerConflict):
        wallet.spend("job", 31)
    assert wallet.account.balance == 70


def test_who_has_no_account_reserves_nothing(wallet: Wallet) -> None:
    """Autumn #2174: a lock without an entitlement was allowed."""
    with pytest.raises(NotFound):
        Wallet(wallet.client, uid="stranger").reserve("job", 1)


def test_nothing_is_allowed_while_the_ledger_is_away(wallet: Wallet, store: FakeFirestore) -> None:
    """Autumn's check() answers that it is allowed when the service fails; LiteLLM #26672 and #23714 leak budgets."""
    store.away = True

    with pytest.raises(Unavailable):
        wallet.reserve("job", 1)
    with pytest.raises(Unavailable):
        wallet.spend("job", 1)


def test_a_limit_holds_whatever_happened_to_an_earlier_answer(wallet: Wallet, store: FakeFirestore) -> None:
    """LiteLLM #27735: a counter that is updated on another path than the gate reads."""
    store.lose_next_acknowledgement(google_errors.ServiceUnavailable("answer lost"))
    wallet.spend("job", 100)

    with pytest.raises(NotEnoughTokens):
        wallet.reserve("other", 1)


# --- expiry


@pytest.fixture
def granted(wallet: Wallet) -> Wallet:
    """Ada has 100 paid tokens, and 50 given ones that expire in two days."""
    wallet.grant("welcome", 50, expires_in_days=2)
    return wallet


def test_tokens_that_have_expired_are_not_spent(granted: Wallet) -> None:
    """vm0 #10299: expiry ran only at a renewal, and a deduction did not look at it. fountain #1131 is the same."""
    granted.wait(3 * DAY_S)

    with pytest.raises(NotEnoughTokens):
        granted.spend("job", 101)
    with pytest.raises(NotEnoughTokens):
        granted.reserve("job", 101)


def test_the_page_and_the_gate_agree_on_what_has_expired(granted: Wallet) -> None:
    """PageSpace #1497: the gate left expired credits out, and the settlement spent them first."""
    granted.wait(3 * DAY_S)
    shown = granted.view.available

    granted.spend("job", shown)

    assert (shown, granted.account.balance) == (100, 0)


def test_paid_tokens_are_never_taken_by_an_expiry(granted: Wallet) -> None:
    """fountain #1131: the expiry of a grant clawed back paid credit."""
    granted.spend("job", 30)
    granted.wait(3 * DAY_S)
    granted.ledger.settle("ada")

    assert [entry.amount for entry in granted.entries()] == [100, 50, -30, -20]
    assert granted.account.balance == 100


def test_a_refund_takes_paid_tokens_and_leaves_the_given_ones(granted: Wallet) -> None:
    granted.refund(100)

    assert (granted.account.balance, granted.lots) == (50, {"welcome": 50})


def test_given_tokens_last_as_long_as_they_were_given_for(granted: Wallet) -> None:
    """twenty #25603: 100 compensation credits vanished, because a webhook had to run to preserve them."""
    granted.wait(2 * DAY_S)

    assert granted.view.balance == 150


def test_what_expires_soonest_is_spent_first(granted: Wallet) -> None:
    """Bike4Mind #190."""
    granted.grant("tomorrow", 10, expires_in_days=1)

    granted.spend("job", 20)

    assert granted.lots == {"welcome": 40}


def test_what_has_expired_is_not_given_back_to_be_spent(granted: Wallet) -> None:
    granted.spend("job", 50)
    granted.wait(3 * DAY_S)
    granted.reverse("undo", "job")

    assert granted.account.balance == 100


# --- grants


def test_a_refill_adds_and_never_sets_the_balance(wallet: Wallet) -> None:
    """recoupable #1960: a refill set the balance, and cut 50 accounts."""
    wallet.grant("month-1", 50)

    assert wallet.account.balance == 150


def test_the_same_grant_twice_is_given_once(wallet: Wallet) -> None:
    """llmgateway #2479: a downgrade and an upgrade made a fresh allotment each time."""
    for _ in range(2):
        wallet.grant("month-1", 50, expires_in_days=30)

    assert (wallet.account.balance, wallet.account.earned) == (150, 50)


def test_a_grant_pays_a_debt_first(wallet: Wallet) -> None:
    wallet.spend("job", 100)
    wallet.refund(100)

    wallet.grant("welcome", 150, expires_in_days=2)

    assert (wallet.account.balance, wallet.lots) == (50, {"welcome": 50})
    assert wallet.faults() == ()
