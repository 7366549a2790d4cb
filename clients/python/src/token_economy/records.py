"""What the ledger answers, as values. Tokens are whole numbers, times are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

ReservationState: TypeAlias = Literal["open", "captured", "released", "expired"]
OnExpiry: TypeAlias = Literal["release", "capture_used"]


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of the ledger, which never changes. `amount` is signed: a spend of 30 tokens is -30."""

    id: str
    user_id: str
    type: str
    amount: int
    timestamp: datetime
    balance_after: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that are set aside for one job: `amount` of them, of which the job has reported `used`."""

    key: str
    amount: int
    used: int
    state: ReservationState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TransactionAnswer:
    """An entry, and the account after it; `available` is the balance without what is reserved."""

    transaction: Transaction
    balance: int
    available: int


@dataclass(frozen=True, slots=True)
class ReservationAnswer:
    """A reservation, and the account beside it; `available` is the balance without what is reserved."""

    reservation: Reservation
    balance: int
    available: int


def read_transaction(answer: Mapping[str, Any]) -> TransactionAnswer:
    """Return the answer of a call that makes an entry.

    Raises:
        LookupError, TypeError, ValueError: a field is missing or is not what it should be.
    """
    fields = answer["transaction"]
    transaction = Transaction(
        id=_text(fields["id"]),
        user_id=_text(fields["userId"]),
        type=_text(fields["type"]),
        amount=_whole(fields["amount"]),
        timestamp=datetime.fromisoformat(fields["timestamp"]),
        balance_after=_whole(fields["balanceAfter"]),
        details=dict(fields["details"]),
    )
    return TransactionAnswer(transaction, _whole(answer["balance"]), _whole(answer["available"]))


def read_reservation(answer: Mapping[str, Any]) -> ReservationAnswer:
    """Return the answer of a call about a reservation; raises as `read_transaction` does."""
    fields = answer["reservation"]
    reservation = Reservation(
        key=_text(fields["idempotency_key"]),
        amount=_whole(fields["amount"]),
        used=_whole(fields["used"]),
        state=_state(fields["state"]),
        expires_at=datetime.fromisoformat(fields["expires_at"]),
    )
    return ReservationAnswer(reservation, _whole(answer["balance"]), _whole(answer["available"]))


def _whole(value: object) -> int:
    if type(value) is not int:  # True is an int too
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _state(value: object) -> ReservationState:
    match value:
        case "open" | "captured" | "released" | "expired":
            return value
    raise ValueError(f"{value!r} is not the state of a reservation")
