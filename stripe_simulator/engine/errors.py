"""The API's errors, in Stripe's shape.

Shapes and codes: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes.
"""

from typing import Any


class ApiError(Exception):
    """A request that Stripe refuses: an HTTP status and `{"error": {"type", "message", "code"?, "param"?, ...}}`."""

    def __init__(
        self, status: int, kind: str, message: str, *, code: str | None = None, param: str | None = None, **more: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": kind}
        if code is not None:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param is not None:
            self.error["param"] = param
        self.error.update({name: value for name, value in more.items() if value is not None})


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> ApiError:
    """Return the 400 for parameters that Stripe refuses."""
    return ApiError(400, "invalid_request_error", message, code=code, param=param)


def missing(param: str) -> ApiError:
    """Return the 400 for a required parameter that was left out."""
    return invalid(f"Missing required param: {param}.", code="parameter_missing", param=param)


def only_one_of(*params: str) -> ApiError:
    """Return the 400 for parameters that exclude each other."""
    return invalid(f"You may only specify one of these parameters: {', '.join(params)}.")


def no_such(kind: str, object_id: str, *, param: str, status: int) -> ApiError:
    """Return the error for an object that does not exist: 404 where the path names it, 400 where a parameter does."""
    message = f"No such {kind}: '{object_id}'"
    return ApiError(status, "invalid_request_error", message, code="resource_missing", param=param)


def no_such_url(method: str, path: str) -> ApiError:
    """Return the 404 for a path where nothing answers."""
    message = (
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/."
    )
    return ApiError(404, "invalid_request_error", message)


def card_declined(message: str, *, code: str, decline_code: str | None = None, param: str | None = None) -> ApiError:
    """Return the 402 for a card that its bank declines; the message is for the buyer."""
    return ApiError(402, "card_error", message, code=code, param=param, decline_code=decline_code)
