"""Whose token purchase a payment was. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.entry import Entry
from shared.domain.purchase import TOKEN_PACKAGE, NotOurs, buyer_in
from shared.domain.session_fields import metadata_of


@dataclass(frozen=True, slots=True)
class Buyer:
    """The user who paid."""

    uid: str


@dataclass(frozen=True, slots=True)
class UnknownBuyer:
    """The payment was for one of our packages, but its metadata names no user."""


def resolve_buyer(
    purchase: Entry | None, stripe_object: Mapping[str, Any], payment_metadata: Callable[[], Mapping[str, Any]]
) -> Buyer | UnknownBuyer | NotOurs:
    """Return whose token purchase a payment was.

    Args:
        purchase: the payment's purchase entry, None when the ledger has none.
        stripe_object: the charge, refund or dispute of the event.
        payment_metadata: returns the PaymentIntent's metadata from Stripe; called only when neither of the two decides.
    """
    if purchase is not None:
        return Buyer(purchase.uid)
    metadata = metadata_of(stripe_object)
    if metadata.get("purchase_type") is None:  # the metadata of a refund or dispute is its own, not the payment's
        metadata = payment_metadata()
    if metadata.get("purchase_type") != TOKEN_PACKAGE:
        return NotOurs()
    uid = buyer_in(metadata)
    return Buyer(uid) if uid else UnknownBuyer()
