"""GET /api/tokens/receipt: where Stripe shows the receipt, or the invoice, of one of the signed-in user's purchases."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firebase_auth import Identity
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.stripe_api import StripeGateway, connect_stripe
from shared.adapters.time_limit import STRIPE_S, time_limit
from shared.domain.errors import BadInput, NotFound, TooManyReceipts
from shared.domain.rate import Rate
from shared.domain.session_fields import is_session_id
from shared.runtime import http, logs, settings
from shared.runtime.throttle import Throttle

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY")
PER_USER, PER_INSTANCE = Rate(30), Rate(300)
THROTTLE = Throttle(PER_USER, PER_INSTANCE)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    identity: Identity
    ledger: Ledger
    gateway: StripeGateway
    throttle: Throttle = THROTTLE


@functions_framework.http
@http.endpoint("GET", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def get_receipt(request: Request) -> dict[str, Any]:
    """Answer with the address of Stripe's page, which is valid for some days only."""
    with time_limit(STRIPE_S):
        return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Find the purchase among the user's own, then ask Stripe."""
    user = using.identity.user_of(request.headers.get("Authorization"), request.headers.get("X-Firebase-AppCheck"))
    session_id = request.args.get("session_id")
    if not is_session_id(session_id):
        raise BadInput("invalid_session_id", "session_id must be the id of a Checkout Session (cs_…)")
    _brake(user.uid, using.throttle)
    entry = using.ledger.get_by_stripe_session(session_id)
    if entry is None or entry.uid != user.uid:  # one answer for both: nobody learns what others have bought
        raise NotFound("unknown_purchase", "You have no such purchase")
    url = using.gateway.receipt_url(session_id)
    if url is None:
        logs.info("receipt.missing", f"Stripe has no receipt of {session_id}", session_id=session_id, user_id=user.uid)
        raise NotFound("no_receipt", "The payment provider has no receipt of this purchase")
    return {"url": url}


def _brake(uid: str, throttle: Throttle) -> None:
    """Refuse a user who asks without end: Stripe's rate limit belongs to the whole shop."""
    if wait_s := throttle.wait_s(uid):
        logs.warning("receipt.throttled", f"Too many receipts: refused user {uid}", user_id=uid, wait_s=wait_s)
        raise TooManyReceipts(wait_s)


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(
        Identity(SETTINGS.project, app_check=SETTINGS.app_check),
        connect_ledger(SETTINGS.project),
        connect_stripe(SETTINGS.stripe_secret_key, api_base=SETTINGS.stripe_api_base),
    )
