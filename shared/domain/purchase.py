"""A Checkout Session becomes a purchase, or a reason why not. Pure.

The signed event is the source: nothing here asks Stripe. A session is ours when its metadata's `purchase_type` says so,
and it is credited only when every claim of its metadata agrees with terms that its package had when the session was
created.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.domain.catalog import Catalog, Package, Terms
from shared.domain.entry import NewEntry, is_uid
from shared.domain.session_fields import (
    evidence_in,
    is_paid_in_full,
    malformed_fields,
    mapping_of,
    metadata_of,
    storable,
    whole_number,
)
from shared.domain.times import DAY_S, MINUTE_S

_CLOCK_SKEW_S = 5 * MINUTE_S
_OLDEST_S = 31 * DAY_S  # Stripe retries for 3 days and lists events for 30; the topic keeps messages for 31

TOKEN_PACKAGE = "token_package"  # noqa: S105 - a purchase type, not a secret


class HoldReason(StrEnum):
    """Why a paid purchase is not credited."""

    WRONG_LIVEMODE = "wrong_livemode"
    MALFORMED_SESSION = "malformed_session"
    IMPLAUSIBLE_TIME = "implausible_time"
    MISSING_METADATA = "missing_metadata"
    INVALID_TOKENS = "invalid_tokens"
    UNKNOWN_PACKAGE = "unknown_package"
    TERMS_MISMATCH = "terms_mismatch"
    DISCOUNT_NOT_ALLOWED = "discount_not_allowed"
    LIMIT_EXCEEDED = "limit_exceeded"


@dataclass(frozen=True, slots=True)
class Purchase:
    """A paid session that agrees with its package's terms.

    Amounts are cents of `currency`: `subtotal_cents` before discounts and taxes, `paid_cents` after; `tax_cents` is the
    tax that `paid_cents` contains. `paid_at` is when Stripe created the event of the payment, in UTC seconds.
    `invoice_id` is None where no invoices are made.
    """

    session_id: str
    uid: str
    package_id: str
    tokens: int
    bonus: int
    subtotal_cents: int
    paid_cents: int
    currency: str
    customer_id: str | None
    payment_intent_id: str | None
    paid_at: int
    tax_cents: int = 0
    invoice_id: str | None = None

    @property
    def entry_id(self) -> str:
        """The ledger entry's id: it names the session, so that two events of one purchase meet in one entry."""
        return entry_id(self.session_id)

    def new_entry(self) -> NewEntry:
        """Return what this purchase adds to its buyer's account."""
        details: dict[str, Any] = {
            "packageId": self.package_id,
            "bonus": self.bonus,
            "stripeSessionId": self.session_id,
            "stripeCustomerId": self.customer_id,
            "stripePaymentIntentId": self.payment_intent_id,
            "paymentAmount": self.paid_cents,
            "paymentAmountCents": self.paid_cents,  # the name that version 0.1 gave it
            "subtotalCents": self.subtotal_cents,
            "currency": self.currency,
        }
        if self.tax_cents:
            details["taxCents"] = self.tax_cents
        if self.invoice_id:
            details["stripeInvoiceId"] = self.invoice_id
        if self.currency == "usd":
            details["paymentAmountUSD"] = self.paid_cents / 100
        return NewEntry(self.entry_id, "purchase", self.tokens, details)


@dataclass(frozen=True, slots=True)
class Hold:
    """A paid session that is not credited, and why.

    `message` is the sentence for the log and the operator; `evidence` is what Stripe sent, for whoever decides on it.
    """

    session_id: str
    reason: HoldReason
    message: str
    uid: str | None
    paid_at: int
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry_id(self) -> str:
        """The id that the session's entry would have, were it credited."""
        return entry_id(self.session_id)

    @property
    def path(self) -> str:
        """The document that records the hold."""
        return f"held_purchases/{self.session_id}"


@dataclass(frozen=True, slots=True)
class AwaitingPayment:
    """A session whose delayed payment is pending: a later event says how it ends."""

    session_id: str
    uid: str | None


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A session or payment of another product of the same Stripe account."""


def entry_id(session_id: str) -> str:
    """Return the id of the ledger entry of a session's purchase."""
    return f"purchase:{session_id}"


def assess_session(
    session: Mapping[str, Any], *, paid_at: int, now: int, catalog: Catalog, livemode: bool
) -> Purchase | Hold | AwaitingPayment | NotOurs:
    """Decide what a Checkout Session is.

    Args:
        session: the Checkout Session as Stripe's event carries it.
        paid_at: when the event was created, UTC seconds.
        now: UTC seconds; whoever forges events chooses the other times.
        catalog: the packages on sale, with their former terms.
        livemode: whether this deployment takes real money.

    Source: https://docs.stripe.com/checkout/fulfillment (fulfill when payment_status is not `unpaid`).
    """
    if not is_ours(session):
        return NotOurs()
    buyer = buyer_in(metadata_of(session))
    if session.get("payment_status") == "unpaid":
        return AwaitingPayment(session["id"], buyer)
    try:
        _check_session(session, paid_at=paid_at, now=now, livemode=livemode)
        return _purchase_of(session, paid_at=paid_at, catalog=catalog)
    except _UnacceptableError as fault:
        return Hold(session["id"], fault.reason, str(fault), buyer, paid_at, evidence_in(session))


class _UnacceptableError(Exception):
    """What is wrong with a paid session; it never leaves this module."""

    def __init__(self, reason: HoldReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _check_session(session: Mapping[str, Any], *, paid_at: int, now: int, livemode: bool) -> None:
    if session.get("livemode") is not livemode:
        raise _UnacceptableError(
            HoldReason.WRONG_LIVEMODE, f"Package validation failed: livemode is {session.get('livemode')}"
        )
    malformed = malformed_fields(session)
    if malformed:
        raise _UnacceptableError(
            HoldReason.MALFORMED_SESSION,
            f"Package validation failed: the session's {', '.join(malformed)} cannot be read",
        )
    if not all(now - _OLDEST_S <= at <= now + _CLOCK_SKEW_S for at in (paid_at, session["created"])):
        raise _UnacceptableError(
            HoldReason.IMPLAUSIBLE_TIME,
            f"Package validation failed: created {_day(session['created'])}, paid {_day(paid_at)}",
        )


def _purchase_of(session: Mapping[str, Any], *, paid_at: int, catalog: Catalog) -> Purchase:
    """Return the purchase that a session's metadata claims, if its package had these terms and they were paid."""
    uid, package, tokens = _claim_of(session, catalog)
    terms = _terms_of(session, package, tokens)
    if not is_paid_in_full(session, promotions=package.promotions):
        raise _UnacceptableError(
            HoldReason.DISCOUNT_NOT_ALLOWED,
            f"Package validation failed: {session.get('amount_total')} {session.get('currency')} paid, "
            f"{session.get('amount_subtotal')} due for {package.id}",
        )
    return Purchase(
        session_id=session["id"],
        uid=uid,
        package_id=package.id,
        tokens=terms.tokens,
        bonus=terms.bonus,
        subtotal_cents=session["amount_subtotal"],
        paid_cents=session["amount_total"],
        currency=session["currency"],
        customer_id=storable(session.get("customer")),
        payment_intent_id=storable(session.get("payment_intent")),
        paid_at=paid_at,
        tax_cents=mapping_of(session.get("total_details")).get("amount_tax") or 0,
        invoice_id=storable(session.get("invoice")),
    )


def _claim_of(session: Mapping[str, Any], catalog: Catalog) -> tuple[str, Package, int]:
    """Return the buyer, the package and the tokens that the metadata names."""
    metadata = metadata_of(session)
    uid = buyer_in(metadata)
    missing = [key for key in ("firebase_uid", "package_id", "tokens") if not metadata.get(key)]
    if missing or uid is None:
        raise _UnacceptableError(
            HoldReason.MISSING_METADATA,
            f"Missing required metadata for token purchase: {', '.join(missing or ['firebase_uid'])}",
        )
    tokens = whole_number(metadata["tokens"])
    if tokens is None:
        raise _UnacceptableError(HoldReason.INVALID_TOKENS, f"Invalid token amount: {str(metadata['tokens'])[:40]!r}")
    package = catalog.find(metadata["package_id"])
    if package is None:
        raise _UnacceptableError(
            HoldReason.UNKNOWN_PACKAGE, f"Package validation failed: no package {str(metadata['package_id'])[:40]!r}"
        )
    return uid, package, tokens


def _terms_of(session: Mapping[str, Any], package: Package, tokens: int) -> Terms:
    """Return the terms that the session claims and the package had when the session was created."""
    claim = (tokens, session.get("amount_subtotal"))
    currency = str(session.get("currency"))
    created_at = datetime.fromtimestamp(session["created"], UTC)
    for terms in reversed(package.terms):
        if (terms.tokens, terms.prices.get(currency)) == claim and terms.on_sale_at(created_at):
            return terms
    raise _UnacceptableError(
        HoldReason.TERMS_MISMATCH,
        f"Package validation failed: {tokens} tokens for {session.get('amount_subtotal')} "
        f"{session.get('currency')} match none of the terms of {package.id}",
    )


def is_ours(stripe_object: Mapping[str, Any]) -> bool:
    """Tell whether the metadata of a session or charge says that it sells one of our packages."""
    return bool(metadata_of(stripe_object).get("purchase_type") == TOKEN_PACKAGE)


def is_other_product(stripe_object: Mapping[str, Any]) -> bool:
    """Tell whether the metadata of a session or charge names a purchase type that is not ours."""
    return metadata_of(stripe_object).get("purchase_type") not in (None, TOKEN_PACKAGE)


def buyer_in(metadata: Mapping[str, Any]) -> str | None:
    """Return the buyer's Firebase uid that Stripe metadata names, None when it names none."""
    uid = metadata.get("firebase_uid")
    return uid if is_uid(uid) else None


def over_limit(purchase: Purchase) -> Hold:
    """Return the hold for a valid purchase that exceeds the limits."""
    return Hold(
        purchase.session_id,
        HoldReason.LIMIT_EXCEEDED,
        f"Rate limit exceeded: user {purchase.uid} bought too often",
        purchase.uid,
        purchase.paid_at,
        {
            "packageId": purchase.package_id,
            "tokens": purchase.tokens,
            "amountTotal": purchase.paid_cents,
            "amountSubtotal": purchase.subtotal_cents,
            "amountTax": purchase.tax_cents,
            "currency": purchase.currency,
            "customerId": purchase.customer_id,
            "paymentIntentId": purchase.payment_intent_id,
        },
    )


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
