"""The backend's client of the token economy: reserve, capture and spend users' prepaid tokens.

`Tokens` blocks, `AsyncTokens` is for asyncio. README.md has the examples.
"""

from token_economy.async_client import AsyncTokens
from token_economy.errors import (
    IdempotencyConflict,
    InvalidRequest,
    NotAuthorized,
    NotEnoughTokens,
    OverReservation,
    OverReversal,
    Refused,
    ReservationCaptured,
    ReservationExpired,
    ReservationReleased,
    TokensError,
    TooManyReservations,
    Unavailable,
    UnknownReservation,
    UnknownSpend,
    UnknownUser,
)
from token_economy.identity import CloudRunIdentity
from token_economy.jobs import Job
from token_economy.records import Reservation, ReservationAnswer, Transaction, TransactionAnswer
from token_economy.sync_client import Tokens

__all__ = [
    "AsyncTokens",
    "CloudRunIdentity",
    "IdempotencyConflict",
    "InvalidRequest",
    "Job",
    "NotAuthorized",
    "NotEnoughTokens",
    "OverReservation",
    "OverReversal",
    "Refused",
    "Reservation",
    "ReservationAnswer",
    "ReservationCaptured",
    "ReservationExpired",
    "ReservationReleased",
    "Tokens",
    "TokensError",
    "TooManyReservations",
    "Transaction",
    "TransactionAnswer",
    "Unavailable",
    "UnknownReservation",
    "UnknownSpend",
    "UnknownUser",
]
