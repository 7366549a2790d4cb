"""The security alerts that a payment's facts call for: derived from all of them, so the order of events cannot matter.

An alert keeps its id while its evidence changes: whoever stores alerts compares, and opens a changed one again. Pure.
"""

from collections.abc import Mapping
from typing import Literal

from shared.domain.alert import Alert, Severity
from shared.domain.payment_facts import Dispute, PaymentFacts, RefundFailed

# Where a dispute's money is, as an operator reads it: the first three say that some moved, the others that none did.
Outcome = Literal[
    "withdrawn", "partly_reinstated", "reinstated", "opened", "lost", "won", "prevented", "inquiry", "inquiry_closed"
]

_SEVERITY: Mapping[Outcome, Severity] = {
    "withdrawn": "high",
    "partly_reinstated": "high",
    "reinstated": "low",
    "opened": "high",
    "lost": "high",
    "won": "low",
    "prevented": "low",
    "inquiry": "medium",
    "inquiry_closed": "low",
}
_WITHOUT_MONEY: tuple[Outcome, ...] = ("lost", "won", "prevented")


def alerts_of(uid: str | None, payment_intent_id: str, facts: PaymentFacts) -> list[Alert]:
    """Return one alert per dispute and one per refund that did not reach the buyer, sorted by id."""
    alerts = [_of_dispute(uid, payment_intent_id, dispute) for dispute in facts.disputes.values()]
    alerts += [_of_failure(uid, payment_intent_id, failure) for failure in facts.failed.values()]
    return sorted(alerts, key=lambda alert: alert.id)


def outcome_of(dispute: Dispute) -> Outcome:
    """Return how a dispute stands: where its money is, or without any money moved, what Stripe calls it."""
    if dispute.withdrawn_cents or dispute.is_presumed:
        if dispute.share == 1:
            return "withdrawn"
        return "partly_reinstated" if dispute.share else "reinstated"
    for status in _WITHOUT_MONEY:
        if status in dispute.statuses:
            return status
    if all(status.startswith("warning_") for status in dispute.statuses):
        return "inquiry_closed" if "warning_closed" in dispute.statuses else "inquiry"
    return "opened"


def _of_dispute(uid: str | None, payment_intent_id: str, dispute: Dispute) -> Alert:
    outcome = outcome_of(dispute)
    cents, currency = dispute.amount
    evidence = {
        "disputeId": dispute.id,
        "paymentIntentId": payment_intent_id,
        "outcome": outcome,
        "disputedCents": cents,
        "currency": currency or None,
        "statuses": sorted(dispute.statuses),
        "caseTypes": sorted({state.case_type for state in dispute.states if state.case_type}),
        "withdrawnCents": dispute.withdrawn_cents,
        "reinstatedCents": dispute.reinstated_cents,
        "settlementCurrencies": sorted({one.currency for one in dispute.transactions.values()}),
    }
    return Alert(f"dispute:{dispute.id}", "dispute", _SEVERITY[outcome], uid, evidence)


def _of_failure(uid: str | None, payment_intent_id: str, failure: RefundFailed) -> Alert:
    evidence = {
        "refundId": failure.refund_id,
        "paymentIntentId": payment_intent_id,
        "failedCents": failure.cents,
        "status": failure.status,
    }
    # Whoever cancels a refund knows; one that failed leaves the buyer without tokens' worth and without money.
    severity: Severity = "high" if failure.status == "failed" else "medium"
    return Alert(f"refund_failed:{failure.refund_id}", "refund_failed", severity, uid, evidence)
