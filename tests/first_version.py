"""Documents exactly as version 0.1 wrote them, by its own code: one account with all that it knew of.

Two purchases of `popular`, a spend, a grant; a refund and an open dispute of the first purchase, a refund of the second
that failed; a refund whose purchase is not known; a pending and a failed payment, a held purchase, a subscription.
"""

from datetime import UTC, datetime
from typing import Any


def _at(minute: int) -> datetime:
    return datetime(2026, 11, 1, 12, minute, tzinfo=UTC)


def _entry(type_: str, amount: int, balance_after: int, minute: int, **details: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "userId": "ada",
        "type": type_,
        "amount": amount,
        "balanceAfter": balance_after,
        "timestamp": _at(minute),
        "details": details,
    }


def _sale(number: int) -> dict[str, Any]:
    return {"packageId": "popular", "stripeSessionId": f"cs_{number}", "stripePaymentIntentId": f"pi_{number}"}


_PAID = {
    "bonus": 10,
    "stripeCustomerId": "cus_ada",
    "paymentAmountCents": 999,
    "subtotalCents": 999,
    "currency": "usd",
    "paymentAmountUSD": 9.99,
}
_CLAIM = {
    "packageId": "popular",
    "tokens": "99999",
    "amountTotal": 999,
    "amountSubtotal": 999,
    "currency": "usd",
    "customerId": "cus_ada",
    "paymentIntentId": "pi_held",
    "livemode": False,
}
_HELD = {"sessionId": "cs_held", "reason": "terms_mismatch", "message": "Package validation failed", **_CLAIM}

DOCUMENTS: dict[str, dict[str, Any]] = {
    "users/ada": {
        "displayName": "Ada",
        "photoURL": None,
        "tokenBalance": 123,
        "totalTokensPurchased": 220,
        "totalTokensEarned": 5,
        "totalTokensSpent": 30,
        "stripeCustomerId": "cus_ada",
        "recentPurchases": [1793534400, 1793534400],
        "openPurchases": {"cs_slow": "waiting", "cs_gone": "failed", "cs_held": "held"},
        "lastEntryAt": _at(8),
        "reversals": {
            "pi_1": {
                "refunded": {"charge_id": "ch_1", "cents": 333, "at": 1793534500},
                "failed": {},
                "disputes": {"dp_1": {"dispute_id": "dp_1", "cents": 333, "outcome": "open"}},
            },
            "pi_2": {
                "refunded": {"charge_id": "ch_2", "cents": 500, "at": 1793534500},
                "failed": {"re_2": {"refund_id": "re_2", "cents": 500, "at": 1793534600}},
                "disputes": {},
            },
            "pi_3": {
                "refunded": {"charge_id": "ch_3", "cents": 500, "at": 1793534700},
                "failed": {},
                "disputes": {},
            },
        },
        "subscription": {
            "id": "sub_1",
            "status": "active",
            "priceId": "price_1",
            "currentPeriodEnd": datetime(2026, 12, 1, tzinfo=UTC),
            "cancelAtPeriodEnd": False,
            "syncedAt": _at(10),
        },
    },
    "transactions/purchase:cs_1": _entry("purchase", 110, 110, 1, **_sale(1), **_PAID),
    "transactions/purchase:cs_2": _entry("purchase", 110, 220, 2, **_sale(2), **_PAID),
    "transactions/spend:ada:job-1": _entry("spend", -30, 190, 3, reason="render"),
    "transactions/grant:welcome": _entry("grant", 5, 195, 4),
    "transactions/refund:ch_1:333:1793534500": _entry(
        "refund", -36, 159, 5, **_sale(1), stripeChargeId="ch_1", refundedCents=333
    ),
    "transactions/dispute:dp_1": _entry("dispute", -36, 123, 6, **_sale(1), stripeDisputeId="dp_1", disputedCents=333),
    "transactions/refund:ch_2:500:1793534500": _entry(
        "refund", -55, 68, 7, **_sale(2), stripeChargeId="ch_2", refundedCents=500
    ),
    "transactions/refund_failed:re_2:1793534600": _entry(
        "refund", 55, 123, 8, **_sale(2), stripeRefundId="re_2", failedCents=500
    ),
    "held_purchases/cs_held": {"userId": "ada", "paidAt": _at(0), "heldAt": _at(9), "status": "held", **_HELD},
    "security_alerts/held:cs_held": {
        "type": "purchase_invalid",
        "severity": "high",
        "userId": "ada",
        "seen": _HELD,
        "status": "open",
        "createdAt": _at(9),
    },
}
