"""What the simulated business is like. Shares are of purchases unless another base is named."""

from dataclasses import dataclass

from deploy.costs import MIX
from shared.runtime.catalog_file import load_catalog

HOUR_S = 3_600
DAY_S = 86_400
START_S = 1_780_272_000
"""The first second: 2026-06-01, when the catalog's terms are on sale."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """How users, buyers, cardholders and operators behave.

    The shares of refunds and disputes are of the order that Stripe's guides call usual for digital goods; the others
    are chosen so that each way through the code is taken often. They are inputs, not findings.
    """

    purchases_per_user: float = 5.0
    joined_by: float = 0.8
    """The share of the days after which nobody new joins."""
    duplicated: float = 0.03
    lost: float = 0.005
    """Webhooks that never arrive: reconcile finds them within the hour."""
    delayed: float = 0.02
    delayed_fails: float = 0.1
    tampered: float = 0.0002
    burst: float = 0.001
    """Purchases that are followed by six more within the hour: the limits hold some."""
    refunded: float = 0.02
    refund_is_partial: float = 0.3
    refund_fails: float = 0.03
    disputed: float = 0.006
    dispute_is_inquiry: float = 0.2
    dispute_won: float = 0.35
    dispute_appealed: float = 0.25
    """Of the lost disputes; half of the appeals are won."""
    spends_per_purchase: float = 1.0
    spend_reserves: float = 0.1
    """The share of spends that reserve first and capture afterwards."""
    reservation_abandoned: float = 0.05
    spend_repeated: float = 0.01
    """The share of spends whose answer is lost, so that they are sent again."""
    welcome_tokens: int = 10
    welcome_days: int = 30
    hold_released: float = 0.8
    """The share of holds for the limits that operators release; they reject all others."""
    dispute_fee_cents: int = 1_500


PACKAGES = tuple((package.id, package.current, MIX[package.id]) for package in load_catalog().packages)
