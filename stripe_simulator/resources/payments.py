"""What paying a Checkout Session does: the objects that come to be, and the events, in order.

    card pays      payment_intent.created  charge.succeeded  payment_intent.succeeded  checkout.session.completed (paid)
    card declines  payment_intent.created  charge.failed     payment_intent.payment_failed           session stays open
    bank debit     payment_intent.created  charge.pending    payment_intent.processing
                   checkout.session.completed (unpaid), then, days later:
      succeeded    charge.succeeded  payment_intent.succeeded      checkout.session.async_payment_succeeded (paid)
      failed       charge.failed     payment_intent.payment_failed checkout.session.async_payment_failed

https://docs.stripe.com/checkout/fulfillment. A PaymentIntent's metadata is copied to each charge that it creates.
"""

from stripe_simulator.engine.errors import card_declined, invalid
from stripe_simulator.engine.objects import StripeObject, new_id
from stripe_simulator.engine.simulator import Account
from stripe_simulator.engine.store import Presentment
from stripe_simulator.resources import charges, subscriptions
from stripe_simulator.resources.cards import Card, card
from stripe_simulator.resources.customers import create as create_customer
from stripe_simulator.resources.invoices import invoice_session
from stripe_simulator.resources.promotions import redeem

DELAYED_METHODS = ("us_bank_account", "sepa_debit", "bacs_debit", "acss_debit", "au_becs_debit")
GUEST_EMAIL = "buyer@example.com"

_AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)


def pay_by_card(account: Account, session: StripeObject, number: str, email: str | None = None) -> StripeObject | None:
    """Try to pay an open session with a test card.

    Returns:
        The checkout.session.completed event, or None if the card asks for 3-D Secure first (see `finish_3ds`).

    Raises:
        ApiError: 402, the card is declined and the session stays open; 400, the session is not open.
    """
    _require_open(session)
    if session["amount_total"] == 0:
        return _complete(account, session, email, "no_payment_required")
    _require_method(session, "card")
    chosen = card(number)
    if session["mode"] == "subscription":
        if refusal := chosen.refusal():
            raise refusal
        return _complete(account, session, email, "paid")
    intent = charges.intent_of(account, session)
    intent["payment_method"] = new_id("payment_method")
    if chosen.asks_3ds:
        intent.update(status="requires_action", next_action=_three_d_secure_step(session))
        account.store.session_details[session["id"]].card_in_3ds = chosen.number
        account.emit("payment_intent.requires_action", intent)
        return None
    return _charge_card(account, session, intent, chosen, email)


def finish_3ds(
    account: Account, session: StripeObject, *, authenticated: bool, email: str | None = None
) -> StripeObject:
    """End a session's 3-D Secure step: charge the card, or fail with ApiError 402."""
    _require_open(session)
    details = account.store.session_details[session["id"]]
    if details.card_in_3ds is None:
        raise invalid("This session is not waiting for 3-D Secure.")
    chosen = card(details.card_in_3ds)
    details.card_in_3ds = None
    intent = account.store.get("payment_intent", session["payment_intent"])
    intent["next_action"] = None
    if authenticated:
        return _charge_card(account, session, intent, chosen, email)
    refusal = card_declined(_AUTHENTICATION_FAILED, code="payment_intent_authentication_failure")
    charges.fail_intent(account, intent, refusal)
    raise refusal


def pay_later(account: Account, session: StripeObject, email: str | None = None) -> StripeObject:
    """Complete an open session with a delayed method and return the event; `settle` decides about the money."""
    _require_open(session)
    if session["amount_total"] == 0:
        return _complete(account, session, email, "no_payment_required")
    if session["mode"] == "subscription":
        raise invalid("Subscriptions are paid by card here.")
    method = _require_method(session, *DELAYED_METHODS)
    intent = charges.intent_of(account, session)
    intent.update(latest_charge=None, payment_method=new_id("payment_method"), status="processing")
    details = {method: {"bank_name": "STRIPE TEST BANK", "last4": "6789"}, "type": method}
    charge = charges.start_charge(
        account, session, intent, method_details=details, email=_address(account, session, email)
    )
    account.emit("charge.pending", charge)
    account.emit("payment_intent.processing", intent)
    return _complete(account, session, email, "unpaid")


def settle(account: Account, session: StripeObject, *, succeeded: bool) -> StripeObject:
    """End a delayed payment; return the checkout.session.async_payment_… event."""
    if session["status"] != "complete" or session["payment_status"] != "unpaid" or not session["payment_intent"]:
        raise invalid("No payment of this Checkout Session is pending.")
    intent = account.store.get("payment_intent", session["payment_intent"])
    if intent["status"] != "processing":
        raise invalid(f"This Checkout Session's payment has already ended: `{intent['status']}`.")
    charge = account.store.get("charge", intent["latest_charge"])
    if not succeeded:
        refusal = card_declined(
            "The customer's bank account could not be debited.", code="payment_intent_payment_attempt_failed"
        )
        charges.fail_charge(account, charge, refusal)
        charges.fail_intent(account, intent, refusal, charge=charge)
        return account.emit("checkout.session.async_payment_failed", session)
    charge["balance_transaction"] = charges.book(account, charge)
    charges.succeed(account, intent, charge)
    session["payment_status"] = "paid"
    invoice_session(account, session)
    return account.emit("checkout.session.async_payment_succeeded", session)


def present(account: Account, session: StripeObject, presentment: Presentment | None) -> None:
    """Let the buyer pay in another currency than the session's: Adaptive Pricing, if the session has it."""
    if presentment is not None and not session["adaptive_pricing"]["enabled"]:
        raise invalid("This Checkout Session does not use Adaptive Pricing.", param="presentment_currency")
    account.store.session_details[session["id"]].presentment = presentment


def offers_delayed(session: StripeObject) -> bool:
    """Whether the session takes a method whose money comes later."""
    return session["mode"] == "payment" and any(name in session["payment_method_types"] for name in DELAYED_METHODS)


def email_of(account: Account, session: StripeObject) -> str | None:
    """Return the buyer's address, if it is known before they type it."""
    if session["customer_email"]:
        return str(session["customer_email"])
    customer = account.store.by_id(session["customer"])
    return customer.get("email") if customer else None


def _address(account: Account, session: StripeObject, email: str | None) -> str:
    return email or email_of(account, session) or GUEST_EMAIL


def _require_open(session: StripeObject) -> None:
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is no longer open. It has a status of `{session['status']}`.")


def _require_method(session: StripeObject, *methods: str) -> str:
    """Return the first of the methods that the session offers."""
    for method in methods:
        if method in session["payment_method_types"]:
            return method
    raise invalid(f"This Checkout Session does not offer any of these payment methods: {', '.join(methods)}.")


def _charge_card(
    account: Account, session: StripeObject, intent: StripeObject, chosen: Card, email: str | None
) -> StripeObject:
    details = chosen.payment_method_details(intent["amount"])
    charge = charges.start_charge(
        account, session, intent, method_details=details, email=_address(account, session, email)
    )
    if refusal := chosen.refusal():
        refusal.error.update(charge=charge["id"], payment_intent=intent["id"])
        charges.fail_charge(account, charge, refusal)
        charges.fail_intent(account, intent, refusal, charge=charge)
        raise refusal
    charges.succeed(account, intent, charge)
    completed = _complete(account, session, email, "paid")
    account.change("charge.updated", charge, balance_transaction=charges.book(account, charge))
    return completed


def _complete(account: Account, session: StripeObject, email: str | None, payment_status: str) -> StripeObject:
    """Close the session as complete; return its checkout.session.completed event."""
    address = _address(account, session, email)
    if session["customer_creation"] == "always":
        session["customer"] = create_customer(account, {"email": address})["id"]
        intent = account.store.by_id(session["payment_intent"])
        if intent:
            intent["customer"] = session["customer"]
    redeem(account, session)
    session.update(
        customer_details=_customer_details(address), payment_status=payment_status, status="complete", url=None
    )
    if session["mode"] == "subscription":
        _start_subscription(account, session)
    elif payment_status != "unpaid":
        invoice_session(account, session)
    return account.emit("checkout.session.completed", session)


def _start_subscription(account: Account, session: StripeObject) -> None:
    details = account.store.session_details[session["id"]]
    subscription, invoice = subscriptions.start(
        account,
        customer=session["customer"],
        items=[(item["price"], item["quantity"]) for item in details.line_items],
        values=details.subscription_data,
    )
    session.update(subscription=subscription["id"], invoice=invoice["id"])


def _customer_details(email: str) -> StripeObject:
    address = {"city": None, "country": "US", "line1": None, "line2": None, "postal_code": None, "state": None}
    return {
        "address": address,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _three_d_secure_step(session: StripeObject) -> StripeObject:
    return {"redirect_to_url": {"return_url": session["success_url"], "url": session["url"]}, "type": "redirect_to_url"}
