"""GET /api/tokens/transactions: the signed-in user's history, newest first."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firebase_auth import Identity
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.domain.errors import BadInput
from shared.runtime import http, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")
_LIMIT_MAX = 100
_OFFSET_MAX = 1_000  # Firestore bills every entry that is skipped


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    identity: Identity
    ledger: Ledger


@functions_framework.http
@http.endpoint("GET", origins=SETTINGS.allowed_origins, project=SETTINGS.project)
def list_transactions(request: Request) -> dict[str, Any]:
    """Answer with a page of entries; `next_cursor` is null when the page is not full."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Read a page of the signed-in user's history."""
    user = using.identity.user_of(request.headers.get("Authorization"), request.headers.get("X-Firebase-AppCheck"))
    limit = http.whole_number(request, "limit", default=20, least=1, most=_LIMIT_MAX)
    offset = http.whole_number(request, "offset", default=0, least=0, most=_OFFSET_MAX)
    cursor = request.args.get("cursor")
    if cursor is not None and "offset" in request.args:
        raise BadInput("cursor_and_offset", "Send a cursor or an offset, not both")
    page = using.ledger.transactions(user.uid, limit=limit, offset=offset, cursor=cursor)
    return {
        "transactions": [entry.as_json() for entry in page.entries],
        "limit": limit,
        "offset": offset,
        "next_cursor": page.next_cursor,
    }


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(Identity(SETTINGS.project, app_check=SETTINGS.app_check), connect_ledger(SETTINGS.project))
