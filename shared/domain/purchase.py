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
from shared.domain.times import DAY_S, MINUTE_S, YEAR_10000_S

_INT64_MAX = 2**63 - 1
_EVIDENCE_MAX = 500  # as long as Stripe lets a metadata value be
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
            "paymentAmountCents": self.paid_cents,
            "subtotalCents": self.subtotal_cents,
            "currency": self.currency,
        }
        if self.tax_cents:
            details["taxCents"] = self.tax_cents
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


def assess_session(  # noqa: C901, PLR0911 - one check and one return per reason, in the order they are checked
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
    metadata = metadata_of(session)
    if session.get("payment_status") == "unpaid":
        return AwaitingPayment(session["id"], buyer_in(metadata))

    def hold(reason: HoldReason, message: str) -> Hold:
        return Hold(session["id"], reason, message, buyer_in(metadata), paid_at, _evidence_in(session))

    if session.get("livemode") is not livemode:
        return hold(HoldReason.WRONG_LIVEMODE, f"Package validation failed: livemode is {session.get('livemode')}")
    malformed = _malformed(session)
    if malformed:
        return hold(
            HoldReason.MALFORMED_SESSION,
            f"Package validation failed: the session's {', '.join(malformed)} cannot be read",
        )
    if not all(now - _OLDEST_S <= at <= now + _CLOCK_SKEW_S for at in (paid_at, session["created"])):
        return hold(
            HoldReason.IMPLAUSIBLE_TIME,
            f"Package validation failed: created {_day(session['created'])}, paid {_day(paid_at)}",
        )
    uid = buyer_in(metadata)
    missing = [key for key in ("firebase_uid", "package_id", "tokens") if not metadata.get(key)]
    if missing or uid is None:
        return hold(
            HoldReason.MISSING_METADATA,
            f"Missing required metadata for token purchase: {', '.join(missing or ['firebase_uid'])}",
        )
    tokens = _whole_number(metadata["tokens"])
    if tokens is None:
        return hold(HoldReason.INVALID_TOKENS, f"Invalid token amount: {str(metadata['tokens'])[:40]!r}")
    package = catalog.find(metadata["package_id"])
    if package is None:
        return hold(
            HoldReason.UNKNOWN_PACKAGE,
            f"Package validation failed: no package {str(metadata['package_id'])[:40]!r}",
        )
    terms = _claimed_terms(session, package, tokens)
    if terms is None:
        return hold(
            HoldReason.TERMS_MISMATCH,
            f"Package validation failed: {tokens} tokens for {session.get('amount_subtotal')} "
            f"{session.get('currency')} match none of the terms of {package.id}",
        )
    if not _paid_in_full(session, package):
        return hold(
            HoldReason.DISCOUNT_NOT_ALLOWED,
            f"Package validation failed: {session.get('amount_total')} {session.get('currency')} paid, "
            f"{terms.price_cents} due for {package.id}",
        )
    return Purchase(
        session_id=session["id"],
        uid=uid,
        package_id=package.id,
        tokens=terms.tokens,
        bonus=terms.bonus,
        subtotal_cents=terms.price_cents,
        paid_cents=session["amount_total"],
        currency=terms.currency,
        customer_id=_storable(session.get("customer")),
        payment_intent_id=_storable(session.get("payment_intent")),
        paid_at=paid_at,
        tax_cents=_mapping(session.get("total_details")).get("amount_tax") or 0,
    )


def is_ours(stripe_object: Mapping[str, Any]) -> bool:
    """Tell whether the metadata of a session or charge says that it sells one of our packages."""
    return bool(metadata_of(stripe_object).get("purchase_type") == TOKEN_PACKAGE)


def is_other_product(stripe_object: Mapping[str, Any]) -> bool:
    """Tell whether the metadata of a session or charge names a purchase type that is not ours."""
    return metadata_of(stripe_object).get("purchase_type") not in (None, TOKEN_PACKAGE)


def metadata_of(stripe_object: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata of a Stripe object; empty when it has none, or none that can be read."""
    return _mapping(stripe_object.get("metadata"))


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
            "currency": purchase.currency,
            "customerId": purchase.customer_id,
            "paymentIntentId": purchase.payment_intent_id,
        },
    )


def _evidence_in(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a session that a hold keeps: ids, claims and amounts, no personal data."""
    metadata = metadata_of(session)
    evidence = {
        "packageId": metadata.get("package_id"),
        "tokens": metadata.get("tokens"),
        "amountTotal": session.get("amount_total"),
        "amountSubtotal": session.get("amount_subtotal"),
        "currency": session.get("currency"),
        "customerId": session.get("customer"),
        "paymentIntentId": session.get("payment_intent"),
        "livemode": session.get("livemode"),
    }
    return {name: _storable(value) for name, value in evidence.items()}


def _malformed(session: Mapping[str, Any]) -> list[str]:
    """Return the required fields that this paid session lacks: redelivery would not help."""
    totals = _mapping(session.get("total_details"))
    well_formed = {
        # With an amount, `no_payment_required` means that the payment comes later, if at all.
        "payment_status": session.get("payment_status") == "paid"
        or (session.get("payment_status") == "no_payment_required" and session.get("amount_total") == 0),
        "created": _is_count(session.get("created"), YEAR_10000_S - 1),
        "amount_subtotal": _is_count(session.get("amount_subtotal")),
        "amount_total": _is_count(session.get("amount_total")),
        "amount_discount": totals.get("amount_discount") is None or _is_count(totals["amount_discount"]),
        "amount_tax": totals.get("amount_tax") is None or _is_count(totals["amount_tax"]),
    }
    return [name for name, good in well_formed.items() if not good]


def _is_count(value: object, most: int = _INT64_MAX) -> bool:
    return type(value) is int and 0 <= value <= most


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _storable(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return what a document can hold of a JSON value: Firestore refuses some numbers, texts and lists in lists."""
    if isinstance(value, int):
        return value if abs(value) <= _INT64_MAX else str(value)
    if value is None:
        return None
    return (value if isinstance(value, str) else repr(value)).encode("utf-8", "replace").decode()[:_EVIDENCE_MAX]


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _whole_number(text: object) -> int | None:
    """Read a count of tokens as create_checkout writes it: ASCII digits, no sign, no leading zero."""
    if isinstance(text, str) and text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= 9:  # noqa: PLR2004
        return int(text)
    return None


def _claimed_terms(session: Mapping[str, Any], package: Package, tokens: int) -> Terms | None:
    claim = (tokens, session.get("amount_subtotal"), session.get("currency"))
    created_at = datetime.fromtimestamp(session["created"], UTC)
    return next(
        (
            terms
            for terms in reversed(package.terms)
            if (terms.tokens, terms.price_cents, terms.currency) == claim and terms.on_sale_at(created_at)
        ),
        None,
    )


def _paid_in_full(session: Mapping[str, Any], package: Package) -> bool:
    """Tell whether what was paid is the price: less a discount only where promotions are allowed, plus any tax."""
    totals = _mapping(session.get("total_details"))
    discount = totals.get("amount_discount") or 0
    return (discount == 0 or package.promotions) and session["amount_total"] >= session["amount_subtotal"] - discount
