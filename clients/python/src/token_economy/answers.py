"""From an HTTP response to a value or an error. What cannot be read is no answer: nothing is allowed by guessing."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from token_economy.calls import Answer, Call
from token_economy.errors import Unavailable, refusal

# 429 is the platform's, when no instance is free; the ledger's own 429 says that waiting does not help by itself.
_PASSING = frozenset({429, 500, 502, 503, 504})
_NOT_PASSING = frozenset({"too_many_reservations"})


def read(response: httpx.Response, call: Call[Answer]) -> Answer:
    """Return what the ledger answered.

    Raises:
        Unavailable: the answer does not say what happened; the same request again may.
        Refused: the ledger refused.
    """
    fields = _json_object(response)
    if response.is_success:
        try:
            return call.read(fields)
        except (LookupError, TypeError, ValueError) as error:
            raise Unavailable(f"{_place(response)} answered something else than expected: {error!r}") from error
    refused = fields.get("error")
    details = refused if isinstance(refused, dict) else {}
    code = str(details.get("code", f"http_{response.status_code}"))
    message = str(details.get("message", f"{_place(response)} answered {response.status_code}"))
    if response.status_code in _PASSING and code not in _NOT_PASSING:
        raise Unavailable(f"{message} ({code})", retry_after_s=retry_after_s(response))
    raise refusal(response.status_code, code, message, retry_after_s(response))


def retry_after_s(response: httpx.Response) -> float:
    """Return the seconds that the server asks to wait: from a number or a date, 0 if there is neither."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def _json_object(response: httpx.Response) -> Mapping[str, Any]:
    """Return the answer's JSON object, an empty one if there is none: proxies answer with pages of their own."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _place(response: httpx.Response) -> str:
    return str(response.request.url)
