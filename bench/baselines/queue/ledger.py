"""How the first version changed an account: one read and one commit for each change.

Threads of an instance queue by the hash of the account's id, so strangers wait for each other too. What it wrote stands
in users/{uid}. It is kept for comparison, with what a spend needs and no more.
"""

import random
import time
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

_QUEUES = 64
_CALL_S = 10.0
_CHANGE_S = 20.0
_TICK = timedelta(milliseconds=1)
_PASSING = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
)
_RETRY_COMMIT = Retry(if_exception_type(*_PASSING), initial=0.1, maximum=1.0, timeout=_CALL_S)
_RETRY_READ = Retry(if_exception_type(*_PASSING, google_errors.Aborted), initial=0.1, maximum=1.0, timeout=_CALL_S)
_MOVED = (google_errors.FailedPrecondition, google_errors.NotFound, google_errors.Aborted)


class QueueLedger:
    """Spends from accounts as the first version did."""

    def __init__(self, client: firestore.Client) -> None:
        self._client = client
        self._queues = tuple(Lock() for _ in range(_QUEUES))

    def fund(self, uid: str, tokens: int) -> None:
        """Give a new account tokens."""
        self._client.document(f"users/{uid}").set(_fields(tokens, 0, None))

    def spend(self, uid: str, key: str, amount: int) -> int:
        """Spend once by this key, and return the balance after it.

        Raises:
            ValueError: there are not enough tokens.
            TimeoutError: the account changed too often.
        """
        queue = self._queues[hash(uid) % _QUEUES]
        if not queue.acquire(timeout=_CHANGE_S):
            raise TimeoutError(uid)
        try:
            return self._spend_in_turn(uid, key, amount)
        finally:
            queue.release()

    def _spend_in_turn(self, uid: str, key: str, amount: int) -> int:
        deadline, wait_s = time.monotonic() + _CHANGE_S, 0.02
        while time.monotonic() < deadline:
            try:
                return self._attempt(uid, key, amount)
            except google_errors.AlreadyExists:
                entry = self._client.document(f"transactions/spend:{uid}:{key}").get()
                return int((entry.to_dict() or {})["balanceAfter"])
            except _MOVED:
                time.sleep(random.uniform(0, wait_s))  # noqa: S311 - jitter
                wait_s = min(wait_s * 2, 1.0)
        raise TimeoutError(uid)

    def _attempt(self, uid: str, key: str, amount: int) -> int:
        user = self._client.document(f"users/{uid}")
        read = user.get(retry=_RETRY_READ, timeout=_CALL_S)
        fields = read.to_dict() or {}
        balance = int(fields["tokenBalance"]) - amount
        if balance < 0:
            raise ValueError(uid)
        now, last = datetime.now(UTC), fields["lastEntryAt"]
        at = now if last is None else max(now, last + _TICK)
        batch = self._client.batch()
        entry = {
            "userId": uid,
            "type": "spend",
            "amount": -amount,
            "balanceAfter": balance,
            "timestamp": at,
            "details": {"reason": "bench", "idempotencyKey": key},
        }
        batch.create(self._client.document(f"transactions/spend:{uid}:{key}"), entry)
        unmoved = self._client.write_option(last_update_time=read.update_time)
        batch.update(user, _fields(balance, fields["totalTokensSpent"] + amount, at), option=unmoved)
        batch.commit(retry=_RETRY_COMMIT, timeout=_CALL_S)
        return balance


def _fields(balance: int, spent: int, at: datetime | None) -> dict[str, Any]:
    return {
        "tokenBalance": balance,
        "totalTokensPurchased": 0,
        "totalTokensEarned": 0,
        "totalTokensSpent": spent,
        "stripeCustomerId": None,
        "recentPurchases": [],
        "openPurchases": {},
        "lastEntryAt": at,
        "reversals": {},
    }
