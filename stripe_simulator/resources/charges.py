"""Payment intents, charges, refunds, disputes, balance transactions.

https://docs.stripe.com/api/payment_intents, /charges, /refunds, /disputes, /balance_transactions
"""

from stripe_simulator.engine.errors import invalid, missing, only_one_of
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources.disputes import refund
from stripe_simulator.resources.operations import Operations
from stripe_simulator.resources.params import clearable, email, merge_metadata, metadata, one_of, positive_amount, text

operations = Operations()

operations.retrievable("payment_intent", "/v1/payment_intents")
operations.listable("payment_intent", "/v1/payment_intents", customer=text)
operations.retrievable("charge", "/v1/charges")
operations.listable("charge", "/v1/charges", customer=text, payment_intent=text)
operations.retrievable("refund", "/v1/refunds")
operations.listable("refund", "/v1/refunds", charge=text, payment_intent=text)
operations.retrievable("dispute", "/v1/disputes")
operations.listable("dispute", "/v1/disputes", charge=text, payment_intent=text)
operations.retrievable("balance_transaction", "/v1/balance_transactions")
operations.listable("balance_transaction", "/v1/balance_transactions", source=text, type=text)


@operations.declare(
    "POST",
    "/v1/charges/<object_id>",
    {"description": clearable(text), "metadata": metadata, "receipt_email": clearable(email)},
)
def update_charge(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given and emit charge.updated."""
    charge = simulator.store.get("charge", object_id)
    if "metadata" in params:
        params["metadata"] = merge_metadata(charge["metadata"], params["metadata"])
    simulator.change("charge.updated", charge, **params)
    return charge


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
def create_refund(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Refund a charge or a payment intent's charge, whole or in part."""
    if "charge" in params and "payment_intent" in params:
        raise only_one_of("charge", "payment_intent")
    if "charge" in params:
        charge = simulator.store.refer("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        charge = _charge_of(simulator, params["payment_intent"])
    else:
        raise missing("payment_intent")
    values = {name: value for name, value in params.items() if name in ("metadata", "reason")}
    return refund(simulator, charge, params.get("amount"), values)


@operations.declare("POST", "/v1/refunds/<object_id>", {"metadata": metadata})
def update_refund(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change a refund's metadata and emit refund.updated."""
    made = simulator.store.get("refund", object_id)
    if "metadata" in params:
        simulator.change("refund.updated", made, metadata=merge_metadata(made["metadata"], params["metadata"]))
    return made


def _charge_of(simulator: Simulator, intent_id: str) -> StripeObject:
    intent = simulator.store.refer("payment_intent", intent_id, "payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return simulator.store.get("charge", intent["latest_charge"])
