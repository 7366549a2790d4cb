"""One call of Stripe's API: whose error it is, and what to do about an error that Stripe saved.

Stripe saves the answer to the first request with an idempotency key, server errors included, for at least a day. A
fixed key would repeat one error for as long, so a call continues with a next key:

    key ──> 500, saved ──> does its result exist after all? ──> key:1 ──> ... ──> key:4 ──> random keys

The keys are derived from the first one, so that two calls at once use the same and Stripe carries out one of them. When
all of those have saved errors, a random one is better than refusing for a day.
Source: https://docs.stripe.com/api/idempotent_requests
"""

import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar

import stripe

from shared.domain.errors import StripeRefused, Unavailable

_DERIVED_KEYS = 4
_NEW_ERRORS_MAX = 2

Result = TypeVar("Result")


def call(request: Callable[[], Result]) -> Result:
    """Call Stripe. Source: https://docs.stripe.com/error-handling.

    Raises:
        StripeRefused: Stripe says no.
        Unavailable: it does not answer, or asks to wait.
    """
    try:
        return request()
    except stripe.StripeError as error:
        # The SDK's sentence is left out: it may repeat an e-mail address, which belongs in no log.
        raise _ours(error) from (error if _is_transient(error) else None)


def call_with_key(
    request: Callable[[str], Result],
    key: str,
    *,
    retry_saved_refusals: bool = False,
    find: Callable[[], Result | None] = lambda: None,
) -> Result:
    """Call Stripe with an idempotency key, and with the next one where the answer is a saved error.

    The first new failure is retried with the next key as well; a second one means that Stripe is down.

    Args:
        request: sends the request with the key that it is given.
        key: the first key.
        retry_saved_refusals: whether a saved refusal is retried too: its cause may be gone.
        find: returns the result that a request had although its answer was an error, None if it had none.

    Raises:
        StripeRefused, Unavailable: as `call` does.
    """
    new_errors = 0
    last_error: StripeRefused | Unavailable | None = None
    for next_key in _keys(key):
        found = find() if last_error else None
        if found is not None:
            return found
        try:
            return request(next_key)
        except stripe.StripeError as error:
            last_error = _ours(error)
            saved = _is_replayed(error)
            new_errors += not saved
            retry = _is_failure(error) or (saved and retry_saved_refusals)
            if not retry or new_errors >= _NEW_ERRORS_MAX:
                raise last_error from (error if _is_transient(error) else None)
    raise last_error or AssertionError("there is at least one key")


def is_missing(error: StripeRefused, *, param: str | None = None) -> bool:
    """Tell whether Stripe refused because it does not know an object: the one that `param` names, if given."""
    return error.stripe_code == "resource_missing" and param in (None, error.param)


def _keys(first: str) -> Iterator[str]:
    yield first
    yield from (f"{first}:{number}" for number in range(1, _DERIVED_KEYS + 1))
    yield from (f"{first}:{uuid.uuid4()}" for _ in range(_NEW_ERRORS_MAX))


def _is_replayed(error: stripe.StripeError) -> bool:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return headers.get("idempotent-replayed") == "true"


def _is_failure(error: stripe.StripeError) -> bool:
    """Tell whether Stripe failed or its answer is broken: what became of the request is not known."""
    if isinstance(error, stripe.APIConnectionError):
        return not error.should_retry  # the SDK has repeated the others already
    return isinstance(error, stripe.APIError) and error.http_status != HTTPStatus.CONFLICT


def _is_transient(error: stripe.StripeError) -> bool:
    # APIError: a server error, an answer that is not JSON, or 409: the idempotency key's first request is in progress.
    return isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError) or (
        error.http_status == HTTPStatus.CONFLICT
    )


def _ours(error: stripe.StripeError) -> StripeRefused | Unavailable:
    if _is_transient(error):
        return Unavailable("stripe_unavailable", "The payment provider does not answer - try again")
    refused = StripeRefused(error.code, getattr(error, "param", None))
    refused.add_note(f"Stripe: {error.http_status} {error.code}, param {refused.param}, {error.request_id}")
    return refused
