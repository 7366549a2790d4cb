"""A reservation: tokens set aside for a job whose cost is known only afterwards. Pure."""

from dataclasses import dataclass
from typing import Literal

OnExpiry = Literal["release", "capture_used"]
State = Literal["open", "captured", "released", "expired"]

RESERVATIONS_MAX = 50
"""The most open reservations an account keeps: also the most jobs that one user can have running at once."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """An open reservation.

    Tokens are integers: `amount` is set aside, `used` is what the last renewal reported. From `expires_at` (UTC
    seconds) on it no longer counts; `on_expiry` says whether `used` is then charged. `reason` is for the spend's entry.
    """

    amount: int
    used: int
    expires_at: int
    on_expiry: OnExpiry
    reason: str

    @property
    def due(self) -> int:
        """How many tokens are charged if it expires as it is."""
        return self.used if self.on_expiry == "capture_used" else 0


@dataclass(frozen=True, slots=True)
class ReservationStatus:
    """What a caller is told of a reservation.

    `used` of a closed one is what was charged; `expires_at` is in UTC seconds.
    """

    key: str
    amount: int
    used: int
    state: State
    expires_at: int
