"""Purchases for tests: `popular` of the default catalog unless said otherwise."""

from dataclasses import replace
from itertools import count
from typing import Any

from shared.domain.limits import Limits
from shared.domain.purchase import Hold, HoldReason, Purchase

PAID_AT = 1_795_000_000
NO_LIMITS = Limits(per_hour=10_000, per_day=10_000)

_numbers = count(1)


def purchase(session_id: str | None = None, **changes: Any) -> Purchase:  # noqa: ANN401 - a field's value
    """Return a valid purchase of its own session."""
    number = next(_numbers)
    popular = Purchase(
        session_id=session_id or f"cs_test_{number}",
        uid="ada",
        package_id="popular",
        tokens=110,
        bonus=10,
        subtotal_cents=999,
        paid_cents=999,
        currency="usd",
        customer_id="cus_ada",
        payment_intent_id=f"pi_{session_id or number}",
        paid_at=PAID_AT,
    )
    return replace(popular, **changes)


def invalid(session_id: str, uid: str | None = "ada", tokens: str = "99999") -> Hold:
    """Return the hold of a session whose claim is not its package's terms."""
    return Hold(
        session_id=session_id,
        reason=HoldReason.TERMS_MISMATCH,
        message="Package validation failed: 99999 tokens for 999 usd match none of the terms of popular",
        uid=uid,
        paid_at=PAID_AT,
        evidence={"packageId": "popular", "tokens": tokens, "amountTotal": 999},
    )
