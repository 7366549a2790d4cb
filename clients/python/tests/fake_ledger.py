"""The API in memory, as far as the client's tests need it, with faults on request.

tests/e2e/test_client.py runs the client on the product itself.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

Fault = httpx.Response | BaseException | Callable[[], None]


@dataclass
class Held:
    """A reservation."""

    amount: int
    expires_at: float
    on_expiry: str
    request: dict[str, Any]
    used: int = 0
    state: str = "open"


class RefusedError(Exception):
    """An answer with an error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.error = {"code": code, "message": f"This is {code}"}


@dataclass
class FakeLedger:
    """Accounts, their entries and reservations.

    Attributes:
        calls: the paths and bodies that arrived, in order; `ports` has where each was sent to.
        before: what meets the next requests before they take effect: an answer, an exception, or a function to call.
        after: the same after they took effect.
    """

    balances: dict[str, int]
    clock: Callable[[], float] = time.time
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    reservations: dict[str, Held] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ports: list[int | None] = field(default_factory=list)
    before: list[Fault] = field(default_factory=list)
    after: list[Fault] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        """Return it as a transport for either client of httpx."""
        return httpx.MockTransport(self._respond)

    def charged(self, key: str) -> int:
        """Return how many tokens were taken under a key."""
        self._expire()
        return -int(self.entries[f"spend:ada:{key}"]["amount"]) if f"spend:ada:{key}" in self.entries else 0

    def paths(self) -> list[str]:
        """Return the paths of the requests, without the address."""
        return [path for path, _ in self.calls]

    def fail(self, *faults: Fault) -> None:
        """Let the next requests fail before they take effect."""
        self.before += faults

    def lose(self, *faults: Fault) -> None:
        """Let the next requests take effect, and lose their answers."""
        self.after += faults

    def _respond(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.ports.append(request.url.port)
        self.calls.append((request.url.path, body))
        if (fault := _met(self.before)) is not None:
            return fault
        try:
            response = httpx.Response(200, json={"success": True, **self._answer(request.url.path, body)})
        except RefusedError as error:
            response = httpx.Response(error.status, json={"success": False, "error": error.error})
        return _met(self.after) or response

    def _answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._expire()
        uid = body["user_id"]
        if uid not in self.balances:
            raise RefusedError(404, "unknown_user")
        actions: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
            "/": self._spend,
            "/reservations": self._reserve,
            "/reservations/renew": self._renew,
            "/reservations/capture": self._capture,
            "/reservations/release": self._release,
        }
        shown = actions[path](uid, body)
        return {**shown, "balance": self.balances[uid], "available": self._available(uid)}

    def _spend(self, uid: str, body: dict[str, Any]) -> dict[str, Any]:
        if f"spend:{uid}:{body['idempotency_key']}" not in self.entries:
            self._cover(uid, body["amount"])
        return {"transaction": self._enter(uid, body["idempotency_key"], body["amount"])}

    def _reserve(self, uid: str, body: dict[str, Any]) -> dict[str, Any]:
        key = body["idempotency_key"]
        if key not in self.reservations:
            least = body.get("at_least", body["amount"])
            self._cover(uid, least)
            amount = min(body["amount"], self._available(uid))
            self.reservations[key] = Held(amount, self.clock() + body["expires_in_s"], body["on_expiry"], body)
        if self.reservations[key].request != body:
            raise RefusedError(409, "idempotency_conflict")
        return self._shown(key)

    def _renew(self, uid: str, body: dict[str, Any]) -> dict[str, Any]:
        held = self._open(uid, body["idempotency_key"])
        held.used = max(held.used, body.get("used", 0))
        held.expires_at = max(held.expires_at, self.clock() + body["expires_in_s"])
        return self._shown(body["idempotency_key"])

    def _capture(self, uid: str, body: dict[str, Any]) -> dict[str, Any]:
        key = body["idempotency_key"]
        entry = self.entries.get(f"spend:{uid}:{key}")
        if entry and entry["amount"] == -body["amount"]:
            return {"transaction": entry}
        if entry and self.reservations[key].state == "captured":
            raise RefusedError(409, "idempotency_conflict")
        held = self._open(uid, key)
        if body["amount"] > held.amount:
            raise RefusedError(422, "over_reservation")
        held.state, held.used = "captured", body["amount"]
        return {"transaction": self._enter(uid, key, body["amount"])}

    def _release(self, uid: str, body: dict[str, Any]) -> dict[str, Any]:
        key = body["idempotency_key"]
        held = self.reservations.get(key)
        if held is None or held.state == "open" or held.used:
            self._open(uid, key).state = "released"
        return self._shown(key)

    def _open(self, uid: str, key: str) -> Held:
        if key not in self.reservations:
            raise RefusedError(404, "unknown_reservation")
        held = self.reservations[key]
        if held.state != "open":
            raise RefusedError(409, "reservation_captured" if held.used else "reservation_released")
        return held

    def _cover(self, uid: str, amount: int) -> None:
        if amount > self._available(uid):
            raise RefusedError(402, "not_enough_tokens")

    def _available(self, uid: str) -> int:
        return self.balances[uid] - sum(held.amount for held in self.reservations.values() if held.state == "open")

    def _enter(self, uid: str, key: str, amount: int) -> dict[str, Any]:
        id_ = f"spend:{uid}:{key}"
        if id_ not in self.entries:
            self.balances[uid] -= amount
            self.entries[id_] = {
                "id": id_,
                "userId": uid,
                "type": "spend",
                "amount": -amount,
                "timestamp": "2026-11-21T10:30:00Z",
                "balanceAfter": self.balances[uid],
                "details": {"idempotencyKey": key},
            }
        if self.entries[id_]["amount"] != -amount:
            raise RefusedError(409, "idempotency_conflict")
        return self.entries[id_]

    def _expire(self) -> None:
        for key, held in self.reservations.items():
            if held.state == "open" and held.expires_at <= self.clock():
                held.state, held.used = "expired", held.used if held.on_expiry == "capture_used" else 0
                if held.used:
                    self._enter("ada", key, held.used)

    def _shown(self, key: str) -> dict[str, Any]:
        held = self.reservations[key]
        shown = {
            "idempotency_key": key,
            "amount": held.amount,
            "used": held.used,
            "state": held.state,
            "expires_at": datetime.fromtimestamp(held.expires_at, UTC).isoformat().replace("+00:00", "Z"),
        }
        return {"reservation": shown}


def unavailable(status: int = 503, **headers: str) -> httpx.Response:
    """Return the answer of a ledger that cannot answer."""
    error = {"code": "ledger_unavailable", "message": "Try again in a moment"}
    return httpx.Response(status, json={"success": False, "error": error}, headers=headers)


def _met(faults: list[Fault]) -> httpx.Response | None:
    """Meet the next fault, if there is one."""
    match faults.pop(0) if faults else None:
        case httpx.Response() as response:
            return httpx.Response(response.status_code, headers=response.headers, content=response.content)
        case BaseException() as error:
            raise error
        case None:
            return None
        case effect:
            effect()
            return None


def bodies(ledger: FakeLedger, path: str) -> Iterable[dict[str, Any]]:
    """Return the bodies that arrived at a path."""
    return [body for at, body in ledger.calls if at == path]
