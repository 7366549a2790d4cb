"""What this Stripe does where the real one varies from account to account or day to day; the defaults are kind."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

RefundStatus = Literal["succeeded", "pending", "requires_action"]


@dataclass(frozen=True, slots=True)
class Behavior:
    """Settings that apply from now on, changed through `/_sim/behavior` and `/_sim/tax`."""

    refund_status: RefundStatus = "succeeded"
    """What a new refund starts as."""
    failed_refunds_lower_amount_refunded: bool = True
    """Whether a refund that fails or is canceled lowers its charge's `amount_refunded` again: Stripe does not say."""
    search_lag_s: float = 0.0
    """How long a new or changed customer stays invisible to search."""
    adaptive_pricing: bool = False
    """The dashboard's setting, which applies to sessions that do not set `adaptive_pricing` themselves."""
    settlement_currency: str | None = None
    """The currency of balance transactions; None: that of the payment."""
    settlement_rate: float = 1.0
    """What one unit of the payment's currency is worth in `settlement_currency`."""
    tax_percent: Decimal = Decimal(0)
    """What a session with `automatic_tax[enabled]` adds."""
