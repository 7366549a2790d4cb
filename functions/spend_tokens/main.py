"""POST at its own URL: a trusted backend spends a user's tokens. Cloud Run's IAM decides who may call it."""

from functools import cache
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore

from shared.adapters.firestore.ledger import Credited, Ledger
from shared.domain.entry import Entry, Posting
from shared.domain.errors import Conflict, LedgerConflict, NotEnoughTokens, NotFound
from shared.domain.spending import spend_of
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def spend_tokens(request: Request) -> dict[str, Any]:
    """Answer with the entry and the balance after it; the same key again gets the same answer."""
    return handle(request, *parts())


def handle(request: Request, ledger: Ledger) -> dict[str, Any]:
    """Read what is to be spent, and spend it once."""
    uid, posting = spend_of(http.json_object(request))
    entry = _spend(uid, posting, ledger)
    return {"transaction": entry.as_json(), "balance": entry.balance_after}


def _spend(uid: str, posting: Posting, ledger: Ledger) -> Entry:
    """Return the entry of the spend: made now, or at the key's first use."""
    ids = {"user_id": uid, "entry_id": posting.id, "tokens": -posting.amount}
    try:
        outcome = ledger.post(uid, posting)
    except (NotEnoughTokens, NotFound) as error:
        logs.info("tokens.refused", f"Spent nothing: {error.message}", reason=error.code, **ids)
        raise
    except LedgerConflict as error:
        logs.warning("tokens.refused", str(error), reason="idempotency_conflict", **ids)
        raise Conflict("idempotency_conflict", "This idempotency_key was used for another spend") from error
    if isinstance(outcome, Credited):
        sentence = f"Spent {-posting.amount} tokens of user {uid}"
        logs.info("tokens.spent", sentence, balance_after=outcome.entry.balance_after, **ids)
        return outcome.entry
    logs.info("tokens.duplicate", f"{posting.id} already processed - skipping duplicate", **ids)
    assert outcome.entry is not None  # noqa: S101 - for mypy: a posting that was made before has its entry
    return outcome.entry


@cache
def parts() -> tuple[Ledger]:
    """Build what the handler needs, at the first request."""
    return (Ledger(firestore.Client(project=SETTINGS.project)),)
