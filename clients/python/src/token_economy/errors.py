"""Every error that a call can raise, but for wrong arguments (ValueError).

TokensError
├── Unavailable                 no answer that says what happened: try again, with the same key
└── Refused                     the ledger answered: this call changed nothing
    ├── InvalidRequest          400, 413, 415: the request is wrong, and will be the next time
    ├── NotAuthorized           401, 403: this caller may not, or has no identity
    ├── NotEnoughTokens         402
    ├── UnknownUser             404
    ├── UnknownReservation      404
    ├── UnknownSpend            404
    ├── IdempotencyConflict     409: the key was used for something else
    ├── ReservationCaptured     409: the job under this key was charged
    ├── ReservationReleased     409: the reservation was given back, or has expired without a charge
    ├── ReservationExpired      the reservation that `reserve` found under this key was not renewed in time
    ├── OverReservation         422: more than was reserved
    ├── OverReversal            422: more than is left of the spend
    └── TooManyReservations     429: the account has as many open reservations as it may
"""

from collections.abc import Mapping


class TokensError(Exception):
    """Base class of everything that can go wrong with a call. None of them means "allowed"."""


class Unavailable(TokensError):
    """There is no answer that says what happened, so the call may or may not have taken effect.

    The same call with the same key finds out, and never takes effect twice. `retry_after_s` is what the server
    asked to wait, 0 if it did not say.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refused(TokensError):
    """The ledger refused, and changed nothing.

    `code` and `message` are its own, `status` is HTTP's, `retry_after_s` is 0 if it did not say when to come back.
    """

    def __init__(self, code: str, message: str, *, status: int = 0, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


class InvalidRequest(Refused):
    """The request is wrong; `code` names the field."""


class NotAuthorized(Refused):
    """This caller may not call this function, or has no identity that it could show."""


class NotEnoughTokens(Refused):
    """Fewer tokens are available than the call needs; `message` says how many there are."""


class UnknownUser(Refused):
    """The user has never had tokens."""


class UnknownReservation(Refused):
    """The user has no reservation under this key."""


class UnknownSpend(Refused):
    """The user has no spend under this key that could be given back."""


class IdempotencyConflict(Refused):
    """The key was used before, with other arguments."""


class ReservationCaptured(Refused):
    """The job under this key was charged already: do not do its work again."""


class ReservationReleased(Refused):
    """The reservation under this key was given back, or has expired: another attempt needs a key of its own."""


class ReservationExpired(Refused):
    """The reservation under this key was not renewed in time: another attempt needs a key of its own.

    `message` says what it was charged.
    """


class OverReservation(Refused):
    """More than was reserved."""


class OverReversal(Refused):
    """More than is left of the spend."""


class TooManyReservations(Refused):
    """The account has as many open reservations as it may: wait for one of its jobs to end."""


_BY_CODE: Mapping[str, type[Refused]] = {
    "not_enough_tokens": NotEnoughTokens,
    "unknown_user": UnknownUser,
    "unknown_reservation": UnknownReservation,
    "unknown_spend": UnknownSpend,
    "idempotency_conflict": IdempotencyConflict,
    "reservation_captured": ReservationCaptured,
    "reservation_released": ReservationReleased,
    "over_reservation": OverReservation,
    "over_reversal": OverReversal,
    "too_many_reservations": TooManyReservations,
}
_BY_STATUS: Mapping[int, type[Refused]] = {
    400: InvalidRequest,
    401: NotAuthorized,
    403: NotAuthorized,
    413: InvalidRequest,
    415: InvalidRequest,
}


def refusal(status: int, code: str, message: str, retry_after_s: float) -> Refused:
    """Return the error for an answer: by its code, else by its status."""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, Refused)
    return kind(code, message, status=status, retry_after_s=retry_after_s)
