"""Every error that a caller can see.

TokenEconomyError
├── SettingsError           the environment is wrong: the function does not start
├── CatalogError            the catalog's file is wrong: the function does not start
├── MalformedMessage        redelivery would not help: recorded and acknowledged
├── LedgerConflict          an entry exists with other contents: recorded and acknowledged
└── RequestError            500 unless said otherwise: an answer to a caller, with status and code
    ├── BadInput            400
    │   └── Unsigned        a webhook that nobody with the secret has signed
    ├── NotSignedIn         401
    ├── NotEnoughTokens     402
    ├── AppCheckFailed      403
    ├── CallerRefused       403
    ├── NotFound            404
    ├── MethodNotAllowed    405
    ├── BodyIncomplete      408
    ├── Conflict            409
    ├── TooLarge            413
    ├── WrongContentType    415
    ├── Unprocessable       422
    ├── LimitReached        429, with Retry-After
    ├── TooManyCheckouts    429, with Retry-After
    ├── TooManyReceipts     429, with Retry-After
    ├── TooManyReservations 429, with Retry-After
    ├── LedgerRefused       500, Firestore refuses: logged with its cause, and delivered again
    ├── StripeRefused       502
    │   └── CustomerGone    the customer was deleted in Stripe
    └── Unavailable         503, a transient fault: the caller or Pub/Sub tries again
"""

from collections.abc import Iterable
from typing import ClassVar


class TokenEconomyError(Exception):
    """Base class for all errors in this project."""


class SettingsError(TokenEconomyError):
    """The environment lacks settings or holds wrong ones; the message names all of them."""


class CatalogError(TokenEconomyError):
    """The catalog file contradicts itself, or lacks the requested catalog."""


class MalformedMessage(TokenEconomyError):
    """A Pub/Sub message that is not a Stripe event we can read; redelivery would not help."""


class LedgerConflict(TokenEconomyError):
    """An entry exists under this id with other contents."""

    def __init__(self, entry_id: str, differences: Iterable[str]) -> None:
        super().__init__(f"Entry {entry_id} exists with other contents: {', '.join(sorted(differences))}")
        self.entry_id = entry_id


class RequestError(TokenEconomyError):
    """An answer to a caller: HTTP status, a stable code, a sentence for a person, and response headers."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers or {}


class BadInput(RequestError):
    """The caller's request cannot be understood or names something that does not exist."""

    status = 400


class Unsigned(BadInput):
    """A webhook that nobody with the secret has signed: a stranger's, or Stripe's with another secret."""


class NotSignedIn(RequestError):
    """No Firebase ID token came with the request, or not a valid one."""

    status = 401

    def __init__(self, message: str = "Sign in first") -> None:
        super().__init__("not_signed_in", message, headers={"WWW-Authenticate": "Bearer"})


class NotEnoughTokens(RequestError):
    """Fewer tokens are available than the request spends or reserves."""

    status = 402

    def __init__(self, balance: int, reserved: int = 0) -> None:
        aside = f", {reserved} of them reserved" if reserved else ""
        super().__init__("not_enough_tokens", f"The balance is {balance} tokens{aside}")
        self.balance = balance
        self.available = balance - reserved


class AppCheckFailed(RequestError):
    """No Firebase App Check token came with the request, or not a valid one."""

    status = 403

    def __init__(self) -> None:
        super().__init__("app_check_failed", "The request does not come from our app - reload the page")


class CallerRefused(RequestError):
    """The request does not come from one of the function's callers; `reason`, for the log alone, says why."""

    status = 403

    def __init__(self, reason: str) -> None:
        super().__init__("caller_refused", "Only this function's own callers may call it")
        self.reason = reason


class NotFound(RequestError):
    """The thing that the request names does not exist."""

    status = 404


class MethodNotAllowed(RequestError):
    """The path exists, but not for this method."""

    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        allow = ", ".join(allowed)
        super().__init__("method_not_allowed", f"Allowed here: {allow}", headers={"Allow": allow})


class BodyIncomplete(RequestError):
    """The request's body did not arrive whole, or not in time."""

    status = 408

    def __init__(self) -> None:
        super().__init__("request_timeout", "The body did not arrive whole - try again")


class Conflict(RequestError):
    """The same key was used before, for something else."""

    status = 409


class TooLarge(RequestError):
    """The request's body is larger than this endpoint reads."""

    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__("too_large", f"The body may have at most {limit_bytes} bytes")


class WrongContentType(RequestError):
    """The request's body is not declared as JSON."""

    status = 415

    def __init__(self) -> None:
        super().__init__("unsupported_media_type", "Send the body as application/json")


class Unprocessable(RequestError):
    """The request is well-formed, but asks for more than it may."""

    status = 422


class TooManyReservations(RequestError):
    """The account has as many open reservations as it may have."""

    status = 429

    def __init__(self, most: int, retry_after_s: int) -> None:
        super().__init__(
            "too_many_reservations",
            f"This user has {most} open reservations, the most there may be",
            headers={"Retry-After": str(retry_after_s)},
        )


class LimitReached(RequestError):
    """The buyer bought as often as the limits allow."""

    status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "purchase_limit",
            "Rate limit exceeded - too many purchases, try again later",
            headers={"Retry-After": str(retry_after_s)},
        )


class TooManyCheckouts(RequestError):
    """The user, or all users of this instance, started too many payments within a minute."""

    status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "too_many_checkouts",
            "Too many payments were started - try again in a moment",
            headers={"Retry-After": str(retry_after_s)},
        )


class TooManyReceipts(RequestError):
    """The user, or all users of this instance, asked for too many receipts within a minute."""

    status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "too_many_receipts",
            "Too many receipts were asked for - try again in a moment",
            headers={"Retry-After": str(retry_after_s)},
        )


class StripeRefused(RequestError):
    """Stripe understood the request and refused it; `stripe_code` and `param` are Stripe's words for why."""

    status = 502

    def __init__(self, stripe_code: str | None = None, param: str | None = None) -> None:
        super().__init__("stripe_refused", "The payment provider refused the request - contact support")
        self.stripe_code = stripe_code
        self.param = param


class CustomerGone(StripeRefused):
    """The customer was deleted in Stripe."""


class LedgerRefused(RequestError):
    """Firestore refuses a read or a write: a missing permission, a document too large. Trying again may not help."""

    status = 500

    def __init__(self, cause: str) -> None:
        super().__init__("ledger_refused", "Something went wrong on our side")
        self.cause = cause


class Unavailable(RequestError):
    """A component that is needed does not answer now."""

    status = 503

    def __init__(self, code: str, message: str = "Try again in a moment") -> None:
        super().__init__(code, message, headers={"Retry-After": "5"})
