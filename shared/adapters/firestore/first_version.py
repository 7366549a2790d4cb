"""Accounts that version 0.1 left on users/{uid}. Pure.

Version 0.1 kept the ledger's state beside the profile. The first change of such an account moves it to accounts/{uid};
`python -m ops migrate` moves those that nobody changes.
"""

from collections.abc import Mapping
from typing import Any

from shared.adapters.firestore.documents import subscription_from
from shared.domain.account import Account, OpenPurchase
from shared.domain.change import PaymentRecord
from shared.domain.limits import PurchaseTime
from shared.domain.payment_facts_fields import facts_from_first_version

MOVED_FIELDS = ("recentPurchases", "reversals", "lastEntryAt")
"""The fields of users/{uid} that only version 0.1 wrote."""


def is_first_version(fields: Mapping[str, Any]) -> bool:
    """Tell whether users/{uid} holds an account of version 0.1, which wrote these fields at every change."""
    return "recentPurchases" in fields


def account_from_first_version(uid: str, fields: Mapping[str, Any]) -> Account:
    """Return the account that version 0.1 kept on users/{uid}."""
    subscription = fields.get("subscription")
    return Account(
        uid=uid,
        balance=fields["tokenBalance"],
        purchased=fields["totalTokensPurchased"],
        earned=fields["totalTokensEarned"],
        spent=fields["totalTokensSpent"],
        stripe_customer_id=fields["stripeCustomerId"],
        recent_purchases=tuple(PurchaseTime(paid_at, paid_at) for paid_at in fields["recentPurchases"]),
        open_purchases={id_: OpenPurchase(state, 0) for id_, state in fields["openPurchases"].items()},
        # Version 0.1 did not tell whether a payment's purchase was known: a credit looks, and finds out.
        reversed_early=tuple(fields["reversals"]),
        subscription=subscription_from(subscription) if subscription else None,
        last_entry_at=fields["lastEntryAt"],
        exists=True,
    )


def payments_from_first_version(fields: Mapping[str, Any]) -> dict[str, PaymentRecord]:
    """Return what version 0.1 knew of refunds and disputes, by PaymentIntent."""
    return {
        payment: PaymentRecord(facts_from_first_version(known), first_version=known)
        for payment, known in fields["reversals"].items()
    }
