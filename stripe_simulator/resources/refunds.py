"""Refunds, which need not succeed (https://docs.stripe.com/refunds, https://docs.stripe.com/api/refunds).

    pending ──> requires_action ──> succeeded
       └───────────────┴─────────────────┴──> failed or canceled, even days later

A charge's amount_refunded counts a refund from the moment it is created. Stripe does not document what becomes of it
when the refund fails; `failed_refunds_lower_amount_refunded` chooses.
"""

from collections.abc import Iterable

from stripe_simulator.engine.errors import invalid, missing, only_one_of
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.balance import record, settled
from stripe_simulator.resources.operations import Operations
from stripe_simulator.resources.params import merge_metadata, metadata, one_of, positive_amount, text

operations = Operations()

FAILURE_REASONS = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)
_DAYS_TO_ACT = 30
_STARTS = {
    "requires_action": ("pending",),
    "succeeded": ("pending", "requires_action"),
    "failed": ("pending", "requires_action", "succeeded"),
    "canceled": ("pending", "requires_action", "succeeded"),
}
_STATUS_FIELDS = ("pending_reason", "next_action")

operations.retrievable("refund", "/v1/refunds")
operations.listable("refund", "/v1/refunds", charge=text, payment_intent=text)


@operations.declare(
    "POST",
    "/v1/refunds",
    {
        "amount": positive_amount,
        "charge": text,
        "metadata": metadata,
        "payment_intent": text,
        "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
    },
)
def create(account: Account, params: StripeObject) -> StripeObject:
    """Refund a charge or a PaymentIntent's charge, all that is left of it unless `amount` says less."""
    if "charge" in params and "payment_intent" in params:
        raise only_one_of("charge", "payment_intent")
    if "charge" in params:
        charge = account.store.refer("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        charge = _charge_of(account, params["payment_intent"])
    else:
        raise missing("payment_intent")
    disputes = account.store.newest("dispute", lambda dispute: bool(dispute["charge"] == charge["id"]))
    amount = _refundable(charge, params.get("amount"), disputes)
    refund = account.create(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details=_destination(charge),
        payment_intent=charge["payment_intent"],
        **{name: params[name] for name in ("metadata", "reason") if name in params},
    )
    refund.update(_status_fields(account, account.behavior.refund_status, charge), **_presentment(charge, amount))
    returned = settled(account, amount, charge["currency"])
    refund["balance_transaction"] = record(account, refund, "refund", -returned)["id"]
    refunded = charge["amount_refunded"] + amount
    account.emit("refund.created", refund)
    account.change("charge.refunded", charge, amount_refunded=refunded, refunded=refunded == charge["amount"])
    return refund


@operations.declare("POST", "/v1/refunds/<object_id>", {"metadata": metadata})
def update(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change a refund's metadata and emit refund.updated."""
    refund = account.store.get("refund", object_id)
    if "metadata" in params:
        account.change("refund.updated", refund, metadata=merge_metadata(refund["metadata"], params["metadata"]))
    return refund


@operations.declare("POST", "/v1/refunds/<object_id>/cancel")
def cancel(account: Account, _params: StripeObject, object_id: str) -> StripeObject:
    """Cancel a refund that waits for the buyer to act; the API cancels no others."""
    refund = account.store.get("refund", object_id)
    if refund["status"] != "requires_action":
        message = f"Refund {object_id} has a status of `{refund['status']}`; only `requires_action` can be canceled."
        raise invalid(message)
    return advance(account, refund, "canceled", reason="merchant_request")


def advance(account: Account, refund: StripeObject, status: str, *, reason: str | None = None) -> StripeObject:
    """Move a refund on to another status; when it fails or is canceled, the money returns to the balance.

    Raises:
        ApiError: 400; a refund does not get from its status to that one.
    """
    if refund["status"] not in _STARTS[status]:
        message = f"Refund {refund['id']} has a status of `{refund['status']}` and cannot become `{status}`."
        raise invalid(message)
    charge = account.store.get("charge", refund["charge"])
    changes = _status_fields(account, status, charge)
    if status in ("failed", "canceled"):
        returned = settled(account, refund["amount"], charge["currency"])
        entry = record(account, refund, "refund_failure", returned, description=f"REFUND FAILURE FOR {charge['id']}")
        changes |= {"failure_balance_transaction": entry["id"], "failure_reason": reason}
        if account.behavior.failed_refunds_lower_amount_refunded:
            charge.update(amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
    _change(account, refund, changes)
    if status == "failed":
        account.emit("refund.failed", refund)
    return refund


def add_reference(account: Account, refund: StripeObject) -> StripeObject:
    """Let the card network's reference number arrive: an update that says nothing new about the money."""
    details = refund["destination_details"]
    if details["type"] != "card":
        raise invalid(f"Refund {refund['id']} was not made to a card.")
    card = {**details["card"], "reference": refund["id"][-12:].upper(), "reference_status": "available"}
    _change(account, refund, {"destination_details": {**details, "card": card}})
    return refund


def _change(account: Account, refund: StripeObject, changes: StripeObject) -> None:
    """Change a refund and emit both events about it: Stripe sends charge.refund.updated for some payment methods."""
    previous = {name: refund.get(name) for name in changes}
    for name in _STATUS_FIELDS:
        if "status" in changes:
            refund.pop(name, None)
    refund.update(changes)
    for event_type in ("refund.updated", "charge.refund.updated"):
        account.emit(event_type, refund, previous)


def _status_fields(account: Account, status: str, charge: StripeObject) -> StripeObject:
    """Return a refund's status, and the field that goes with it while it waits."""
    if status == "pending":
        return {"status": status, "pending_reason": "processing"}
    if status == "requires_action":
        now = account.clock.now()
        email = {"email_sent_at": now, "email_sent_to": charge["billing_details"]["email"]}
        details = {"email_sent": email, "expires_at": now + _DAYS_TO_ACT * 24 * 3600}
        return {"status": status, "next_action": {"display_details": details, "type": "display_details"}}
    return {"status": status}


def _presentment(charge: StripeObject, amount: int) -> StripeObject:
    """Return what a refund is in the buyer's currency, if that is not the charge's."""
    shown = charge.get("presentment_details")
    if shown is None:
        return {}
    portion = round(shown["presentment_amount"] * amount / charge["amount"])
    return {"presentment_details": {**shown, "presentment_amount": portion}}


def _destination(charge: StripeObject) -> StripeObject:
    method: str = charge["payment_method_details"]["type"]
    if method != "card":
        return {method: {"reference_status": "pending"}, "type": method}
    reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
    return {"card": {**reference, "type": "refund"}, "type": "card"}


def _refundable(charge: StripeObject, requested: int | None, disputes: Iterable[StripeObject]) -> int:
    """Return the amount to refund.

    Raises:
        ApiError: 400; nothing is left to refund, less is left than requested, or the charge has been charged back.
    """
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} has not succeeded and cannot be refunded.")
    if any(not dispute["is_charge_refundable"] and dispute["status"] != "won" for dispute in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid(message, code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    if requested is not None and requested > left:
        message = (
            f"Refund amount ({_dollars(requested)}) is greater than unrefunded amount on charge ({_dollars(left)})"
        )
        raise invalid(message, param="amount")
    return left if requested is None else requested


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"


def _charge_of(account: Account, intent_id: str) -> StripeObject:
    intent = account.store.refer("payment_intent", intent_id, "payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return account.store.get("charge", intent["latest_charge"])
