"""What one account holds: every object in memory, in the order of creation."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stripe_simulator.engine.errors import no_such
from stripe_simulator.engine.objects import StripeObject

# The parameter that Stripe names when the object in a path does not exist.
_PATH_PARAMS = {"payment_intent": "intent", "price": "price", "checkout.session": "session", "coupon": "coupon"}


@dataclass(frozen=True, slots=True)
class Presentment:
    """The currency in which a buyer is shown the price, and what one unit of the session's currency is in it."""

    currency: str
    exchange_rate: float


@dataclass(slots=True)
class SessionDetails:
    """What Stripe knows about a Checkout Session without showing it in the object."""

    line_items: list[StripeObject]
    payment_intent_data: dict[str, Any] = field(default_factory=dict)
    subscription_data: dict[str, Any] = field(default_factory=dict)
    card_in_3ds: str | None = None
    """The number of the card whose 3-D Secure step is in front of the buyer."""
    presentment: Presentment | None = None


class Store:
    """Objects by kind and id. Callers hold the simulator's lock around everything that must stay consistent."""

    def __init__(self) -> None:
        self.session_details: dict[str, SessionDetails] = {}
        self.withdrawals: dict[str, int] = {}
        """What each dispute withdraws when it is a chargeback, in the settlement currency."""
        self.currency_options: dict[str, StripeObject] = {}
        """The prices in other currencies of each price that has some, by currency; shown only on request."""
        self.search_index: dict[str, list[tuple[float, StripeObject]]] = {}
        """Each customer's states, with the time from which search could find them."""
        self._objects: dict[str, dict[str, StripeObject]] = {}
        self._expiries: list[tuple[int, str]] = []

    def add(self, built: StripeObject) -> StripeObject:
        """Store a new object and return it."""
        self._objects.setdefault(built["object"], {})[built["id"]] = built
        return built

    def add_session(self, session: StripeObject, details: SessionDetails) -> StripeObject:
        """Store a new Checkout Session together with its details."""
        self.session_details[session["id"]] = details
        heapq.heappush(self._expiries, (session["expires_at"], session["id"]))
        return self.add(session)

    def take_overdue_sessions(self, moment: int) -> list[StripeObject]:
        """Return the sessions whose time is up by `moment`; each is returned once."""
        overdue = []
        while self._expiries and self._expiries[0][0] <= moment:
            overdue.append(self._objects["checkout.session"][heapq.heappop(self._expiries)[1]])
        return overdue

    def remove(self, kind: str, object_id: str) -> None:
        """Forget an object."""
        del self._objects[kind][object_id]

    def find(self, kind: str, object_id: str) -> StripeObject | None:
        """Return the object, or None."""
        return self._objects.get(kind, {}).get(object_id)

    def get(self, kind: str, object_id: str) -> StripeObject:
        """Return the object that a path names, or raise Stripe's 404."""
        found = self.find(kind, object_id)
        if found is None:
            raise no_such(kind, object_id, param=_PATH_PARAMS.get(kind, "id"), status=404)
        return found

    def refer(self, kind: str, object_id: str, param: str) -> StripeObject:
        """Return the object that a parameter names, or raise Stripe's 400."""
        found = self.find(kind, object_id)
        if found is None or found.get("deleted"):
            raise no_such(kind, object_id, param=param, status=400)
        return found

    def newest(self, kind: str, matches: Callable[[StripeObject], bool] | None = None) -> Iterator[StripeObject]:
        """Yield the objects of a kind, newest first."""
        for built in reversed(self._objects.get(kind, {}).values()):
            if matches is None or matches(built):
                yield built

    def count(self) -> dict[str, int]:
        """Return how many objects there are of each kind."""
        return {kind: len(objects) for kind, objects in sorted(self._objects.items())}

    def by_id(self, object_id: object) -> StripeObject | None:
        """Return the object with this id, whatever its kind: ids are unique across kinds."""
        for objects in self._objects.values():
            if isinstance(object_id, str) and object_id in objects:
                return objects[object_id]
        return None
