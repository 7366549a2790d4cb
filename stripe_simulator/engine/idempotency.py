"""Idempotency keys: the first answer to a key is the answer to it (https://docs.stripe.com/api/idempotent_requests).

As at Stripe, only what was carried out is kept: a request that failed its checks leaves the key free.
"""

import threading
from dataclasses import dataclass

from stripe_simulator.engine.errors import ApiError

KEY_CHARACTERS_MAX = 255
PATIENCE_S = 1.0
"""How long a second use of a key waits for the first before it gets Stripe's 409 (which Stripe answers at once)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer, to be given again byte for byte."""

    status: int
    body: bytes


@dataclass(slots=True)
class _Use:
    request: str
    answer: Answer | None = None


class IdempotencyKeys:
    """Each key with the request that it was first used for, and the answer once there is one."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._uses: dict[str, _Use] = {}

    def claim(self, key: str, request: str) -> Answer | None:
        """Begin a request under a key, or answer what it was answered before; end it with `keep` or `release`.

        Args:
            key: the Idempotency-Key header.
            request: the method, path and parameters; the same key with another request is an error.

        Raises:
            ApiError: 400 for another request or too long a key, 409 while the first request is under way.
        """
        if len(key) > KEY_CHARACTERS_MAX:
            message = f"Idempotency keys can have up to {KEY_CHARACTERS_MAX} characters, but yours has {len(key)}."
            raise ApiError(400, "idempotency_error", message)
        with self._changed:
            self._changed.wait_for(
                lambda: key not in self._uses or self._uses[key].answer is not None, self._patience_s
            )
            use = self._uses.get(key)
            if use is None:
                self._uses[key] = _Use(request)
                return None
            if use.request != request:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request."
                )
                raise ApiError(400, "idempotency_error", message)
            if use.answer is None:
                message = (
                    "There is currently another in-progress request using this Idempotent Key (that probably means you "
                    f"submitted twice, and the other request is still going through): {key}. Please try again later."
                )
                raise ApiError(409, "idempotency_error", message, code="idempotency_key_in_use")
            return use.answer

    def keep(self, key: str, answer: Answer) -> None:
        """End a request: this is what its key answers from now on."""
        with self._changed:
            self._uses[key].answer = answer
            self._changed.notify_all()

    def release(self, key: str) -> None:
        """End a request that was not carried out: its key may be used again for anything."""
        with self._changed:
            if key in self._uses and self._uses[key].answer is None:
                del self._uses[key]
            self._changed.notify_all()
