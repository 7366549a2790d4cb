"""Money that goes back: refunds, refunds that fail later, disputes.

https://docs.stripe.com/refunds and https://docs.stripe.com/disputes. A charge's amount_refunded is the sum of
its refunds that have not failed.
"""

from typing import Any

from stripe_simulator.engine.errors import ApiError, invalid
from stripe_simulator.engine.objects import StripeObject, build, now
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources.balance import enter

_DISPUTE_FEE_CENTS = 1500
_DAYS_TO_ANSWER = 9
_ENDED = ("won", "lost", "warning_closed")


def refund(simulator: Simulator, charge: StripeObject, amount: int | None, values: dict[str, Any]) -> StripeObject:
    """Refund a charge, the rest of it unless an amount is given; emits refund.created and charge.refunded.

    Raises:
        ApiError: 400; nothing is left to refund, more was asked than is left, or the charge is disputed.
    """
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} has not succeeded and cannot be refunded.")
    dispute = _dispute_of(simulator, charge)
    if dispute is not None and dispute["status"] != "won":
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid(message, code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    wanted = left if amount is None else amount
    if wanted > left:
        message = f"Refund amount ({_dollars(wanted)}) is greater than unrefunded amount on charge ({_dollars(left)})"
        raise invalid(message, param="amount")
    made = build(
        "refund",
        amount=wanted,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        payment_intent=charge["payment_intent"],
        **values,
    )
    made["balance_transaction"] = enter(simulator, made, "refund", -wanted)
    simulator.store.add(made)
    charge["amount_refunded"] += wanted
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    simulator.emit("refund.created", made)
    simulator.emit("charge.refunded", charge, {"amount_refunded": charge["amount_refunded"] - wanted})
    return made


def fail_refund(simulator: Simulator, made: StripeObject, reason: str) -> StripeObject:
    """Turn a refund failed, days later: the money comes back, so the charge's amount_refunded goes down again."""
    if made["status"] != "succeeded":
        raise invalid(f"Refund {made['id']} has a status of `{made['status']}`; only a succeeded one can fail.")
    charge = simulator.store.get("charge", made["charge"])
    charge["amount_refunded"] -= made["amount"]
    charge["refunded"] = False
    made["status"] = "failed"
    made["failure_reason"] = reason
    made["failure_balance_transaction"] = enter(simulator, made, "refund_failure", made["amount"])
    for event_type in ("refund.updated", "charge.refund.updated"):
        simulator.emit(event_type, made, {"status": "succeeded"})
    simulator.emit("refund.failed", made)
    return made


def open_dispute(simulator: Simulator, charge: StripeObject, amount: int | None) -> StripeObject:
    """Dispute a charge, the whole of it unless an amount is given: Stripe takes the money out at once."""
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} has not succeeded and cannot be disputed.")
    if _dispute_of(simulator, charge) is not None:
        raise invalid(f"Charge {charge['id']} is already disputed.")
    wanted = charge["amount"] if amount is None else amount
    if not 0 < wanted <= charge["amount"]:
        raise invalid(f"A dispute's amount lies between 1 and the charge's {charge['amount']}.", param="amount")
    opened = build(
        "dispute",
        amount=wanted,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
    )
    opened["evidence_details"]["due_by"] = now() + _DAYS_TO_ANSWER * 24 * 3600
    simulator.store.add(opened)
    charge["disputed"] = True
    simulator.emit("charge.dispute.created", opened)
    _move_disputed(simulator, opened, -wanted, fee=_DISPUTE_FEE_CENTS)
    simulator.emit("charge.dispute.funds_withdrawn", opened)
    return opened


def close_dispute(simulator: Simulator, opened: StripeObject, status: str) -> StripeObject:
    """End a dispute as `won`, when the money comes back, or `lost`, when it stays away."""
    if status not in ("won", "lost"):
        raise invalid("Invalid status: must be one of won, lost", param="status")
    if opened["status"] in _ENDED:
        raise ApiError(400, "invalid_request_error", f"This dispute is already closed: `{opened['status']}`.")
    previous = {"status": opened["status"]}
    opened["status"] = status
    simulator.emit("charge.dispute.closed", opened, previous)
    if status == "won":
        _move_disputed(simulator, opened, opened["amount"], fee=-_DISPUTE_FEE_CENTS)
        simulator.emit("charge.dispute.funds_reinstated", opened)
    return opened


def _move_disputed(simulator: Simulator, dispute: StripeObject, amount: int, *, fee: int) -> None:
    entry = enter(simulator, dispute, "dispute", amount, fee=fee)
    dispute["balance_transactions"].append(simulator.store.get("balance_transaction", entry))


def _dispute_of(simulator: Simulator, charge: StripeObject) -> StripeObject | None:
    return next(simulator.store.newest("dispute", lambda dispute: bool(dispute["charge"] == charge["id"])), None)


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"
