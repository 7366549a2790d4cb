"""What paying a Checkout Session does: the objects that come to be, and the events, in order.

    card pays      payment_intent.created  charge.succeeded  payment_intent.succeeded  checkout.session.completed (paid)
    card declines  payment_intent.created  charge.failed     payment_intent.payment_failed            session stays open
    bank debit     payment_intent.created  charge.pending    payment_intent.processing
                   checkout.session.completed (unpaid), then, days later:
      succeeded    charge.succeeded  payment_intent.succeeded      checkout.session.async_payment_succeeded (paid)
      failed       charge.failed     payment_intent.payment_failed checkout.session.async_payment_failed

https://docs.stripe.com/checkout/fulfillment. A PaymentIntent's metadata is copied to each charge that it makes.
"""

from typing import Any

from stripe_simulator.engine.errors import ApiError, card_declined, invalid
from stripe_simulator.engine.objects import StripeObject, build, new_id, template
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources import subscriptions
from stripe_simulator.resources.balance import enter
from stripe_simulator.resources.cards import Card, card
from stripe_simulator.resources.promotions import redeem

DELAYED_METHODS = ("us_bank_account", "sepa_debit", "bacs_debit", "acss_debit", "au_becs_debit")
GUEST_EMAIL = "buyer@example.com"

_AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)


def pay_by_card(
    simulator: Simulator, session: StripeObject, number: str, email: str | None = None
) -> StripeObject | None:
    """Try to pay an open session with a test card.

    Answers:
        the checkout.session.completed event, or None where the card asks for 3-D Secure first (`finish_3ds` goes on).

    Raises:
        ApiError: 402, the card declined and the session stays open; 400, the session is not open.
    """
    _require_open(session)
    if session["payment_status"] == "no_payment_required" or session["amount_total"] == 0:
        return _complete(simulator, session, email, "no_payment_required")
    _require_method(session, "card")
    chosen = card(number)
    if session["mode"] == "subscription":
        if chosen.decline is not None:
            raise _refusal_of(chosen)
        return _complete(simulator, session, email, "paid")
    intent = _intent_of(simulator, session)
    intent["payment_method"] = new_id("payment_method")
    if chosen.asks_3ds:
        intent.update(status="requires_action", next_action=_three_d_secure_step(session))
        simulator.store.session_details[session["id"]].card_in_3ds = chosen.number
        simulator.emit("payment_intent.requires_action", intent)
        return None
    return _charge_card(simulator, session, intent, chosen, email)


def finish_3ds(
    simulator: Simulator, session: StripeObject, *, authenticated: bool, email: str | None = None
) -> StripeObject:
    """End the 3-D Secure step of a session: charge the card, or fail with ApiError 402."""
    _require_open(session)
    details = simulator.store.session_details[session["id"]]
    if details.card_in_3ds is None:
        raise invalid("This session has no 3-D Secure step under way.")
    chosen = card(details.card_in_3ds)
    details.card_in_3ds = None
    intent = simulator.store.get("payment_intent", session["payment_intent"])
    intent["next_action"] = None
    if authenticated:
        return _charge_card(simulator, session, intent, chosen, email)
    refusal = card_declined(_AUTHENTICATION_FAILED, code="payment_intent_authentication_failure")
    _fail_intent(simulator, intent, refusal)
    raise refusal


def pay_later(simulator: Simulator, session: StripeObject, email: str | None = None) -> StripeObject:
    """Complete an open session with a delayed method; answers the event. `settle` brings the money, or not."""
    _require_open(session)
    if session["mode"] == "subscription" or session["amount_total"] == 0:
        return _complete(simulator, session, email, "no_payment_required" if session["amount_total"] == 0 else "unpaid")
    method = _require_method(session, *DELAYED_METHODS)
    intent = _intent_of(simulator, session)
    intent.update(
        latest_charge=None,
        payment_method=new_id("payment_method"),
        processing={"type": method},
        status="processing",
    )
    charge = _charge(simulator, session, intent, _bank_details(method), email)
    simulator.emit("charge.pending", charge)
    simulator.emit("payment_intent.processing", intent)
    return _complete(simulator, session, email, "unpaid")


def settle(simulator: Simulator, session: StripeObject, *, succeeded: bool) -> StripeObject:
    """End a delayed payment; answers the checkout.session.async_payment_… event."""
    if session["status"] != "complete" or session["payment_status"] != "unpaid" or not session["payment_intent"]:
        raise invalid("This Checkout Session has no payment under way.")
    intent = simulator.store.get("payment_intent", session["payment_intent"])
    if intent["status"] != "processing":
        raise invalid(f"This Checkout Session's payment has already ended: `{intent['status']}`.")
    charge = simulator.store.get("charge", intent["latest_charge"])
    intent["processing"] = None
    if not succeeded:
        refusal = card_declined(
            "The customer's bank account could not be debited.", code="payment_intent_payment_attempt_failed"
        )
        _fail_charge(simulator, charge, refusal)
        _fail_intent(simulator, intent, refusal, charge=charge)
        return simulator.emit("checkout.session.async_payment_failed", session)
    charge["balance_transaction"] = enter(simulator, charge, "charge", charge["amount"])
    _succeed(simulator, intent, charge)
    session["payment_status"] = "paid"
    return simulator.emit("checkout.session.async_payment_succeeded", session)


def offers_delayed(session: StripeObject) -> bool:
    """Whether the session may be paid by a method whose money comes later."""
    return session["mode"] == "payment" and any(name in session["payment_method_types"] for name in DELAYED_METHODS)


def email_of(simulator: Simulator, session: StripeObject) -> str | None:
    """The buyer's address, as far as it is known before they type it."""
    if session["customer_email"]:
        return str(session["customer_email"])
    customer = simulator.store.by_id(session["customer"])
    return customer.get("email") if customer else None


def _require_open(session: StripeObject) -> None:
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is no longer open. It has a status of `{session['status']}`.")


def _require_method(session: StripeObject, *methods: str) -> str:
    """Answer the first of the methods that the session offers."""
    for method in methods:
        if method in session["payment_method_types"]:
            return method
    raise invalid(f"This Checkout Session does not offer any of these payment methods: {', '.join(methods)}.")


def _refusal_of(chosen: Card) -> ApiError:
    refusal = chosen.refusal()
    if refusal is None:
        raise ValueError(f"card {chosen.last4} does not decline")
    return refusal


def _intent_of(simulator: Simulator, session: StripeObject) -> StripeObject:
    """Answer the session's PaymentIntent: made when the buyer first confirms, kept from then on."""
    details = simulator.store.session_details[session["id"]]
    details.card_in_3ds = None
    if session["payment_intent"]:
        intent = simulator.store.get("payment_intent", session["payment_intent"])
        intent.update(amount=session["amount_total"], next_action=None)
        return intent
    intent = build(
        "payment_intent",
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        **details.payment_intent_data,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{new_id('event')[6:]}"
    session["payment_intent"] = simulator.store.add(intent)["id"]
    simulator.emit("payment_intent.created", intent)
    return intent


def _charge_card(
    simulator: Simulator, session: StripeObject, intent: StripeObject, chosen: Card, email: str | None
) -> StripeObject:
    charge = _charge(simulator, session, intent, chosen.payment_method_details(intent["amount"]), email)
    if chosen.decline is not None:
        refusal = _refusal_of(chosen)
        refusal.error.update(charge=charge["id"], payment_intent=intent["id"])
        _fail_charge(simulator, charge, refusal)
        _fail_intent(simulator, intent, refusal, charge=charge)
        raise refusal
    _succeed(simulator, intent, charge)
    completed = _complete(simulator, session, email, "paid")
    simulator.change("charge.updated", charge, balance_transaction=enter(simulator, charge, "charge", charge["amount"]))
    return completed


def _charge(
    simulator: Simulator, session: StripeObject, intent: StripeObject, method_details: StripeObject, email: str | None
) -> StripeObject:
    """Make the attempt's charge, pending; it takes the PaymentIntent's metadata with it."""
    billing = {**template("charge")["billing_details"], "email": email or email_of(simulator, session) or GUEST_EMAIL}
    charge = build(
        "charge",
        amount=intent["amount"],
        billing_details=billing,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=intent["payment_method"],
        payment_method_details=method_details,
        receipt_email=intent["receipt_email"],
    )
    intent["latest_charge"] = simulator.store.add(charge)["id"]
    return charge


def _succeed(simulator: Simulator, intent: StripeObject, charge: StripeObject) -> None:
    receipt = f"{simulator.settings.base_url}/receipts/{charge['id']}"
    charge.update(amount_captured=charge["amount"], captured=True, paid=True, receipt_url=receipt, status="succeeded")
    intent.update(amount_received=intent["amount"], last_payment_error=None, status="succeeded")
    simulator.emit("charge.succeeded", charge)
    simulator.emit("payment_intent.succeeded", intent)


def _fail_charge(simulator: Simulator, charge: StripeObject, refusal: ApiError) -> None:
    charge.update(
        failure_code=refusal.error["code"],
        failure_message=refusal.error["message"],
        outcome={
            **charge["outcome"],
            "network_status": "declined_by_network",
            "reason": refusal.error.get("decline_code"),
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        },
        status="failed",
    )
    simulator.emit("charge.failed", charge)


def _fail_intent(
    simulator: Simulator, intent: StripeObject, refusal: ApiError, *, charge: StripeObject | None = None
) -> None:
    error: dict[str, Any] = {**refusal.error, "charge": charge["id"] if charge else None}
    intent.update(last_payment_error=error, payment_method=None, status="requires_payment_method")
    simulator.emit("payment_intent.payment_failed", intent)


def _complete(simulator: Simulator, session: StripeObject, email: str | None, payment_status: str) -> StripeObject:
    """Close the session as complete; answers its checkout.session.completed event."""
    address = email or email_of(simulator, session) or GUEST_EMAIL
    if session["customer_creation"] == "always":
        customer = simulator.store.add(build("customer", email=address))
        session["customer"] = customer["id"]
        simulator.emit("customer.created", customer)
        intent = simulator.store.by_id(session["payment_intent"])
        if intent:
            intent["customer"] = customer["id"]
    if session["mode"] == "subscription":
        details = simulator.store.session_details[session["id"]]
        subscription, invoice = subscriptions.start(
            simulator,
            customer=session["customer"],
            items=[(item["price"], item["quantity"]) for item in details.line_items],
            values=details.subscription_data,
        )
        session.update(subscription=subscription["id"], invoice=invoice["id"])
    redeem(simulator, session)
    session.update(
        customer_details={
            "address": {
                "city": None,
                "country": "US",
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "business_name": None,
            "email": address,
            "individual_name": None,
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        payment_status=payment_status,
        status="complete",
        url=None,
    )
    return simulator.emit("checkout.session.completed", session)


def _three_d_secure_step(session: StripeObject) -> StripeObject:
    return {"redirect_to_url": {"return_url": session["success_url"], "url": session["url"]}, "type": "redirect_to_url"}


def _bank_details(method: str) -> StripeObject:
    return {method: {"bank_name": "STRIPE TEST BANK", "last4": "6789"}, "type": method}
