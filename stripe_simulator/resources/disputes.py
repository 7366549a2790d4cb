"""Disputes, from inquiry to appeal (https://docs.stripe.com/disputes/how-disputes-work, https://docs.stripe.com/api/disputes).

    warning_needs_response -> warning_under_review -> warning_closed          an inquiry: no money moves
             └──────────────────────┴─────────────────────┴── escalate ──┐
    needs_response <─────────────────────────────────────────────────────┘    a chargeback: the money is withdrawn
    needs_response -> under_review -> won, the money returns, or lost, all or part of it stays away
    won, lost      -> appeal_needs_response -> appeal_under_review -> won or lost
    prevented                                                a block: no money moves; a resolution: the buyer is paid

A decision is not final: it can be appealed (API 2026-10-28.endive), and a cardholder can withdraw the dispute later.
What counts is the money, which `balance_transactions` carries in full; they are in the settlement currency, whereas
`amount` is in the dispute's own.
"""

from dataclasses import dataclass

from stripe_simulator.engine.errors import ApiError, invalid
from stripe_simulator.engine.objects import StripeObject, template
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.balance import Category, record, settled
from stripe_simulator.resources.operations import Operations
from stripe_simulator.resources.params import text

operations = Operations()
operations.retrievable("dispute", "/v1/disputes")
operations.listable("dispute", "/v1/disputes", charge=text, payment_intent=text)

OPENING_STATUSES = ("needs_response", "warning_needs_response", "prevented", "lost")
CLOSING_STATUSES = ("won", "lost", "warning_closed")
CASE_TYPES = {
    "needs_response": ("chargeback", "compliance"),
    "warning_needs_response": ("inquiry",),
    "prevented": ("block", "resolution"),
    "lost": ("chargeback",),
}
"""The case types of each opening status; the first is the default."""

_INQUIRY = ("warning_needs_response", "warning_under_review", "warning_closed")
_UNDER_REVIEW = {
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
    "appeal_needs_response": "appeal_under_review",
}
_FEE_CENTS = 1500
_DAYS_TO_ANSWER = 9


@dataclass(frozen=True, slots=True)
class Opening:
    """How a dispute begins."""

    status: str = "needs_response"
    case_type: str | None = None
    """None: the status's usual one."""
    reason: str = "fraudulent"
    amount: int | None = None
    """In the dispute's currency; None: what is not disputed yet."""
    currency: str | None = None
    """None: the charge's."""
    withdrawal: int | None = None
    """What it takes from the balance, in the settlement currency. None: the amount, or if the dispute is in another
    currency than the charge, the whole charge."""


def open_dispute(account: Account, charge: StripeObject, opening: Opening) -> StripeObject:
    """Open a dispute. A chargeback takes the money at once, and Stripe's created event already shows that it did.

    Raises:
        ApiError: 400; the charge has not succeeded, or nothing of it is left to dispute.
    """
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} has not succeeded and cannot be disputed.")
    amount = _disputable(account, charge, opening)
    case_type = opening.case_type or CASE_TYPES[opening.status][0]
    harmless = case_type in ("inquiry", "block")
    dispute = account.create(
        "dispute",
        amount=amount,
        charge=charge["id"],
        currency=opening.currency or charge["currency"],
        is_charge_refundable=harmless,
        payment_intent=charge["payment_intent"],
        payment_method_details=_method_details(charge, case_type),
        reason=opening.reason,
        status=opening.status,
    )
    _set_deadline(account, dispute)
    charge["disputed"] = True
    withdrawal = _withdrawal(account, charge, opening, amount)
    account.store.withdrawals[dispute["id"]] = withdrawal
    if not harmless:
        _book(account, dispute, "dispute", -withdrawal, fee=0 if case_type == "resolution" else _FEE_CENTS)
    account.emit("charge.dispute.created", dispute)
    if not harmless:
        account.emit("charge.dispute.funds_withdrawn", dispute)
    if opening.status in ("prevented", "lost"):
        account.emit("charge.dispute.closed", dispute)
    return dispute


def review(account: Account, dispute: StripeObject) -> StripeObject:
    """Answer a dispute, an inquiry or an appeal: its evidence is now under review."""
    if dispute["status"] not in _UNDER_REVIEW:
        raise _wrong_status(dispute, "be reviewed")
    details = dispute["evidence_details"]
    details = {**details, "has_evidence": True, "submission_count": details["submission_count"] + 1}
    status = _UNDER_REVIEW[dispute["status"]]
    account.change("charge.dispute.updated", dispute, evidence_details=details, status=status)
    return dispute


def escalate(account: Account, dispute: StripeObject, amount: int | None = None) -> StripeObject:
    """Turn an inquiry, even a closed one, into a chargeback under the same id: only now is money withdrawn."""
    if dispute["status"] not in _INQUIRY:
        raise _wrong_status(dispute, "be escalated")
    amount = dispute["amount"] if amount is None else amount
    withdrawal = round(account.store.withdrawals[dispute["id"]] * amount / dispute["amount"])
    account.store.withdrawals[dispute["id"]] = withdrawal
    _book(account, dispute, "dispute", -withdrawal, fee=_FEE_CENTS)
    _set_deadline(account, dispute)
    charge = account.store.get("charge", dispute["charge"])
    account.change(
        "charge.dispute.updated",
        dispute,
        amount=amount,
        is_charge_refundable=False,
        payment_method_details=_method_details(charge, "chargeback"),
        status="needs_response",
    )
    account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def appeal(account: Account, dispute: StripeObject) -> StripeObject:
    """Appeal a decision: the shop appeals a loss, the cardholder's bank a win. Money moves when it is decided."""
    if dispute["status"] not in ("won", "lost"):
        raise _wrong_status(dispute, "be appealed")
    _set_deadline(account, dispute)
    account.change("charge.dispute.updated", dispute, status="appeal_needs_response")
    return dispute


def close(account: Account, dispute: StripeObject, status: str, reinstated: int = 0) -> StripeObject:
    """Decide a dispute, for the first time or again; then the money moves to where the decision puts it.

    The closed event comes before the events about the money, and does not show their transactions yet.

    Args:
        account: whose dispute it is.
        dispute: in any status but `status`.
        status: `won`, `lost` or `warning_closed`.
        reinstated: how much of its withdrawal a lost dispute gives back: Stripe calls it "partially won".

    Raises:
        ApiError: 400; a dispute does not get from its status to that one.
    """
    is_inquiry = dispute["status"] in _INQUIRY
    if dispute["status"] in (status, "prevented") or is_inquiry != (status == "warning_closed"):
        raise _wrong_status(dispute, f"be closed as `{status}`")
    whole = account.store.withdrawals[dispute["id"]]
    if not 0 <= reinstated <= (whole if status == "lost" else 0):
        raise invalid(f"Only a lost dispute reinstates a part, of at most {whole} cents.", param="reinstated")
    account.change("charge.dispute.closed", dispute, status=status)
    if not is_inquiry:
        withheld = 0 if status == "won" else whole - reinstated
        difference = withheld - _withdrawn(dispute)
        if difference > 0:
            withdraw(account, dispute, difference)
        elif difference < 0:
            reinstate(account, dispute, -difference)
    return dispute


def withdraw(account: Account, dispute: StripeObject, amount: int | None = None) -> StripeObject:
    """Withdraw money, all that is not withdrawn unless `amount` says less, whatever the dispute's status."""
    left = account.store.withdrawals[dispute["id"]] - _withdrawn(dispute)
    _book(account, dispute, "dispute", -_part(left, amount))
    account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def reinstate(account: Account, dispute: StripeObject, amount: int | None = None) -> StripeObject:
    """Return money, all that is withdrawn unless `amount` says less, whatever the dispute's status."""
    _book(account, dispute, "dispute_reversal", _part(_withdrawn(dispute), amount))
    account.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _disputable(account: Account, charge: StripeObject, opening: Opening) -> int:
    """Return the new dispute's amount, in its own currency."""
    if opening.currency not in (None, charge["currency"]):
        return opening.amount or charge["amount"]
    others = account.store.newest("dispute", lambda dispute: bool(dispute["charge"] == charge["id"]))
    disputed = sum(other["amount"] for other in others if other["status"] not in ("won", "warning_closed"))
    left = max(charge["amount"] - disputed, 0)
    if opening.amount is None and not left:
        raise invalid(f"Charge {charge['id']} is already disputed.")
    if opening.amount is not None and not 0 < opening.amount <= charge["amount"]:
        raise invalid(f"A dispute's amount is between 1 and the charge's {charge['amount']}.", param="amount")
    return left if opening.amount is None else opening.amount


def _withdrawal(account: Account, charge: StripeObject, opening: Opening, amount: int) -> int:
    """Return what a chargeback of this dispute takes from the balance, in the settlement currency."""
    if opening.withdrawal is not None:
        return opening.withdrawal
    same_currency = opening.currency in (None, charge["currency"])
    return settled(account, amount if same_currency else charge["amount"], charge["currency"])


def _withdrawn(dispute: StripeObject) -> int:
    """Return how much of the money is with the cardholder now, in the settlement currency."""
    return -sum(int(entry["amount"]) for entry in dispute["balance_transactions"])


def _part(whole: int, requested: int | None) -> int:
    amount = whole if requested is None else requested
    if not 0 < amount <= whole:
        raise invalid(f"At most {whole} cents can be moved.", param="amount")
    return amount


def _book(account: Account, dispute: StripeObject, category: Category, amount: int, *, fee: int = 0) -> None:
    charge = account.store.get("charge", dispute["charge"])
    what = "withdrawal" if category == "dispute" else "reversal"
    entry = record(
        account,
        dispute,
        category,
        amount,
        fee=fee,
        paid_in=charge["currency"],
        description=f"Chargeback {what} for {charge['id']}",
    )
    dispute["balance_transactions"].append(entry)


def _method_details(charge: StripeObject, case_type: str) -> StripeObject | None:
    """Return what Stripe says about a card's dispute; it says nothing about a bank debit's."""
    if charge["payment_method_details"]["type"] != "card":
        return None
    card = charge["payment_method_details"]["card"]
    details: StripeObject = template("dispute")["payment_method_details"]
    details["card"].update(brand=card["brand"], case_type=case_type, network=card["network"])
    return details


def _set_deadline(account: Account, dispute: StripeObject) -> None:
    dispute["evidence_details"]["due_by"] = account.clock.now() + _DAYS_TO_ANSWER * 24 * 3600


def _wrong_status(dispute: StripeObject, action: str) -> ApiError:
    return invalid(f"This dispute has a status of `{dispute['status']}` and cannot {action}.", param="status")
