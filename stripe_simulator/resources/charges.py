"""Payment intents, charges and balance transactions: reading them, and what a payment does to them.

https://docs.stripe.com/api/payment_intents, /charges, /balance_transactions
"""

from typing import Any

from stripe_simulator.engine.errors import ApiError
from stripe_simulator.engine.objects import StripeObject, new_id, template
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.balance import processing_fee, record, settled
from stripe_simulator.resources.operations import Operations
from stripe_simulator.resources.params import clearable, email, merge_metadata, metadata, text

operations = Operations()

operations.retrievable("payment_intent", "/v1/payment_intents")
operations.listable("payment_intent", "/v1/payment_intents", customer=text)
operations.retrievable("charge", "/v1/charges")
operations.listable("charge", "/v1/charges", customer=text, payment_intent=text)
operations.retrievable("balance_transaction", "/v1/balance_transactions")
operations.listable("balance_transaction", "/v1/balance_transactions", source=text, type=text)


@operations.declare(
    "POST",
    "/v1/charges/<object_id>",
    {"description": clearable(text), "metadata": metadata, "receipt_email": clearable(email)},
)
def update(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given and emit charge.updated."""
    charge = account.store.get("charge", object_id)
    if "metadata" in params:
        params["metadata"] = merge_metadata(charge["metadata"], params["metadata"])
    account.change("charge.updated", charge, **params)
    return charge


def intent_of(account: Account, session: StripeObject) -> StripeObject:
    """Return a session's PaymentIntent, created when its buyer first confirms and kept from then on."""
    details = account.store.session_details[session["id"]]
    details.card_in_3ds = None
    if session["payment_intent"]:
        intent = account.store.get("payment_intent", session["payment_intent"])
        intent.update(amount=session["amount_total"], next_action=None)
        return intent
    intent = account.create(
        "payment_intent",
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        **details.payment_intent_data,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{new_id('event')[6:]}"
    session["payment_intent"] = intent["id"]
    account.emit("payment_intent.created", intent)
    return intent


def start_charge(
    account: Account, session: StripeObject, intent: StripeObject, *, method_details: StripeObject, email: str
) -> StripeObject:
    """Create the charge of one attempt, pending; the PaymentIntent's metadata is copied to it."""
    charge = account.create(
        "charge",
        amount=intent["amount"],
        billing_details={**template("charge")["billing_details"], "email": email},
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=intent["payment_method"],
        payment_method_details=method_details,
        receipt_email=intent["receipt_email"],
    )
    _show_presentment(account, session, (session, intent, charge))
    intent["latest_charge"] = charge["id"]
    return charge


def _show_presentment(account: Account, session: StripeObject, shown_on: tuple[StripeObject, ...]) -> None:
    """Say in which currency the buyer pays, if it is not the session's. Stripe leaves the field out otherwise."""
    presentment = account.store.session_details[session["id"]].presentment
    for subject in shown_on:
        subject.pop("presentment_details", None)
        if presentment is not None:
            subject["presentment_details"] = {
                "presentment_amount": round(session["amount_total"] * presentment.exchange_rate),
                "presentment_currency": presentment.currency,
            }


def succeed(account: Account, intent: StripeObject, charge: StripeObject) -> None:
    """Let a charge and its PaymentIntent succeed."""
    receipt = account.url(f"/receipts/{charge['id']}")
    charge.update(amount_captured=charge["amount"], captured=True, paid=True, receipt_url=receipt, status="succeeded")
    intent.update(amount_received=intent["amount"], last_payment_error=None, status="succeeded")
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", intent)


def book(account: Account, charge: StripeObject) -> str:
    """Book a charge, and return the id of its balance transaction."""
    amount = settled(account, charge["amount"], charge["currency"])
    return str(record(account, charge, "charge", amount, fee=processing_fee(amount))["id"])


def fail_charge(account: Account, charge: StripeObject, refusal: ApiError) -> None:
    """Let a charge fail with the bank's refusal."""
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
    account.emit("charge.failed", charge)


def fail_intent(
    account: Account, intent: StripeObject, refusal: ApiError, *, charge: StripeObject | None = None
) -> None:
    """Let an attempt to pay a PaymentIntent fail; it can be paid by another method."""
    error: dict[str, Any] = {**refusal.error, "charge": charge["id"] if charge else None}
    intent.update(last_payment_error=error, payment_method=None, status="requires_payment_method")
    account.emit("payment_intent.payment_failed", intent)
