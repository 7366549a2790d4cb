"""The signature on a webhook request. Source: https://docs.stripe.com/webhooks#verify-manually."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import stripe

from shared.domain.errors import BadInput, Unsigned

_WORD = re.compile(r"[!-~]{1,255}")
_TOLERANCE_S = 300


def verify_webhook(
    payload: bytes, signature: str | None, secrets: str, *, clock: Callable[[], float] = time.time
) -> dict[str, Any]:
    """Return the event of a webhook request that Stripe signed with one of the secrets (comma-separated).

    Stripe's library accepts a timestamp in the future, which would let a captured request be kept for later: more than
    5 minutes ahead is refused as well.

    Raises:
        Unsigned: the signature or its time is not good, or the body cannot have been signed.
        BadInput: the body is not an event.
    """
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unsigned("invalid_payload", "The body is not UTF-8") from error
    signed_at = _check_signature(payload, signature, secrets)
    if signed_at > clock() + _TOLERANCE_S:
        raise Unsigned("invalid_signature", "The signature's time lies in the future")
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadInput("invalid_payload", "The body is not JSON") from error
    if not _is_event(event):
        raise BadInput("invalid_payload", "The body is not a Stripe event")
    return dict(event)


def _check_signature(payload: bytes, signature: str | None, secrets: str) -> int:
    """Check the signature against every secret, and return the time it was made at, in UTC seconds."""
    # Comparing signatures that are not ASCII makes Stripe's library raise TypeError.
    if signature is None or not signature.isascii():
        raise Unsigned("invalid_signature", "The signature does not verify")
    # Whatever else a setting or Secret Manager may hold (nothing, a placeholder) is a key that anyone can guess.
    for secret in (part for part in map(str.strip, secrets.split(",")) if part.startswith("whsec_")):
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, tolerance=_TOLERANCE_S)
        except stripe.SignatureVerificationError:
            continue
        # Read as the library reads it: a header may carry more than it looks at.
        return int(next(fields[1] for fields in _header_fields(signature) if fields[0] == "t"))
    raise Unsigned("invalid_signature", "The signature does not verify")


def _header_fields(signature: str) -> list[list[str]]:
    return [field.split("=", 2) for field in signature.split(",")]


def _is_event(event: object) -> bool:
    return (
        isinstance(event, dict)
        and _is_word(event.get("id"))
        and _is_word(event.get("type"))
        and (event.get("api_version") is None or _is_word(event["api_version"]))
        and isinstance(event.get("created"), int)
        and isinstance(event.get("livemode"), bool)
        and isinstance(event.get("data"), dict)
        and isinstance(event["data"].get("object"), dict)
    )


def _is_word(value: object) -> bool:
    """Tell whether a value can be an attribute of a message; Stripe's ids, types and versions can."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None
