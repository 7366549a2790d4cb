"""The only module that calls the product in process; everything else is measured from outside."""

from collections.abc import Callable

from shared.adapters.firestore.ledger import connect_ledger
from shared.domain.spend_requests import spend_of


def spender(project: str) -> Callable[[str, str], object]:
    """Return a function (uid, idempotency key) that spends one token, on a ledger of its own."""
    ledger = connect_ledger(project)

    def spend(uid: str, key: str) -> object:
        body = {"user_id": uid, "amount": 1, "reason": "bench", "idempotency_key": key}
        return ledger.post(*spend_of(body))

    return spend
