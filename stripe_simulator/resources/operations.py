"""How the resources declare their operations, cut lists into pages, and expand ids."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from stripe_simulator.engine.errors import invalid, only_one_of
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account
from stripe_simulator.engine.store import Store
from stripe_simulator.resources.params import Reader, between, fields, list_of, text, time_range

Handler = Callable[..., StripeObject]
Matches = Callable[[StripeObject], bool]

LIST_LIMIT_DEFAULT = 10
LIST_LIMIT_MAX = 100
LIST_PARAMS: Mapping[str, Reader] = {
    "created": time_range,
    "ending_before": text,
    "limit": between(1, LIST_LIMIT_MAX),
    "starting_after": text,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `handle(account, params, **path ids)` runs under the simulator's lock."""

    method: str
    path: str
    read: Reader
    handle: Handler


class Operations(list[Operation]):
    """The operations of one resource."""

    def declare(
        self, method: str, path: str, params: Mapping[str, Reader] | None = None, *, required: Iterable[str] = ()
    ) -> Callable[[Handler], Handler]:
        """Declare an operation: its path and the parameters that it takes besides `expand`."""
        read = fields({"expand": list_of(text), **(params or {})}, required=tuple(required))

        def register(handle: Handler) -> Handler:
            self.append(Operation(method, path, read, handle))
            return handle

        return register

    def retrievable(self, kind: str, path: str) -> None:
        """Declare `GET {path}/<object_id>`."""
        self.append(
            Operation(
                "GET",
                f"{path}/<object_id>",
                fields({"expand": list_of(text)}),
                lambda account, _params, object_id: account.store.get(kind, object_id),
            )
        )

    def listable(self, kind: str, path: str, **equal: Reader) -> None:
        """Declare `GET {path}`, newest first, filtered by `created` and by equality of these fields."""

        @self.declare("GET", path, {**LIST_PARAMS, **equal})
        def list_objects(account: Account, params: StripeObject) -> StripeObject:
            filters = {name: params[name] for name in equal if name in params}
            return page(
                account.store,
                kind,
                path,
                params,
                lambda built: (
                    not built.get("deleted")
                    and created_within(built, params)
                    and all(built.get(name) == value for name, value in filters.items())
                ),
            )


def created_within(built: StripeObject, params: StripeObject) -> bool:
    """Whether an object was created within the list's `created` bounds."""
    bounds = params.get("created", {})
    created = built["created"]
    return bool(
        created > bounds.get("gt", created - 1)
        and created >= bounds.get("gte", created)
        and created < bounds.get("lt", created + 1)
        and created <= bounds.get("lte", created)
    )


def page(store: Store, kind: str, url: str, params: StripeObject, matches: Matches | None = None) -> StripeObject:
    """Cut one page out of a kind, newest first (https://docs.stripe.com/api/pagination)."""
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise only_one_of("ending_before", "starting_after")
    limit = params.get("limit", LIST_LIMIT_DEFAULT)
    if after:
        store.refer(kind, after, "starting_after")
        found = list(islice(_older(store, kind, after, matches), limit + 1))
    elif before:
        store.refer(kind, before, "ending_before")
        newer = _newer(store, kind, before, matches)
        return as_list(url, newer[-limit:], has_more=len(newer) > limit)
    else:
        found = list(islice(store.newest(kind, matches), limit + 1))
    return as_list(url, found[:limit], has_more=len(found) > limit)


def as_list(url: str, data: list[StripeObject], *, has_more: bool = False) -> StripeObject:
    """Return Stripe's list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _older(store: Store, kind: str, cursor: str, matches: Matches | None) -> Iterable[StripeObject]:
    newest_first = store.newest(kind)
    for built in newest_first:
        if built["id"] == cursor:
            break
    return (built for built in newest_first if matches is None or matches(built))


def _newer(store: Store, kind: str, cursor: str, matches: Matches | None) -> list[StripeObject]:
    newer = []
    for built in store.newest(kind):
        if built["id"] == cursor:
            break
        if matches is None or matches(built):
            newer.append(built)
    return newer


def expanded(store: Store, result: StripeObject, paths: list[str]) -> StripeObject:
    """Return the result with ids replaced by their objects (https://docs.stripe.com/api/expanding_objects)."""
    copied = copy.deepcopy(result)
    for path in paths:
        _expand(store, copied, path.split("."), path)
    return copied


def _expand(store: Store, node: object, names: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(store, item, names, path)
        return
    name, *rest = names
    if not isinstance(node, dict) or (name not in node and _collection(store, node, name) is None):
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    if node.get(name) is None:
        node[name] = copy.deepcopy(_collection(store, node, name))
    elif isinstance(node[name], str):
        target = store.by_id(node[name])
        if target is None:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        node[name] = copy.deepcopy(target)
    if rest and node[name] is not None:
        _expand(store, node[name], rest, path)


def _collection(store: Store, node: StripeObject, name: str) -> StripeObject | None:
    """Return what Stripe leaves out unless asked: a session's line items, a charge's refunds, a price's currencies."""
    kind = node.get("object")
    if kind == "checkout.session" and name == "line_items":
        return as_list(f"/v1/checkout/sessions/{node['id']}/line_items", store.session_details[node["id"]].line_items)
    if kind == "charge" and name == "refunds":
        refunds = list(store.newest("refund", lambda refund: refund["charge"] == node["id"]))
        return as_list(f"/v1/charges/{node['id']}/refunds", refunds)
    if kind == "price" and name == "currency_options":
        return store.currency_options[node["id"]]
    return None
