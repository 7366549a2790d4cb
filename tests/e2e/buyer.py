"""The product as its users and Stripe meet it: over HTTP, through the web origin."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx
import stripe

from local.stack import Endpoints, Stack
from shared.runtime.catalog_file import load_catalog

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams

PAYS = "4242424242424242"
DECLINES = "4000000000000002"
PURCHASE_COMPLETED = "checkout.session.completed"

_DEADLINE_S = 60.0
_POLL_S = 0.1
_SIGN_UP_PATH = "/identitytoolkit.googleapis.com/v1/accounts:signUp?key=demo"


def eventually(condition: Callable[[], bool], *, seconds: float = _DEADLINE_S) -> None:
    """Return as soon as the condition holds; fail when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(_POLL_S)


def spend(
    stack: Stack, uid: str, amount: int, *, key: str | None = None, reason: str = "one picture"
) -> httpx.Response:
    """Spend as a trusted backend does, by a new key unless one is given."""
    body = {"user_id": uid, "amount": amount, "reason": reason, "idempotency_key": key or uuid.uuid4().hex}
    return httpx.post(stack.endpoints.functions["spend_tokens"], json=body, timeout=60)


def reserve(stack: Stack, uid: str, amount: int, *, expires_in_s: int) -> None:
    """Set tokens aside as a trusted backend does, by a new key."""
    body = {"user_id": uid, "amount": amount, "reason": "one picture", "idempotency_key": uuid.uuid4().hex}
    address = f"{stack.endpoints.functions['spend_tokens']}/reservations"
    httpx.post(address, json={**body, "expires_in_s": expires_in_s}, timeout=60).raise_for_status()


class Buyer:
    """A new user of the Auth emulator, signed in, with the calls that the page makes."""

    def __init__(self, uid: str, id_token: str, web: httpx.Client) -> None:
        self.uid = uid
        self.id_token = id_token
        self.authorization = {"Authorization": f"Bearer {id_token}"}
        self._web = web

    @classmethod
    def sign_up(cls, endpoints: Endpoints, web: httpx.Client) -> Self:
        """Make an account."""
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a-password", "returnSecureToken": True}
        answer = httpx.post(f"http://{endpoints.auth}{_SIGN_UP_PATH}", json=account).raise_for_status().json()
        return cls(answer["localId"], answer["idToken"], web)

    def order(self, package: str, currency: str | None = None) -> httpx.Response:
        """Ask for a Checkout Session, in the package's default currency unless another is given."""
        body = {"package": package, "currency": currency}
        return self._web.post("/api/tokens/create-checkout-session", json=body, headers=self.authorization)

    def checkout(self, package: str = "popular", currency: str | None = None) -> str:
        """Open a Checkout Session and return its id."""
        return str(self.order(package, currency).raise_for_status().json()["session_id"])

    def receipt(self, session_id: str) -> httpx.Response:
        """Ask where Stripe shows the receipt of a purchase."""
        return self._web.get("/api/tokens/receipt", params={"session_id": session_id}, headers=self.authorization)

    def balance(self) -> int:
        """Return the balance as the page shows it."""
        answer = self._web.get("/api/tokens/balance", headers=self.authorization)
        return int(answer.raise_for_status().json()["balance"])

    def transactions(self, **query: str | int) -> list[dict[str, Any]]:
        """Return the history as the page shows it, newest first."""
        answer = self._web.get("/api/tokens/transactions", params=query, headers=self.authorization)
        return list(answer.raise_for_status().json()["transactions"])


class StripeSide:
    """Stripe's part: payments, webhooks, and sessions that this project did not make."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._simulator = httpx.Client(base_url=endpoints.stripe, timeout=30)
        self._client = stripe.StripeClient("sk_test_local", base_addresses={"api": endpoints.stripe})

    def close(self) -> None:
        self._simulator.close()

    def pay(self, session_id: str, card: str = PAYS) -> httpx.Response:
        """Pay on the hosted page."""
        return self._simulator.post(f"/_sim/sessions/{session_id}/pay", json={"card": card})

    def completed_event(self, session_id: str) -> dict[str, Any]:
        """Return the event that tells that a session was completed."""
        events = self._client.v1.events.list({"types": [PURCHASE_COMPLETED], "limit": 100})
        for event in events.auto_paging_iter():
            found: dict[str, Any] = event.to_dict()
            if found["data"]["object"]["id"] == session_id:
                return found
        raise LookupError(session_id)

    def resend(self, event_id: str, *, times_at_once: int = 1) -> list[int]:
        """Deliver an event again, and return what the webhook answered each time."""
        answer = self._simulator.post(f"/_sim/events/{event_id}/resend", json={"times": times_at_once})
        return [delivery["status"] for delivery in answer.raise_for_status().json()["deliveries"]]

    def pay_later(self, session_id: str) -> None:
        """Choose the delayed payment method."""
        self._simulator.post(f"/_sim/sessions/{session_id}/pay", json={"method": "delayed"}).raise_for_status()

    def settle_in(self, currency: str, rate: float) -> None:
        """Book everything from now on in the shop's own currency, at this rate."""
        body = {"settlement_currency": currency, "settlement_rate": rate}
        self._simulator.post("/_sim/behavior", json=body).raise_for_status()

    def settle(self, session_id: str, outcome: str) -> None:
        """End a delayed payment: `succeeded` or `failed`."""
        self._simulator.post(f"/_sim/sessions/{session_id}/settle", json={"outcome": outcome}).raise_for_status()

    def charge_of(self, session_id: str) -> str:
        """Return the charge that paid a session."""
        session = self._client.v1.checkout.sessions.retrieve(session_id)
        charges = self._client.v1.charges.list({"payment_intent": str(session.payment_intent)})
        return charges.data[0].id

    def refund(self, charge_id: str, cents: int | None = None) -> str:
        """Refund a part of a charge, or all that is left of it; return the refund's id."""
        params: RefundCreateParams = {"charge": charge_id}
        if cents:
            params["amount"] = cents
        return self._client.v1.refunds.create(params).id

    def fail_refund(self, refund_id: str) -> None:
        """Let a refund fail after it was made."""
        self._simulator.post(f"/_sim/refunds/{refund_id}/fail").raise_for_status()

    def dispute(self, charge_id: str, cents: int | None = None) -> str:
        """Open a dispute over a part of a charge, or all of it; return the dispute's id."""
        body = {"charge": charge_id} | ({"amount": cents} if cents else {})
        return str(self._simulator.post("/_sim/disputes", json=body).raise_for_status().json()["id"])

    def close_dispute(self, dispute_id: str, status: str) -> None:
        """Close a dispute: `won` or `lost`."""
        self._simulator.post(f"/_sim/disputes/{dispute_id}/close", json={"status": status}).raise_for_status()

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer, as one can in the dashboard."""
        self._client.v1.customers.delete(customer_id)

    def deliver_webhooks(self, mode: str) -> None:
        """Choose how webhooks go out: deliver, drop, duplicate or shuffle."""
        self._simulator.post("/_sim/webhooks", json={"mode": mode}).raise_for_status()

    def latest_event(self, type_: str) -> str:
        """Return the id of the newest event of a type."""
        return self._client.v1.events.list({"type": type_, "limit": 1}).data[0].id

    def has_delivered_everything(self) -> bool:
        """Whether no webhook is under way."""
        return bool(self._simulator.get("/_sim/webhooks").raise_for_status().json()["idle"])

    def session_with_metadata(self, metadata: Mapping[str, str], *, invoice: bool = False) -> str:
        """Open a Checkout Session for `popular` with metadata of the caller's, as somebody with our key could."""
        terms = next(package for package in load_catalog().packages if package.id == "popular").current
        product = self._client.v1.products.create({"name": "Popular Pack"})
        session = self._client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [
                    {
                        "price_data": {
                            "currency": terms.currency,
                            "unit_amount": terms.price_cents,
                            "product": product.id,
                        },
                        "quantity": 1,
                    }
                ],
                "invoice_creation": {"enabled": invoice},
                "metadata": dict(metadata),
                "payment_intent_data": {"metadata": dict(metadata)},
                "success_url": "http://localhost/token-purchase-success",
            }
        )
        return session.id
