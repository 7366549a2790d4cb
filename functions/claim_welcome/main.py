"""POST /api/tokens/welcome: the signed-in user's welcome tokens, once, where the settings give any."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firebase_auth import Identity
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.domain.posting import Posted
from shared.domain.welcome import WelcomeGrant
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses; `welcome` is None where nobody is given anything."""

    identity: Identity
    ledger: Ledger
    welcome: WelcomeGrant | None


@functions_framework.http
@http.endpoint("POST", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def claim_welcome(request: Request) -> dict[str, Any]:
    """Answer with what became of the claim, and the entry if there is one; asking again gets the same answer."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Give once to a user with a verified e-mail address who never had tokens."""
    user = using.identity.user_of(request.headers.get("Authorization"), request.headers.get("X-Firebase-AppCheck"))
    if using.welcome is None:
        return _refused("off")
    if user.email is None:  # anybody can sign up with any number of addresses that are not theirs
        return _refused("email_not_verified")
    outcome = using.ledger.welcome(user.uid, using.welcome)
    if outcome is None:
        return _refused("not_new")
    entry = outcome.entry
    ids = {"user_id": entry.uid, "entry_id": entry.id, "tokens": entry.amount}
    if isinstance(outcome, Posted):
        logs.info("welcome.granted", f"Welcomed user {entry.uid} with {entry.amount} tokens", **ids)
    else:
        logs.info("welcome.duplicate", f"{entry.id} already processed - skipping duplicate", **ids)
    return {"outcome": "granted", "transaction": entry.as_json()}


def _refused(outcome: str) -> dict[str, Any]:
    return {"outcome": outcome, "transaction": None}


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    identity = Identity(SETTINGS.project, app_check=SETTINGS.app_check)
    return Dependencies(identity, connect_ledger(SETTINGS.project), SETTINGS.welcome)
