"""GET /api/tokens/balance: the signed-in user's balance."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firebase_auth import Identity
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.domain.times import as_text
from shared.runtime import http, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    identity: Identity
    ledger: Ledger


@functions_framework.http
@http.endpoint("GET", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def get_balance(request: Request) -> dict[str, Any]:
    """Answer with the balance, what of it is reserved, available or about to expire, and the totals, in tokens."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Read what the signed-in user may see of the account."""
    user = using.identity.user_of(request.headers.get("Authorization"), request.headers.get("X-Firebase-AppCheck"))
    view = using.ledger.owner_view(user.uid)
    return {
        "balance": view.balance,
        "reserved": view.reserved,
        "available": view.available,
        "expiring": [{"tokens": tokens, "expires_at": as_text(at)} for at, tokens in view.expiring],
        "totalTokensPurchased": view.purchased,
        "totalTokensEarned": view.earned,
        "totalTokensSpent": view.spent,
    }


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(Identity(SETTINGS.project, app_check=SETTINGS.app_check), connect_ledger(SETTINGS.project))
