"""Paying and settling Checkout Sessions, refunds, disputes and subscriptions."""

from stripe_simulator.controls.frame import Body, Controls
from stripe_simulator.engine.errors import invalid
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.engine.store import Presentment
from stripe_simulator.resources import disputes, payments, refunds, subscriptions
from stripe_simulator.resources.disputes import Opening
from stripe_simulator.resources.promotions import apply_promotion

controls = Controls()

_TEST_CARD = "4242424242424242"


@controls.declare(
    "POST",
    "/sessions/<session_id>/pay",
    *("card", "method", "email", "promotion_code", "three_d_secure", "presentment_currency", "exchange_rate"),
)
def pay(account: Account, body: Body, session_id: str) -> StripeObject:
    """Pay as a buyer would: the promotion code, then the method; 3-D Secure completes unless it is to fail."""
    session = account.store.get("checkout.session", session_id)
    email = body.text("email") if "email" in body else None
    method = body.choice("method", ("card", "delayed"), "card")
    authenticated = body.choice("three_d_secure", ("complete", "fail"), "complete") == "complete"
    presentment = None
    if "presentment_currency" in body:
        presentment = Presentment(body.text("presentment_currency").lower(), body.number("exchange_rate"))
    payments.present(account, session, presentment)
    if "promotion_code" in body:
        apply_promotion(account, session, body.text("promotion_code"))
    if method == "delayed":
        payments.pay_later(account, session, email)
    elif payments.pay_by_card(account, session, body.text("card", _TEST_CARD), email) is None:
        payments.finish_3ds(account, session, authenticated=authenticated, email=email)
    return session


@controls.declare("POST", "/sessions/<session_id>/settle", "outcome")
def settle(account: Account, body: Body, session_id: str) -> StripeObject:
    """End a delayed payment."""
    session = account.store.get("checkout.session", session_id)
    payments.settle(account, session, succeeded=body.choice("outcome", ("succeeded", "failed")) == "succeeded")
    return session


@controls.declare("POST", "/refunds/<refund_id>/succeed")
def succeed_refund(account: Account, _body: Body, refund_id: str) -> StripeObject:
    """Let a pending refund reach the buyer."""
    return refunds.advance(account, account.store.get("refund", refund_id), "succeeded")


@controls.declare("POST", "/refunds/<refund_id>/require_action")
def require_action(account: Account, _body: Body, refund_id: str) -> StripeObject:
    """Let a pending refund wait for the buyer, who has to say where the money should go."""
    return refunds.advance(account, account.store.get("refund", refund_id), "requires_action")


@controls.declare("POST", "/refunds/<refund_id>/fail", "reason")
def fail_refund(account: Account, body: Body, refund_id: str) -> StripeObject:
    """Let a refund fail, even one that succeeded."""
    reason = body.choice("reason", refunds.FAILURE_REASONS, "expired_or_canceled_card")
    return refunds.advance(account, account.store.get("refund", refund_id), "failed", reason=reason)


@controls.declare("POST", "/refunds/<refund_id>/cancel")
def cancel_refund(account: Account, _body: Body, refund_id: str) -> StripeObject:
    """Cancel a refund as the dashboard can, which cancels some card refunds shortly after they were created."""
    refund = account.store.get("refund", refund_id)
    return refunds.advance(account, refund, "canceled", reason="merchant_request")


@controls.declare("POST", "/refunds/<refund_id>/reference")
def reference_refund(account: Account, _body: Body, refund_id: str) -> StripeObject:
    """Let the card network's reference number arrive."""
    return refunds.add_reference(account, account.store.get("refund", refund_id))


@controls.declare("POST", "/disputes", "charge", "amount", "currency", "withdrawal", "status", "case_type", "reason")
def open_dispute(account: Account, body: Body) -> StripeObject:
    """Open a dispute: a chargeback unless `status` says otherwise."""
    charge = account.store.refer("charge", body.text("charge"), "charge")
    status = body.choice("status", disputes.OPENING_STATUSES, "needs_response")
    case_types = disputes.CASE_TYPES[status]
    opening = Opening(
        status=status,
        case_type=body.choice("case_type", case_types, case_types[0]),
        reason=body.text("reason", "fraudulent"),
        amount=body.integer("amount", least=1),
        currency=body.text("currency").lower() if "currency" in body else None,
        withdrawal=body.integer("withdrawal", least=1),
    )
    return disputes.open_dispute(account, charge, opening)


@controls.declare("POST", "/disputes/<dispute_id>/review")
def review_dispute(account: Account, _body: Body, dispute_id: str) -> StripeObject:
    """Answer a dispute, an inquiry or an appeal."""
    return disputes.review(account, account.store.get("dispute", dispute_id))


@controls.declare("POST", "/disputes/<dispute_id>/escalate", "amount")
def escalate_dispute(account: Account, body: Body, dispute_id: str) -> StripeObject:
    """Turn an inquiry into a chargeback."""
    return disputes.escalate(account, account.store.get("dispute", dispute_id), body.integer("amount", least=1))


@controls.declare("POST", "/disputes/<dispute_id>/close", "status", "reinstated")
def close_dispute(account: Account, body: Body, dispute_id: str) -> StripeObject:
    """Decide a dispute, for the first time or again."""
    dispute = account.store.get("dispute", dispute_id)
    status = body.choice("status", disputes.CLOSING_STATUSES)
    return disputes.close(account, dispute, status, body.integer("reinstated", 0, least=0) or 0)


@controls.declare("POST", "/disputes/<dispute_id>/appeal")
def appeal_dispute(account: Account, _body: Body, dispute_id: str) -> StripeObject:
    """Appeal a decision: the shop a loss, the cardholder's bank a win."""
    return disputes.appeal(account, account.store.get("dispute", dispute_id))


@controls.declare("POST", "/disputes/<dispute_id>/withdraw", "amount")
def withdraw(account: Account, body: Body, dispute_id: str) -> StripeObject:
    """Take a dispute's money, whatever its status."""
    return disputes.withdraw(account, account.store.get("dispute", dispute_id), body.integer("amount", least=1))


@controls.declare("POST", "/disputes/<dispute_id>/reinstate", "amount")
def reinstate(account: Account, body: Body, dispute_id: str) -> StripeObject:
    """Return a dispute's money, whatever its status."""
    return disputes.reinstate(account, account.store.get("dispute", dispute_id), body.integer("amount", least=1))


@controls.declare("POST", "/subscriptions/<subscription_id>", "status")
def set_subscription(account: Account, body: Body, subscription_id: str) -> StripeObject:
    """Change a subscription's status."""
    subscription = account.store.get("subscription", subscription_id)
    subscriptions.set_status(account, subscription, body.choice("status", subscriptions.STATUSES))
    return subscription


@controls.declare("POST", "/subscriptions/<subscription_id>/fail_invoice")
def fail_invoice(account: Account, _body: Body, subscription_id: str) -> StripeObject:
    """Let a renewal fail."""
    subscription = account.store.get("subscription", subscription_id)
    if subscription["status"] == "canceled":
        raise invalid("A canceled subscription has no renewal.")
    return subscriptions.fail_invoice(account, subscription)
