"""Customers (https://docs.stripe.com/api/customers)."""

from stripe_simulator.engine.errors import no_such
from stripe_simulator.engine.objects import StripeObject, build
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources.operations import Operations
from stripe_simulator.resources.params import (
    anything,
    clearable,
    email,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    text,
)

operations = Operations()

_PARAMS = {
    "address": anything,
    "description": clearable(text),
    "email": clearable(email),
    "metadata": metadata,
    "name": clearable(text),
    "phone": clearable(text),
    "preferred_locales": list_of(text),
    "shipping": anything,
    "tax_exempt": one_of("none", "exempt", "reverse"),
}


@operations.declare("POST", "/v1/customers", _PARAMS)
def create(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Create a customer and emit customer.created."""
    customer = simulator.store.add(build("customer", **params))
    customer["invoice_prefix"] = customer["id"][-8:].upper()
    simulator.emit("customer.created", customer)
    return customer


operations.retrievable("customer", "/v1/customers")
operations.listable("customer", "/v1/customers", email=email)


@operations.declare("POST", "/v1/customers/<object_id>", _PARAMS)
def update(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given and emit customer.updated."""
    customer = _living(simulator, object_id)
    if "metadata" in params:
        params["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
    simulator.change("customer.updated", customer, **params)
    return customer


@operations.declare("DELETE", "/v1/customers/<object_id>")
def delete(simulator: Simulator, _params: StripeObject, object_id: str) -> StripeObject:
    """Delete for good: what stays is `{"id", "object", "deleted": true}`."""
    customer = _living(simulator, object_id)
    simulator.emit("customer.deleted", customer)
    return simulator.store.add({"id": object_id, "object": "customer", "deleted": True})


def _living(simulator: Simulator, customer_id: str) -> StripeObject:
    customer = simulator.store.get("customer", customer_id)
    if customer.get("deleted"):
        raise no_such("customer", customer_id, param="id", status=404)
    return customer
