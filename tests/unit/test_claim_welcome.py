"""functions/claim_welcome: who is welcomed with tokens, and that nobody is twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest

from shared.adapters.firebase_auth import User
from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.domain.welcome import WelcomeGrant
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.ledgers import Clock, ledger_of
from tests.purchases import NO_LIMITS, purchase

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "demo", "ALLOWED_ORIGINS": "https://app.example"}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WELCOME = WelcomeGrant(20, 10)


class Unverified(FakeIdentity):
    """Nobody's address is verified."""

    def user_of(self, authorization: str | None, app_check: str | None = None) -> User:
        return User(super().user_of(authorization, app_check).uid, None)


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client(), clock=Clock(NOON))


@contextmanager
def serving(
    ledger: Ledger, welcome: WelcomeGrant | None = WELCOME, identity: FakeIdentity | None = None
) -> Iterator[Deployed]:
    with deployed("claim_welcome", ENVIRON, parts=(identity or FakeIdentity(), ledger, welcome)) as function:
        yield function


@pytest.fixture
def function(ledger: Ledger) -> Iterator[Deployed]:
    with serving(ledger) as function:
        yield function


def claim(function: Deployed) -> Any:  # noqa: ANN401 - JSON
    answer = function.post(headers=ADA)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_new_user_is_welcomed(function: Deployed, ledger: Ledger) -> None:
    assert claim(function) == {
        "success": True,
        "outcome": "granted",
        "transaction": {
            "id": "grant:ada:welcome",
            "userId": "ada",
            "type": "grant",
            "amount": 20,
            "timestamp": "2026-11-21T12:00:00Z",
            "balanceAfter": 20,
            "details": {
                "welcome": True,
                "expiresInDays": 10,
                "expiresAt": "2026-12-02T00:00:00Z",
                "expiring": 20,
                "priority": 50,
            },
        },
    }
    assert ledger.account("ada").earned == 20


def test_asking_again_gets_the_same_answer_whatever_became_of_the_tokens(function: Deployed, ledger: Ledger) -> None:
    first = function.post(headers=ADA)
    ledger.post("ada", NewEntry("spend:ada:1", "spend", -20, {}))

    assert function.post(headers=ADA).data == first.data
    assert ledger.account("ada").balance == 0


@pytest.mark.parametrize("later", [WelcomeGrant(50), WelcomeGrant(20), WelcomeGrant(20, 30)])
def test_other_settings_welcome_nobody_again(ledger: Ledger, function: Deployed, later: WelcomeGrant) -> None:
    first = claim(function)

    with serving(ledger, later) as changed:
        assert claim(changed) == first
    assert ledger.account("ada").balance == 20


def test_many_claims_at_once_give_once(function: Deployed, ledger: Ledger) -> None:
    threads = [Thread(target=ledger.welcome, args=("ada", WELCOME)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger.account("ada").balance == 20


def test_a_user_who_had_tokens_is_not_new(function: Deployed, ledger: Ledger) -> None:
    ledger.credit(purchase("cs_1"), NO_LIMITS)

    assert claim(function) == {"success": True, "outcome": "not_new", "transaction": None}
    assert ledger.account("ada").balance == 110


def test_a_profile_or_an_open_checkout_makes_nobody_less_new(
    function: Deployed, ledger: Ledger, firestore: FakeFirestore
) -> None:
    firestore.put("users/ada", {"displayName": "Ada"})
    ledger.save_customer("ada", "cus_ada")

    assert claim(function)["outcome"] == "granted"
    assert firestore.fields_of("users/ada") is not None
    assert (firestore.fields_of("users/ada") or {})["displayName"] == "Ada"


def test_who_was_welcomed_by_a_backend_is_not_welcomed_again(function: Deployed, ledger: Ledger) -> None:
    """grant_tokens with the key `welcome` makes the same entry."""
    ledger.post("ada", NewEntry("grant:ada:welcome", "grant", 5, {"reason": "hello"}), create_account=True)

    assert claim(function)["transaction"]["amount"] == 5
    assert ledger.account("ada").balance == 5


def test_an_address_that_is_not_verified_gets_nothing(ledger: Ledger, firestore: FakeFirestore) -> None:
    with serving(ledger, identity=Unverified()) as function:
        assert claim(function) == {"success": True, "outcome": "email_not_verified", "transaction": None}

    assert firestore.paths("accounts") == []


def test_nobody_is_welcomed_unless_the_settings_say_so(ledger: Ledger, firestore: FakeFirestore) -> None:
    with serving(ledger, None) as function:
        assert claim(function) == {"success": True, "outcome": "off", "transaction": None}

    assert firestore.reads == 0


def test_only_who_is_signed_in_may_claim(function: Deployed, firestore: FakeFirestore) -> None:
    assert function.post().status_code == 401
    assert function.get(headers=ADA).status_code == 405
    assert firestore.paths("transactions") == []
