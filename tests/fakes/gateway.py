"""Stripe as the operator's command line asks it: sessions by id, and refunds."""

from collections.abc import Mapping
from typing import Any, cast

from shared.adapters.stripe_api import StripeGateway
from shared.domain.errors import StripeRefused


class FakeGateway:
    """Knows the sessions it is given, and refunds each payment once. `reversed`: what went back of a payment."""

    paid_cents = 999

    def __init__(self) -> None:
        self.sessions: dict[str, Mapping[str, Any]] = {}
        self.refunds: list[tuple[str, str]] = []
        self.refuses = False
        self.reversed: dict[str, tuple[int, bool]] = {}

    def session(self, session_id: str) -> Mapping[str, Any] | None:
        return self.sessions.get(session_id)

    def refund_rest(self, payment_intent_id: str, *, idempotency_key: str) -> str | None:
        if self.refuses:
            raise StripeRefused
        refund = (payment_intent_id, idempotency_key)
        if refund not in self.refunds:
            self.refunds.append(refund)
            self.reversed[payment_intent_id] = (self.paid_cents, False)
        return f"re_{payment_intent_id}"

    def reversed_of_payment(self, payment_intent_id: str) -> tuple[int, bool]:
        return self.reversed.get(payment_intent_id, (0, False))

    def as_gateway(self) -> StripeGateway:
        return cast("StripeGateway", self)
