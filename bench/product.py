"""The only module that calls the product in process; everything else is measured from outside."""

from collections.abc import Callable

from google.cloud import firestore

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import AccountStore
from shared.domain.spend_requests import spend_of


def spender(client: firestore.Client) -> Callable[[str, str], object]:
    """Return a function (uid, idempotency key) that spends one token, on a ledger of its own."""
    ledger = Ledger(AccountStore(Database(client)))

    def spend(uid: str, key: str) -> object:
        body = {"user_id": uid, "amount": 1, "reason": "bench", "idempotency_key": key}
        return ledger.post(*spend_of(body))

    return spend
