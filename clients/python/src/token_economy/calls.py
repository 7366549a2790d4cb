"""The calls of the API: where each goes, what it sends, and how its answer is read. Nothing here does I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from token_economy.records import (
    OnExpiry,
    ReservationAnswer,
    TransactionAnswer,
    read_reservation,
    read_transaction,
)

Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer_co]):
    """One request. Its body names a key, so it can be sent again and takes effect once."""

    path: str
    body: Mapping[str, object]
    read: Callable[[Mapping[str, Any]], Answer_co]


def spend(user_id: str, amount: int, *, key: str, reason: str) -> Call[TransactionAnswer]:
    """Debit tokens at once."""
    body = {"user_id": user_id, "amount": amount, "reason": reason, "idempotency_key": key}
    return Call("/", body, read_transaction)


def reserve(
    user_id: str,
    amount: int,
    *,
    key: str,
    reason: str,
    at_least: int | None,
    expires_in_s: int,
    on_expiry: OnExpiry,
) -> Call[ReservationAnswer]:
    """Set tokens aside: `amount`, or what there is if that is `at_least` so much."""
    body = {
        "user_id": user_id,
        "amount": amount,
        **({} if at_least is None else {"at_least": at_least}),
        "reason": reason,
        "idempotency_key": key,
        "expires_in_s": expires_in_s,
        "on_expiry": on_expiry,
    }
    return Call("/reservations", body, read_reservation)


def renew(user_id: str, *, key: str, used: int | None, expires_in_s: int) -> Call[ReservationAnswer]:
    """Extend a reservation from now on, and report what was used so far."""
    body = {"user_id": user_id, "idempotency_key": key, "expires_in_s": expires_in_s}
    return Call("/reservations/renew", body if used is None else {**body, "used": used}, read_reservation)


def capture(user_id: str, amount: int, *, key: str) -> Call[TransactionAnswer]:
    """Charge what was used of a reservation, and give back the rest."""
    body = {"user_id": user_id, "idempotency_key": key, "amount": amount}
    return Call("/reservations/capture", body, read_transaction)


def release(user_id: str, *, key: str) -> Call[ReservationAnswer]:
    """Give back a reservation, and charge nothing."""
    return Call("/reservations/release", {"user_id": user_id, "idempotency_key": key}, read_reservation)


def reverse_spend(
    user_id: str, spend_key: str, *, key: str, reason: str, amount: int | None
) -> Call[TransactionAnswer]:
    """Give back a spend: all that is left of it, or `amount`."""
    body = {
        "user_id": user_id,
        "spend_key": spend_key,
        **({} if amount is None else {"amount": amount}),
        "reason": reason,
        "idempotency_key": key,
    }
    return Call("/reversals", body, read_transaction)


def grant(
    user_id: str, amount: int, *, key: str, reason: str, expires_in_days: int | None, priority: int | None
) -> Call[TransactionAnswer]:
    """Give tokens, which may expire."""
    body = {
        "user_id": user_id,
        "amount": amount,
        "reason": reason,
        "idempotency_key": key,
        **({} if expires_in_days is None else {"expires_in_days": expires_in_days}),
        **({} if priority is None else {"priority": priority}),
    }
    return Call("/", body, read_transaction)
