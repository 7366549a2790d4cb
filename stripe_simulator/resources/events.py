"""Events and the endpoints they go to (https://docs.stripe.com/api/events, /webhook_endpoints)."""

import secrets
from fnmatch import fnmatchcase

from stripe_simulator.engine.errors import no_such, only_one_of
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, created_within, page
from stripe_simulator.resources.params import boolean, clearable, list_of, merge_metadata, metadata, text, url
from stripe_simulator.settings import API_VERSION

operations = Operations()

RETENTION_S = 30 * 24 * 3600
"""How long Stripe lists an event (https://docs.stripe.com/api/events)."""

operations.retrievable("webhook_endpoint", "/v1/webhook_endpoints")
operations.listable("webhook_endpoint", "/v1/webhook_endpoints")


@operations.declare(
    "GET", "/v1/events", {**LIST_PARAMS, "delivery_success": boolean, "type": text, "types": list_of(text)}
)
def list_events(account: Account, params: StripeObject) -> StripeObject:
    """List events, newest first, by type (also `charge.*`), by time, and by whether every endpoint has them."""
    if "type" in params and "types" in params:
        raise only_one_of("type", "types")
    for cursor in ("starting_after", "ending_before"):
        if cursor in params and _is_forgotten(account, account.store.refer("event", params[cursor], cursor)):
            raise no_such("event", params[cursor], param=cursor, status=400)
    patterns = params.get("types", [params["type"]] if "type" in params else ["*"])
    delivered = params.get("delivery_success")

    def matches(event: StripeObject) -> bool:
        return (
            any(fnmatchcase(event["type"], pattern) for pattern in patterns)
            and created_within(event, params)
            and not _is_forgotten(account, event)
            and (delivered is None or account.webhooks.delivered(event) == delivered)
        )

    return page(account.store, "event", "/v1/events", params, matches)


@operations.declare("GET", "/v1/events/<object_id>")
def retrieve_event(account: Account, _params: StripeObject, object_id: str) -> StripeObject:
    """Return an event that Stripe still lists."""
    event = account.store.get("event", object_id)
    if _is_forgotten(account, event):
        raise no_such("event", object_id, param="id", status=404)
    return event


def _is_forgotten(account: Account, event: StripeObject) -> bool:
    return bool(event["created"] < account.clock.now() - RETENTION_S)


@operations.declare(
    "POST",
    "/v1/webhook_endpoints",
    {
        "api_version": text,
        "connect": boolean,
        "description": clearable(text),
        "enabled_events": list_of(text),
        "metadata": metadata,
        "url": url,
    },
    required=["enabled_events", "url"],
)
def create_endpoint(account: Account, params: StripeObject) -> StripeObject:
    """Create an endpoint, for connected accounts' events with `connect`; only this answer shows its `secret`."""
    connect = params.pop("connect", False)
    endpoint = account.create("webhook_endpoint", **{"api_version": API_VERSION, **params})
    secret = f"whsec_{secrets.token_hex(16)}"
    account.webhooks.register(endpoint, (secret,), account=account.id, connect=connect)
    return {**endpoint, "secret": secret}


@operations.declare(
    "POST",
    "/v1/webhook_endpoints/<object_id>",
    {
        "description": clearable(text),
        "disabled": boolean,
        "enabled_events": list_of(text),
        "metadata": metadata,
        "url": url,
    },
)
def update_endpoint(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given; `disabled` turns deliveries off and on."""
    endpoint = account.store.get("webhook_endpoint", object_id)
    if "disabled" in params:
        endpoint["status"] = "disabled" if params.pop("disabled") else "enabled"
    if "metadata" in params:
        params["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
    endpoint.update(params)
    return endpoint


@operations.declare("DELETE", "/v1/webhook_endpoints/<object_id>")
def delete_endpoint(account: Account, _params: StripeObject, object_id: str) -> StripeObject:
    """Delete an endpoint; deliveries on their way to it fail."""
    account.store.get("webhook_endpoint", object_id)
    account.store.remove("webhook_endpoint", object_id)
    account.webhooks.unregister(object_id)
    return {"id": object_id, "object": "webhook_endpoint", "deleted": True}
