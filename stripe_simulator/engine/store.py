"""The store: every object in memory, in the order of its creation, behind one lock."""

import heapq
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stripe_simulator.engine.errors import no_such
from stripe_simulator.engine.objects import StripeObject

# The parameter that Stripe names when the object of a path does not exist.
_PATH_PARAMS = {"payment_intent": "intent", "price": "price", "checkout.session": "session", "coupon": "coupon"}


@dataclass(slots=True)
class SessionDetails:
    """What Stripe knows of a Checkout Session without showing it in the object."""

    line_items: list[StripeObject]
    payment_intent_data: dict[str, Any] = field(default_factory=dict)
    subscription_data: dict[str, Any] = field(default_factory=dict)
    card_in_3ds: str | None = None
    """The number of the card whose 3-D Secure step the buyer has before them."""


class Store:
    """Objects by kind and id. Callers hold `lock` around everything that must be seen whole."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.session_details: dict[str, SessionDetails] = {}
        self._objects: dict[str, dict[str, StripeObject]] = {}
        self._expiries: list[tuple[int, str]] = []

    def add(self, built: StripeObject) -> StripeObject:
        """Keep a new object and answer it."""
        self._objects.setdefault(built["object"], {})[built["id"]] = built
        return built

    def add_session(self, session: StripeObject, details: SessionDetails) -> StripeObject:
        """Keep a new Checkout Session with what is not shown of it."""
        self.session_details[session["id"]] = details
        heapq.heappush(self._expiries, (session["expires_at"], session["id"]))
        return self.add(session)

    def take_overdue_sessions(self, moment: int) -> list[StripeObject]:
        """Take out the sessions whose time is up: each is answered once."""
        overdue = []
        while self._expiries and self._expiries[0][0] <= moment:
            overdue.append(self._objects["checkout.session"][heapq.heappop(self._expiries)[1]])
        return overdue

    def remove(self, kind: str, object_id: str) -> None:
        """Forget an object."""
        del self._objects[kind][object_id]

    def find(self, kind: str, object_id: str) -> StripeObject | None:
        """Answer the object, or None."""
        return self._objects.get(kind, {}).get(object_id)

    def get(self, kind: str, object_id: str) -> StripeObject:
        """Answer the object that a path names, or raise Stripe's 404."""
        found = self.find(kind, object_id)
        if found is None:
            raise no_such(kind, object_id, param=_PATH_PARAMS.get(kind, "id"), status=404)
        return found

    def refer(self, kind: str, object_id: str, param: str) -> StripeObject:
        """Answer the object that a parameter names, or raise Stripe's 400."""
        found = self.find(kind, object_id)
        if found is None or found.get("deleted"):
            raise no_such(kind, object_id, param=param, status=400)
        return found

    def newest(self, kind: str, matches: Callable[[StripeObject], bool] | None = None) -> Iterator[StripeObject]:
        """Go through a kind, newest first."""
        for built in reversed(self._objects.get(kind, {}).values()):
            if matches is None or matches(built):
                yield built

    def count(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {kind: len(objects) for kind, objects in sorted(self._objects.items())}

    def by_id(self, object_id: object) -> StripeObject | None:
        """Answer whatever object has this id: ids are unique across kinds."""
        for objects in self._objects.values():
            if isinstance(object_id, str) and object_id in objects:
                return objects[object_id]
        return None
