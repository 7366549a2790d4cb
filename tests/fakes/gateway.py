"""Stripe as the operator's command line uses it: sessions by id, and each payment's refunds and disputes."""

from collections.abc import Mapping
from itertools import count
from typing import Any, cast

from shared.adapters.stripe_api import StripeGateway
from shared.domain.errors import StripeRefused


class FakeGateway:
    """Knows the sessions that it is given, and refunds what is left of payments of `paid_cents`.

    `refused_with` makes it refuse refunds. `requests` are the refunds that the product asked for: payment and key.
    """

    paid_cents = 999

    def __init__(self) -> None:
        self.sessions: dict[str, Mapping[str, Any]] = {}
        self.metadata: dict[str, Mapping[str, str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.refused_with: str | None = None
        self._refunds: dict[str, list[dict[str, Any]]] = {}
        self._disputes: dict[str, list[dict[str, Any]]] = {}
        self._made: dict[str, str] = {}
        self._numbers = count(1)

    # --- for tests

    def refund(self, payment: str, cents: int) -> str:
        """Refund some of a payment, as somebody does in Stripe's dashboard; return the refund's id."""
        id_ = f"re_{next(self._numbers)}"
        refund = {"object": "refund", "id": id_, "amount": cents, "status": "succeeded", "payment_intent": payment}
        self._refunds.setdefault(payment, []).append(refund)
        return id_

    def fail(self, refund_id: str) -> None:
        """Let a refund fail, as a closed card does days later."""
        for refund in (one for refunds in self._refunds.values() for one in refunds):
            if refund["id"] == refund_id:
                refund["status"] = "failed"

    def dispute(self, payment: str, id_: str, status: str, *moved: int, cents: int = 999) -> None:
        """Dispute a payment; `moved` is the money that Stripe moved for it, negative when it withdrew some."""
        dispute = {
            "object": "dispute",
            "id": id_,
            "amount": cents,
            "currency": "usd",
            "status": status,
            "payment_intent": payment,
            "balance_transactions": [
                {"id": f"txn_{id_}_{number}", "amount": one, "currency": "usd"} for number, one in enumerate(moved)
            ],
        }
        others = [one for one in self._disputes.get(payment, []) if one["id"] != id_]
        self._disputes[payment] = [*others, dispute]

    def as_gateway(self) -> StripeGateway:
        return cast("StripeGateway", self)

    # --- the gateway's own interface

    def session(self, session_id: str) -> Mapping[str, Any] | None:
        return self.sessions.get(session_id)

    def metadata_of_payment(self, payment_intent_id: str) -> Mapping[str, str]:
        return self.metadata.get(payment_intent_id, {})

    def refund_rest(self, payment_intent_id: str, *, idempotency_key: str) -> str | None:
        if idempotency_key in self._made:
            return self._made[idempotency_key]
        if self.refused_with is not None:
            raise StripeRefused(self.refused_with)
        refunds = self._refunds.get(payment_intent_id, [])
        left = self.paid_cents - sum(one["amount"] for one in refunds if one["status"] != "failed")
        if left <= 0:
            return None
        self.requests.append((payment_intent_id, idempotency_key))
        self._made[idempotency_key] = self.refund(payment_intent_id, left)
        return self._made[idempotency_key]

    def reversals_of_payment(self, payment_intent_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return self._refunds.get(payment_intent_id, []), self._disputes.get(payment_intent_id, [])
