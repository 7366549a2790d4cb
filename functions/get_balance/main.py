"""GET /api/tokens/balance: the signed-in user's balance."""

from functools import cache
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore

from shared.adapters.firebase_auth import Identity
from shared.adapters.firestore.ledger import Ledger
from shared.runtime import http, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")


@functions_framework.http
@http.endpoint("GET", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def get_balance(request: Request) -> dict[str, Any]:
    """Answer with the balance and the totals, in tokens."""
    return handle(request, *parts())


def handle(request: Request, identity: Identity, ledger: Ledger) -> dict[str, Any]:
    """Read the account of whoever signed in."""
    account = ledger.account(identity.user_of(request.headers.get("Authorization")).uid)
    return {
        "balance": account.balance,
        "totalTokensPurchased": account.purchased,
        "totalTokensEarned": account.earned,
        "totalTokensSpent": account.spent,
    }


@cache
def parts() -> tuple[Identity, Ledger]:
    """Build what the handler needs, at the first request."""
    return Identity(SETTINGS.project), Ledger(firestore.Client(project=SETTINGS.project))
