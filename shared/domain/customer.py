"""The decisions on what links a user to Stripe: the customer's id and the subscription. Pure."""

from dataclasses import replace
from datetime import datetime

from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known
from shared.domain.subscription import Subscription


def decide_customer(
    account: Account, _known: Known, _now: datetime, *, customer_id: str, instead_of: str | None
) -> Decided[str]:
    """Save a user's Stripe customer unless another one, not `instead_of`, is stored; the outcome is the stored one."""
    stored = account.stripe_customer_id
    if stored and stored != instead_of:
        return Decided(stored)
    return Decided(customer_id, Change(replace(account, stripe_customer_id=customer_id)))


def decide_subscription(
    account: Account, _known: Known, now: datetime, *, read: Subscription | None, latest: Subscription
) -> Decided[bool]:
    """Save the subscription that Stripe reports; the outcome is false when the account has changed meanwhile.

    Stripe was asked after `read` was read. If another delivery has saved a subscription since, that one may be newer:
    the caller has to ask again.
    """
    if account.subscription != read:
        return Decided(outcome=False)
    # The time makes every save a change, so that a concurrent one notices.
    saved = replace(account, subscription=replace(latest, synced_at=now))
    return Decided(True, Change(saved))  # noqa: FBT003 - the outcome
