"""The first version's spend_tokens."""

import os
from functools import cache
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore

from bench.baselines.queue.ledger import QueueLedger


@functions_framework.http
def queue_spend(request: Request) -> dict[str, Any]:
    """Spend what the body says, in spend_tokens' format."""
    body = request.get_json()
    entry = _ledger().spend(body["user_id"], body["idempotency_key"], body["amount"])
    print(f"tokens.spent {entry.id}", flush=True)  # noqa: T201 - one log line per request, as it was
    return {"success": True, "balance": entry.balance_after}


@cache
def _ledger() -> QueueLedger:
    return QueueLedger(firestore.Client(project=os.environ["GOOGLE_CLOUD_PROJECT"]))
