"""POST at its own URL: a trusted backend spends a user's tokens. Cloud Run's IAM decides who may call it."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.domain.crediting import Duplicate
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import Conflict, LedgerConflict, NotEnoughTokens, NotFound
from shared.domain.posting import Posted
from shared.domain.spending import spend_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    ledger: Ledger


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def spend_tokens(request: Request) -> dict[str, Any]:
    """Answer with the entry and the balance after it; the same key again gets the same answer."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Read the spend request, and spend once."""
    uid, new = spend_of(http.json_object(request))
    entry = _spend(uid, new, using.ledger)
    return {"transaction": entry.as_json(), "balance": entry.balance_after}


def _spend(uid: str, new: NewEntry, ledger: Ledger) -> Entry:
    """Return the entry of the spend: a new one, or that of the key's first use."""
    ids = {"user_id": uid, "entry_id": new.id, "tokens": -new.amount}
    try:
        outcome = ledger.post(uid, new)
    except (NotEnoughTokens, NotFound) as error:
        logs.info("tokens.refused", f"Spent nothing: {error.message}", reason=error.code, **ids)
        raise
    except LedgerConflict as error:
        logs.warning("tokens.refused", str(error), reason="idempotency_conflict", **ids)
        raise Conflict("idempotency_conflict", "This idempotency_key was used for another spend") from error
    match outcome:
        case Posted(entry):
            sentence = f"Spent {-new.amount} tokens of user {uid}"
            logs.info("tokens.spent", sentence, balance_after=entry.balance_after, **ids)
        case Duplicate(entry):
            logs.info("tokens.duplicate", f"{new.id} already processed - skipping duplicate", **ids)
    return entry


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(connect_ledger(SETTINGS.project))
