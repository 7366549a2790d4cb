"""Reservations, lots, spends and reversals over random histories: the ledger answers as a naive model does.

Two instances of the ledger share one store. Time jumps, requests come twice or with another body, commits fail before
or after they take effect, and another instance's request lands between a read and its commit. HISTORIES and SEED choose
how many histories are checked and which; a failure names its history.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from google.api_core import exceptions as google_errors

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.reservations import Reservations
from shared.domain.entry import NewEntry
from shared.domain.errors import LedgerConflict, RequestError
from shared.domain.reserving import Reserved
from shared.domain.spend_requests import (
    capture_request_of,
    grant_of,
    renewal_of,
    reservation_key_of,
    reservation_of,
    reversal_of,
    spend_of,
)
from tests.fakes.firestore import FakeFirestore, Write, WriteResult
from tests.ledgers import EndlessLine, ledger_of
from tests.properties.toy_wallet import DAY_S, ToyWallet

HISTORIES = int(os.environ.get("HISTORIES", "600"))
SEED = os.environ.get("SEED", "1")
STEPS = 24
UID = "ada"

Request = tuple[str, dict[str, Any]]


class BusyFirestore(FakeFirestore):
    """Lets something happen between a read and the commit that depends on it."""

    meanwhile: Callable[[], None] | None = None

    def commit(self, writes: list[Write]) -> list[WriteResult]:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return super().commit(writes)


class History:
    """One user, two instances of the ledger, one of which trusts what it knows of the account, and the model."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.store = BusyFirestore()
        self.now = 1_790_000_000 + random.randrange(DAY_S)
        client = self.store.as_client()
        trusting = EndlessLine(Database(client), clock=self._clock)
        self.instances = [ledger_of(client, clock=self._clock), Ledger(trusting)]
        self.model = ToyWallet(self.now)
        self.asked: list[Request] = []
        self.log: list[object] = []
        self.facts = 0
        self._post("purchase", 100)

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    # --- what happens

    def live(self) -> None:
        for _ in range(STEPS):
            step = self.random.choices(
                [self._ask_anew, self._ask_again, self._time_passes, self._money_moves, self._sweep],
                [10, 4, 4, 2, 1],
            )[0]
            step()
            self._check()
        self._end()

    def _ask_anew(self) -> None:
        request = self._request()
        self.asked.append(request)
        if self.random.random() < 0.15:
            other = self._request()
            self.asked.append(other)
            self._ask_both(request, other)
        else:
            self._ask(request)

    def _ask_again(self) -> None:
        if not self.asked:
            return
        action, body = self.random.choice(self.asked)
        if self.random.random() < 0.3:
            body = {**body, **({"amount": body["amount"] + 1} if "amount" in body else {"used": 3})}
        self._ask((action, body))

    def _time_passes(self) -> None:
        self.now += self.random.choice([1, 7, 60, 900, 4_000, DAY_S, 3 * DAY_S])
        self.model.advance(self.now)

    def _money_moves(self) -> None:
        tokens = self.random.randint(1, 150)
        self._post(*self.random.choice([("purchase", tokens), ("refund", -tokens), ("dispute", -tokens)]))

    def _sweep(self) -> None:
        self._instance().settle(UID)

    def _end(self) -> None:
        """In the end nothing is reserved, and what could expire has expired."""
        self.now += 400 * DAY_S
        self.model.advance(self.now)
        self._sweep()
        self._check()
        account = self._instance().account(UID)
        assert (account.reserved, account.lots) == (0, ()), self._told()
        assert account.balance == self.model.balance == self.model.eternal, self._told()

    # --- requests

    def _request(self) -> Request:
        """Return any request; few keys, so that they meet."""
        random = self.random
        tokens = random.choice([1, 5, 20, 40, 80, 160])
        key = {"user_id": UID, "idempotency_key": f"k{random.randrange(12)}"}
        bodies: dict[str, dict[str, Any]] = {
            "spend": {**key, "amount": tokens, "reason": "render"},
            "reserve": {
                **key,
                "amount": tokens,
                "reason": "render",
                "at_least": random.choice([None, random.randint(1, tokens)]),
                "on_expiry": random.choice(["release", "capture_used"]),
                "expires_in_s": random.choice([1, 60, 900, DAY_S]),
            },
            "renew": {**key, "used": random.randint(0, tokens), "expires_in_s": random.choice([1, 60, 5_000])},
            "capture": {**key, "amount": random.randint(1, tokens)},
            "release": key,
            "reverse": {
                "user_id": UID,
                "idempotency_key": f"r{random.randrange(8)}",
                "spend_key": f"k{random.randrange(12)}",
                "reason": "x",
                **random.choice([{}, {"amount": random.randint(1, tokens)}]),
            },
            "grant": {
                "user_id": UID,
                "idempotency_key": f"g{random.randrange(12)}",
                "amount": tokens,
                "reason": "gift",
                **random.choice([{}, {"expires_in_days": random.choice([1, 2, 30]), "priority": random.randint(0, 2)}]),
            },
        }
        action = random.choices(list(bodies), [1, 2, 1, 2, 1, 1, 1])[0]
        return action, bodies[action]

    def _ask(self, request: Request) -> None:
        fault = self.random.random()
        if fault < 0.05:
            self.store.refuse_next_commit(google_errors.Aborted("contention"))
        elif fault < 0.1:
            self.store.refuse_next_commit(google_errors.ServiceUnavailable("away"))
        elif fault < 0.2:
            self.store.lose_next_acknowledgement(google_errors.ServiceUnavailable("answer lost"))
        answer = answer_of(self._instance(), request)
        self.store.calm()
        expected = expected_of(self.model, request)
        self.log.append((self.now, request, answer, expected))
        assert answer == expected, self._told()

    def _ask_both(self, request: Request, other: Request) -> None:
        """Let another instance's request land between this one's read and its commit, if it commits."""
        answers: list[tuple[Any, ...]] = []
        first, second = self.instances
        self.store.meanwhile = lambda: answers.append(answer_of(second, other))
        answer = answer_of(first, request)
        self.store.meanwhile = None
        if not answers:
            answers.append(answer_of(second, other))
            expected = (expected_of(self.model, request), expected_of(self.model, other))
        else:
            expected = tuple(reversed((expected_of(self.model, other), expected_of(self.model, request))))
        self.log.append((self.now, request, other, answer, answers, expected))
        assert (answer, answers[0]) == expected, self._told()

    def _post(self, kind: str, tokens: int) -> None:
        self.facts += 1
        new = NewEntry(f"{kind}:{self.facts}", kind, tokens, {})  # type: ignore[arg-type] # one of the types
        self._instance().post(UID, new, create_account=True)
        self.log.append((self.now, kind, tokens))
        if tokens > 0:
            self.model.purchase(tokens)
        else:
            self.model.take(-tokens)

    def _told(self) -> str:
        return "\n".join(map(str, ["what happened:", *self.log]))

    # --- what always holds

    def _check(self) -> None:
        ledger, model = self._instance(), self.model
        account, view = ledger.account(UID), ledger.owner_view(UID)
        entries = ledger.transactions(UID, limit=1_000).entries
        assert account.balance == sum(entry.amount for entry in entries), self._told()
        # What a reservation will be charged is foretold, unless a plain spend has had its key: then it is nothing.
        if not account.reservations.keys() & model.spends.keys():
            expiring = sum(tokens for _, tokens in view.expiring)
            foretold = (view.balance, view.available, expiring)
            left = sum(grant.left for grant in model.grants)
            assert foretold == (model.balance, model.available, left), self._told()
        assert 0 <= sum(lot.left for lot in account.lots) <= max(account.balance, 0), self._told()

    def _instance(self) -> Ledger:
        return self.random.choice(self.instances)


def answer_of(ledger: Ledger, request: Request) -> tuple[Any, ...]:
    """Return what the ledger answers: ("ok", balance, available), a reservation, or an error's code."""
    action, body = request
    reservations = Reservations(ledger.store)
    ask: dict[str, Callable[[], Any]] = {
        "spend": lambda: ledger.post(*spend_of(body)),
        "grant": lambda: ledger.post(*grant_of(body)),
        "reverse": lambda: ledger.reverse_spend(reversal_of(body)),
        "reserve": lambda: reservations.reserve(reservation_of(body)),
        "renew": lambda: reservations.renew(renewal_of(body)),
        "capture": lambda: reservations.capture(capture_request_of(body)),
        "release": lambda: reservations.release(reservation_key_of(body)),
    }
    try:
        outcome = ask[action]()
    except LedgerConflict:
        return ("idempotency_conflict",)
    except RequestError as error:
        return (error.code,)
    if isinstance(outcome, Reserved):
        one = outcome.reservation
        return (one.state, one.amount, outcome.balance, outcome.available)
    return ("ok", outcome.entry.balance_after, outcome.entry.available_after)


def expected_of(model: ToyWallet, request: Request) -> tuple[Any, ...]:
    """Return what the model answers."""
    action, body = request
    key, amount = body["idempotency_key"], int(body.get("amount", 0))
    ask: dict[str, Callable[[], tuple[Any, ...]]] = {
        "spend": lambda: model.spend(key, amount),
        "grant": lambda: model.grant(key, amount, body.get("expires_in_days"), body.get("priority", 0)),
        "reverse": lambda: model.reverse(key, body["spend_key"], body.get("amount")),
        "reserve": lambda: model.reserve(
            key, amount, body["at_least"] or amount, body["expires_in_s"], body["on_expiry"]
        ),
        "renew": lambda: model.renew(key, body.get("used"), body["expires_in_s"]),
        "capture": lambda: model.capture(key, amount),
        "release": lambda: model.release(key),
    }
    return ask[action]()


def test_the_ledger_answers_as_a_naive_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # what waits before it tries again need not wait here
    for number in range(HISTORIES):
        History(Random(f"{SEED}: wallet {number}")).live()
