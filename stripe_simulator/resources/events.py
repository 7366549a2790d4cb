"""Events and the endpoints they go to (https://docs.stripe.com/api/events, /webhook_endpoints)."""

import secrets
from fnmatch import fnmatchcase

from stripe_simulator.engine.errors import only_one_of
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, created_within, page
from stripe_simulator.resources.params import boolean, clearable, list_of, merge_metadata, metadata, text, url
from stripe_simulator.settings import API_VERSION

operations = Operations()

operations.retrievable("event", "/v1/events")
operations.retrievable("webhook_endpoint", "/v1/webhook_endpoints")
operations.listable("webhook_endpoint", "/v1/webhook_endpoints")


@operations.declare(
    "GET", "/v1/events", {**LIST_PARAMS, "delivery_success": boolean, "type": text, "types": list_of(text)}
)
def list_events(account: Account, params: StripeObject) -> StripeObject:
    """List events, newest first, by type (also `charge.*`), by time, and by whether every endpoint has them."""
    if "type" in params and "types" in params:
        raise only_one_of("type", "types")
    patterns = params.get("types", [params["type"]] if "type" in params else ["*"])
    delivered = params.get("delivery_success")

    def matches(event: StripeObject) -> bool:
        return (
            any(fnmatchcase(event["type"], pattern) for pattern in patterns)
            and created_within(event, params)
            and (delivered is None or account.webhooks.delivered(event) == delivered)
        )

    return page(account.store, "event", "/v1/events", params, matches)


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
