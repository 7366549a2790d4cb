"""Reservations in the ledger: each change is a decision of shared/domain/reserving.py, carried out by the store."""

from functools import partial

from shared.adapters.firestore.store import AccountStore
from shared.domain.crediting import Duplicate
from shared.domain.posting import Posted
from shared.domain.reserving import Reserved, decide_capture, decide_release, decide_renew, decide_reserve
from shared.domain.spend_requests import Capture, Renewal, ReservationKey, ReservationRequest


class Reservations:
    """The reservations of all accounts. What each method raises, its decision says.

    Raises, from every method: Unavailable when Firestore does not answer in time, LedgerRefused when it refuses.
    """

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    def reserve(self, request: ReservationRequest) -> Reserved:
        """Set tokens aside, once per key. One read, three writes."""
        return self._store.change(request.whose.uid, partial(decide_reserve, request=request))

    def renew(self, renewal: Renewal) -> Reserved:
        """Let an open reservation live longer, and note how much of it is used so far. One read, two writes."""
        return self._store.change(renewal.whose.uid, partial(decide_renew, renewal=renewal))

    def capture(self, capture: Capture) -> Posted | Duplicate:
        """Charge what a job has cost, and free the rest. One read, three writes."""
        return self._store.change(capture.whose.uid, partial(decide_capture, capture=capture))

    def release(self, whose: ReservationKey) -> Reserved:
        """Free a reservation that is not needed. Two reads, three writes."""
        return self._store.change(whose.uid, partial(decide_release, whose=whose))
