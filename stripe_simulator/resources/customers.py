"""Customers (https://docs.stripe.com/api/customers)."""

from stripe_simulator.engine.errors import no_such
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.operations import LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, Operations
from stripe_simulator.resources.params import (
    anything,
    between,
    clearable,
    email,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    text,
)
from stripe_simulator.resources.search import find_customers, index_customer

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
_SEARCH = "/v1/customers/search"


@operations.declare("POST", "/v1/customers", _PARAMS)
def create(account: Account, params: StripeObject) -> StripeObject:
    """Create a customer and emit customer.created."""
    customer = account.create("customer", **params)
    customer["invoice_prefix"] = customer["id"][-8:].upper()
    index_customer(account, customer)
    account.emit("customer.created", customer)
    return customer


@operations.declare(
    "GET",
    _SEARCH,
    {"limit": between(1, LIST_LIMIT_MAX), "page": text, "query": text},
    required=["query"],
)
def search(account: Account, params: StripeObject) -> StripeObject:
    """Search customers, in the state in which search sees them: behind the truth by `search_lag_s`."""
    found = find_customers(account, params["query"])
    limit = params.get("limit", LIST_LIMIT_DEFAULT)
    start = int(params["page"]) if params.get("page", "").isdigit() else 0
    has_more = len(found) > start + limit
    result = {"object": "search_result", "data": found[start : start + limit], "has_more": has_more, "url": _SEARCH}
    return {**result, "next_page": str(start + limit) if has_more else None}


operations.retrievable("customer", "/v1/customers")
operations.listable("customer", "/v1/customers", email=email)


@operations.declare("POST", "/v1/customers/<object_id>", _PARAMS)
def update(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given and emit customer.updated."""
    customer = _existing(account, object_id)
    if "metadata" in params:
        params["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
    account.change("customer.updated", customer, **params)
    index_customer(account, customer)
    return customer


@operations.declare("DELETE", "/v1/customers/<object_id>")
def delete(account: Account, _params: StripeObject, object_id: str) -> StripeObject:
    """Delete a customer for good; `{"id", "object", "deleted": true}` remains."""
    customer = _existing(account, object_id)
    account.emit("customer.deleted", customer)
    return account.store.add({"id": object_id, "object": "customer", "deleted": True})


def _existing(account: Account, customer_id: str) -> StripeObject:
    customer = account.store.get("customer", customer_id)
    if customer.get("deleted"):
        raise no_such("customer", customer_id, param="id", status=404)
    return customer
