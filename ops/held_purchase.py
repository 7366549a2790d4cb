"""A held purchase as an operator decides on it, and what releasing it would credit. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from shared.domain.catalog import Catalog, Terms
from shared.domain.errors import BadInput
from shared.domain.money import format_amount
from shared.domain.payment_alerts import outcome_of
from shared.domain.payment_facts import PaymentFacts
from shared.domain.purchase import HoldReason, Purchase


@dataclass(frozen=True, slots=True)
class HeldPurchase:
    """held_purchases/{session}. `tokens` and `package_id` are what the session claims; amounts are cents.

    `status` is held, released or rejected; what follows `payment_intent_id` is empty until somebody decides.
    """

    session_id: str
    uid: str | None
    reason: str
    message: str
    status: str
    paid_at: datetime
    held_at: datetime
    package_id: object
    tokens: object
    amount_total: object
    amount_subtotal: object
    amount_tax: object
    currency: object
    customer_id: object
    payment_intent_id: object
    decided_by: str | None = None
    decision_reason: str | None = None
    decided_at: datetime | None = None
    refund_id: str | None = None
    refund_waived: bool = False

    @property
    def payment(self) -> str | None:
        """The PaymentIntent that paid; None when there was nothing to pay, or none is known."""
        return self.payment_intent_id if isinstance(self.payment_intent_id, str) else None

    @property
    def paid(self) -> str:
        """What was paid, for people; as Stripe sent it when that cannot be read."""
        if is_cents(self.amount_total) and isinstance(self.currency, str):
            return format_amount(self.amount_total, self.currency)
        return f"{self.amount_total} {self.currency}"

    @property
    def wrong_mode(self) -> bool:
        """Whether it was paid in Stripe's other mode, of which this deployment's key knows nothing."""
        return self.reason == HoldReason.WRONG_LIVEMODE


def held_purchase_from(session_id: str, fields: Mapping[str, Any]) -> HeldPurchase:
    """Return the held purchase that held_purchases/{session} holds."""
    return HeldPurchase(
        session_id=session_id,
        uid=fields.get("userId"),
        reason=fields["reason"],
        message=fields["message"],
        status=fields["status"],
        paid_at=fields["paidAt"],
        held_at=fields["heldAt"],
        package_id=fields.get("packageId"),
        tokens=fields.get("tokens"),
        amount_total=fields.get("amountTotal"),
        amount_subtotal=fields.get("amountSubtotal"),
        amount_tax=fields.get("amountTax"),
        currency=fields.get("currency"),
        customer_id=fields.get("customerId"),
        payment_intent_id=fields.get("paymentIntentId"),
        decided_by=fields.get("decidedBy"),
        decision_reason=fields.get("decisionReason"),
        decided_at=fields.get("decidedAt"),
        refund_id=fields.get("refundId"),
        refund_waived=fields.get("refundWaived", False),
    )


def purchase_of(held: HeldPurchase, catalog: Catalog, *, user: str | None, tokens: int | None) -> Purchase:
    """Return the purchase that a release credits.

    The session's own claim never counts, because it may be forged. Unless the operator says how many, the tokens are
    those of the package's terms at the price that was paid; where the terms leave that open, the operator has to say.

    Args:
        held: the held purchase.
        catalog: the packages, with their former terms.
        user: the buyer according to the operator; needed when the session names none.
        tokens: how many according to the operator.

    Raises:
        BadInput: it cannot be released, or only if the operator names the buyer or the tokens.
    """
    if held.wrong_mode:
        raise BadInput(
            "wrong_livemode", f"{held.session_id} was paid in Stripe's other mode and is worth nothing here: reject it"
        )
    if user is not None and held.uid is not None and user != held.uid:
        raise BadInput("other_user", f"{held.session_id} was paid by user {held.uid}, not {user}")
    uid = held.uid or user
    if uid is None:
        raise BadInput("missing_user", f"{held.session_id} names no buyer: give --user")
    paid, subtotal = held.amount_total, held.amount_subtotal
    # A later refund takes its share of what was paid: without that amount nothing can be taken back.
    if not is_cents(paid) or not is_cents(subtotal) or (held.payment is not None and paid == 0):
        raise BadInput("unreadable_amounts", f"What was paid for {held.session_id} cannot be read: reject it")
    terms = _terms_paid_for(held, catalog, discounted=paid < subtotal)
    if tokens is None:
        if terms is None:
            raise BadInput("missing_tokens", f"No terms say what {held.session_id} bought: give --tokens")
        tokens = terms.tokens
    return Purchase(
        session_id=held.session_id,
        uid=uid,
        package_id=_text(held.package_id) or "unknown",
        tokens=tokens,
        bonus=terms.bonus if terms is not None and tokens == terms.tokens else 0,
        subtotal_cents=subtotal,
        paid_cents=paid,
        currency=_text(held.currency) or "unknown",
        customer_id=_text(held.customer_id),
        payment_intent_id=held.payment,
        paid_at=int(held.paid_at.timestamp()),
        tax_cents=held.amount_tax if is_cents(held.amount_tax) else 0,
    )


def refund_plan(held: HeldPurchase, payment: str, reported: PaymentFacts) -> str:
    """Say what a rejection will refund, by what Stripe reports of the payment's refunds and disputes."""
    paid, currency = held.amount_total, held.currency
    if not (is_cents(paid) and isinstance(currency, str)):
        return f"refund what is left of {payment}"
    refunded = reported.refunded_cents
    remarks = [f"{format_amount(refunded, currency)} refunded before"] if refunded else []
    remarks += [f"{id_} {outcome_of(dispute)}" for id_, dispute in reported.disputes.items()]
    left = format_amount(paid - refunded, currency) if refunded < paid else "nothing"
    return f"refund {left}" + (f" ({', '.join(remarks)})" if remarks else "")


def why_not_refunded(held: HeldPurchase, payment: str | None, *, waived: bool) -> str:
    """Say why a rejection refunds nothing."""
    if waived:
        return "not refunded (--no-refund)"
    if held.wrong_mode:
        return "not refunded: it was paid in Stripe's other mode"
    return "it was refunded before" if payment else "nothing was paid"


def _terms_paid_for(held: HeldPurchase, catalog: Catalog, *, discounted: bool) -> Terms | None:
    """Return the terms of the claimed package at the price that was paid; None when there are none, or several."""
    package = catalog.find(held.package_id) if isinstance(held.package_id, str) else None
    # The terms do not say what a price that was not paid in full buys.
    if package is None or held.reason == HoldReason.DISCOUNT_NOT_ALLOWED or (discounted and not package.promotions):
        return None
    currency = _text(held.currency) or ""
    paid_for = [terms for terms in package.terms if terms.prices.get(currency) == held.amount_subtotal]
    if held.reason == HoldReason.LIMIT_EXCEEDED:
        # It was held only for the limits: its claim was found to match terms.
        paid_for = [terms for terms in paid_for if terms.tokens == held.tokens]
    return paid_for[-1] if len({terms.tokens for terms in paid_for}) == 1 else None


def is_cents(value: object) -> TypeGuard[int]:
    """Tell whether what Stripe sent is an amount."""
    return type(value) is int and value >= 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
