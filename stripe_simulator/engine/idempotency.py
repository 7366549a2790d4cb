"""Idempotency keys: the first answer to a key is the answer to that key for the next 24 hours.

Stripe saves the status and body of a key's first request once its endpoint has begun to execute, and replays them,
server errors and refusals included. A request that never began leaves its key free: it failed validation, its API key
was wrong, or the first request with its key was still running. https://docs.stripe.com/api/idempotent_requests
"""

import threading
from dataclasses import dataclass

from stripe_simulator.engine.clock import Clock
from stripe_simulator.engine.errors import ApiError

KEY_CHARACTERS_MAX = 255
LIFETIME_S = 24 * 3600
PATIENCE_S = 1.0
"""How long a second use of a key waits for the first before it gets Stripe's 409, which Stripe answers at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, replayed byte for byte."""

    status: int
    body: bytes
    request_id: str
    """The request that was answered first: a replay names it in its `Original-Request` header."""


@dataclass(slots=True)
class _Use:
    request: str
    answer: Answer | None = None
    saved_at: float = 0.0


class IdempotencyKeys:
    """An account's keys, each with the request that first used it and the answer, once there is one."""

    def __init__(self, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._uses: dict[str, _Use] = {}

    def claim(self, key: str, request: str) -> Answer | None:
        """Begin a request under a key, or return the answer that the key already has.

        A request that begins must end with `save` or `release`.

        Args:
            key: the Idempotency-Key header.
            request: the method, path and parameters; the same key with another request is an error.

        Raises:
            ApiError: 400 for another request or too long a key; 409 while the first request is still running.
        """
        if len(key) > KEY_CHARACTERS_MAX:
            message = f"Idempotency keys can have up to {KEY_CHARACTERS_MAX} characters, but yours has {len(key)}."
            raise ApiError(400, "idempotency_error", message)
        with self._changed:
            self._changed.wait_for(lambda: not self._is_running(key), self._patience_s)
            use = self._uses.get(key)
            if use is None or (use.answer is not None and self._clock.exact() - use.saved_at >= LIFETIME_S):
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

    def save(self, key: str, answer: Answer) -> None:
        """End a request that began to execute: every later use of its key gets this answer."""
        with self._changed:
            self._uses[key].answer = answer
            self._uses[key].saved_at = self._clock.exact()
            self._changed.notify_all()

    def release(self, key: str) -> None:
        """End a request; if no answer was saved, its key is free again."""
        with self._changed:
            if self._is_running(key):
                del self._uses[key]
            self._changed.notify_all()

    def _is_running(self, key: str) -> bool:
        return key in self._uses and self._uses[key].answer is None
