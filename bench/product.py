"""The one place where the bench reaches into the product; everything else is measured from outside."""

from collections.abc import Callable

from google.cloud import firestore

from shared.adapters.firestore.database import Database
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import AccountStore
from shared.domain.spending import spend_of


def spender(client: firestore.Client) -> Callable[[str, str], object]:
    """Return a call that spends one token of a user by a key, on a ledger of its own."""
    ledger = Ledger(AccountStore(Database(client)))

    def spend(uid: str, key: str) -> object:
        body = {"user_id": uid, "amount": 1, "reason": "bench", "idempotency_key": key}
        return ledger.post(*spend_of(body))

    return spend
