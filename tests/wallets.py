"""A user's tokens as a test of reservations and lots uses them: a ledger, and a clock that moves when told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import firestore

from shared.adapters.firestore.audit import LedgerAudit
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.owner_view import OwnerView
from shared.adapters.firestore.reservations import Reservations
from shared.domain.account import Account
from shared.domain.entry import Entry, EntryType, NewEntry
from shared.domain.reservation import ReservationStatus
from shared.domain.spend_requests import (
    capture_request_of,
    grant_of,
    renewal_of,
    reservation_key_of,
    reservation_of,
    reversal_of,
    spend_of,
)
from tests.ledgers import ledger_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY_S = 86_400


@dataclass
class Wallet:
    """Ada's tokens. Requests are what a backend sends."""

    client: firestore.Client
    uid: str = "ada"
    now: datetime = NOON
    ledger: Ledger = field(init=False)
    reservations: Reservations = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = self.another_instance()
        self.reservations = Reservations(self.ledger.store)

    def another_instance(self) -> Ledger:
        return ledger_of(self.client, clock=lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def account(self) -> Account:
        return self.ledger.account(self.uid)

    @property
    def view(self) -> OwnerView:
        return self.ledger.owner_view(self.uid)

    @property
    def lots(self) -> dict[str, int]:
        """What is left of each lot, by the key of its grant."""
        return {lot.id.removeprefix(f"grant:{self.uid}:"): lot.left for lot in self.account.lots}

    def entries(self) -> list[Entry]:
        """Return the entries, oldest first."""
        return list(reversed(self.ledger.transactions(self.uid, limit=100).entries))

    def faults(self) -> tuple[str, ...]:
        """Return what a reconciliation finds wrong."""
        check = LedgerAudit(self.ledger.store).check_balance(self.uid)
        assert check is not None
        assert check.balance == check.sum_of_entries == check.shown
        return check.faults

    # --- requests

    def buy(self, tokens: int) -> None:
        self._post("purchase", tokens)

    def refund(self, tokens: int) -> None:
        self._post("refund", -tokens)

    def _post(self, kind: EntryType, tokens: int) -> None:
        new = NewEntry(f"{kind}:{len(self.entries())}", kind, tokens, {})
        self.ledger.post(self.uid, new, create_account=True)

    def grant(self, key: str, amount: int, **more: Any) -> Entry:  # noqa: ANN401 - a request's fields
        return self.ledger.post(*grant_of(self._body(key, amount=amount, **more)), create_account=True).entry

    def spend(self, key: str, amount: int, **more: Any) -> Entry:  # noqa: ANN401 - a request's fields
        return self.ledger.post(*spend_of(self._body(key, amount=amount, **more))).entry

    def reserve(self, key: str, amount: int, **more: Any) -> ReservationStatus:  # noqa: ANN401 - a request's fields
        return self.reservations.reserve(reservation_of(self._body(key, amount=amount, **more))).reservation

    def renew(self, key: str, **more: Any) -> ReservationStatus:  # noqa: ANN401 - a request's fields
        return self.reservations.renew(renewal_of(self._body(key, **more))).reservation

    def capture(self, key: str, amount: int) -> Entry:
        return self.reservations.capture(capture_request_of(self._body(key, amount=amount))).entry

    def release(self, key: str) -> ReservationStatus:
        return self.reservations.release(reservation_key_of(self._body(key))).reservation

    def reverse(self, key: str, spend_key: str, **more: Any) -> Entry:  # noqa: ANN401 - a request's fields
        return self.ledger.reverse_spend(reversal_of(self._body(key, spend_key=spend_key, **more))).entry

    def _body(self, key: str, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a request's fields
        return {"user_id": self.uid, "idempotency_key": key, "reason": "render", **more}
