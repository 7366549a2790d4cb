"""POST at its own URL: a trusted backend gives a user tokens, to people who never bought too.

Cloud Run's IAM decides who may call it: not those who may spend, because whoever may do both can mint tokens.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.google_identity import Admission
from shared.domain.errors import Conflict, LedgerConflict
from shared.domain.posting import Posted
from shared.domain.spend_requests import grant_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", private=True)
ADMISSION = Admission(SETTINGS.callers, on_cloud_run=SETTINGS.on_cloud_run)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    ledger: Ledger


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project, admit=ADMISSION.check)
def grant_tokens(request: Request) -> dict[str, Any]:
    """Answer with the entry and the tokens after it; the same key again gets the same answer."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Read the request, and give once."""
    uid, new = grant_of(http.json_object(request))
    ids = {"user_id": uid, "entry_id": new.id, "tokens": new.amount}
    try:
        outcome = using.ledger.post(uid, new, create_account=True)
    except LedgerConflict as error:
        logs.warning("grant.refused", str(error), reason="idempotency_conflict", **ids)
        raise Conflict("idempotency_conflict", "This idempotency_key was used for another grant") from error
    entry = outcome.entry
    if isinstance(outcome, Posted):
        sentence = f"Gave user {uid} {new.amount} tokens"
        logs.info("grant.made", sentence, expires_at=entry.details.get("expiresAt"), **ids)
    else:
        logs.info("grant.duplicate", f"{new.id} already processed - skipping duplicate", **ids)
    return {"transaction": entry.as_json(), "balance": entry.balance_after, "available": entry.available_after}


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(connect_ledger(SETTINGS.project))
