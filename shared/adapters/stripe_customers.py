"""A user's customer in Stripe: found if there is one, else created, and never twice."""

import hashlib
import json
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import stripe

from shared.adapters.stripe_calls import call, call_with_key
from shared.domain.errors import StripeRefused

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, CustomerListParams, CustomerSearchParams

_PAGE = 100  # the most that Stripe returns in one page
# Search lags by a minute, rarely by an hour; a list does not. Beyond what both see, the idempotency key still answers
# with the customer that it created. Source: https://docs.stripe.com/api/customers/search
_SEARCH_LAG_S = 15 * 60
_RECENT_MAX = 1_000


def get_or_create(client: stripe.StripeClient, uid: str, email: str | None, *, instead_of: str | None) -> str:
    """Return the id of a user's customer; see StripeGateway.get_or_create_customer."""
    find = partial(_find, client, uid, deleted=instead_of)
    existing = find()
    if existing is not None:
        return existing
    params: CustomerCreateParams = {"metadata": {"firebase_uid": uid}}
    if email:
        params["email"] = email
    try:
        return _create(client, params, instead_of, find)
    except StripeRefused as error:
        if error.stripe_code != "email_invalid":
            raise
        # Firebase accepts addresses that Stripe refuses; a receipt address is not worth losing the sale.
        del params["email"]
        return _create(client, params, instead_of, find)


def _create(
    client: stripe.StripeClient,
    params: "CustomerCreateParams",
    instead_of: str | None,
    find: Callable[[], str | None],
) -> str:
    digest = hashlib.sha256(json.dumps([params, instead_of], sort_keys=True).encode()).hexdigest()

    def create(key: str) -> str:
        return client.v1.customers.create(params, {"idempotency_key": key}).id

    return call_with_key(create, f"customer:{digest}", find=find)


def _find(client: stripe.StripeClient, uid: str, *, deleted: str | None) -> str | None:
    """Return the user's oldest customer, None when there is none.

    Search may not see the customers of the last minutes: those are listed. It may still see one that was deleted.
    """
    candidates = [one.to_dict() for one in (*_search(client, uid), *_list_recent(client))]
    found = [
        (one["created"], one["id"])
        for one in candidates
        if (one.get("metadata") or {}).get("firebase_uid") == uid and one["id"] != deleted
    ]
    return min(found)[1] if found else None


def _search(client: stripe.StripeClient, uid: str) -> list[stripe.Customer]:
    quoted = json.dumps(uid, ensure_ascii=False)
    params: CustomerSearchParams = {"query": f"metadata['firebase_uid']:{quoted}", "limit": _PAGE}
    try:
        return call(lambda: client.v1.customers.search(params).data)
    except StripeRefused:
        return []  # there is no search for accounts in India; whatever else is wrong, the list meets it too


def _list_recent(client: stripe.StripeClient) -> list[stripe.Customer]:
    params: CustomerListParams = {"created": {"gte": int(time.time()) - _SEARCH_LAG_S}, "limit": _PAGE}
    return call(lambda: list(islice(client.v1.customers.list(params).auto_paging_iter(), _RECENT_MAX)))
