"""Called by Pub/Sub for each event of a token purchase: credit it once, hold it, or leave it.

200 takes the message off the subscription. What may pass by itself is answered 503, so that Pub/Sub delivers again;
what never will is recorded and acknowledged.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any, assert_never

import functions_framework
from flask import Request
from google.cloud import firestore

from shared import event_bus, http_api, logs, settings
from shared.catalog import Catalog, load_catalog
from shared.errors import LedgerConflict, MalformedMessage, Unavailable
from shared.ledger import Credited, Duplicate, Held, Ledger
from shared.purchase import Hold, NotOurs, NotPaidYet, Purchase, judge

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT")
CATALOG = load_catalog(SETTINGS.catalog)
_PUSH_MAX_BYTES = 1024 * 1024  # the webhook's 512 KiB, grown by base64 and the envelope


@functions_framework.http
@http_api.endpoint("POST", project=SETTINGS.project)
def credit_tokens(request: Request) -> dict[str, Any]:
    """Take one push delivery of the subscription `credit-tokens`."""
    return handle(request, parts(), CATALOG)


def handle(request: Request, ledger: Ledger, catalog: Catalog) -> dict[str, Any]:
    """Read the event and do what its type asks for."""
    try:
        message = event_bus.read_push(http_api.read_body(request, _PUSH_MAX_BYTES))
    except MalformedMessage as error:
        logs.error("event.malformed", "Dropped a message that is no Stripe event", cause=error)
        return {"outcome": "malformed"}
    event = message.event
    match event["type"]:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            return {"outcome": _paid(event, ledger, catalog)}
        case "checkout.session.async_payment_failed":
            return {"outcome": _payment_failed(event)}
        case _:
            return {"outcome": "ignored"}


def _paid(event: Mapping[str, Any], ledger: Ledger, catalog: Catalog) -> str:
    session = event["data"]["object"]
    verdict = judge(session, paid_at=event["created"], catalog=catalog, livemode=SETTINGS.livemode)
    match verdict:
        case NotOurs():
            return "ignored"
        case NotPaidYet():
            logs.info("purchase.waiting", f"Session {session['id']} waits for its payment", session_id=session["id"])
            return "waiting"
        case Hold() | Purchase():
            return _enter(verdict, event, ledger)
        case _:
            assert_never(verdict)


def _enter(verdict: Purchase | Hold, event: Mapping[str, Any], ledger: Ledger) -> str:
    """Enter a purchase or a hold into the ledger, and say what became of it."""
    ids = {"event_id": event["id"], "session_id": verdict.session_id, "user_id": verdict.uid}
    try:
        outcome = ledger.credit(verdict, SETTINGS.limits) if isinstance(verdict, Purchase) else ledger.hold(verdict)
    except LedgerConflict as error:
        logs.error("ledger.conflict", str(error), cause=error, **ids)
        ledger.alert(
            f"conflict:{event['id']}",
            type_="ledger_conflict",
            severity="critical",
            uid=verdict.uid,
            seen={"sessionId": verdict.session_id, "eventId": event["id"], "message": str(error)},
        )
        return "conflict"
    except Unavailable as error:
        what = f"{verdict.tokens} tokens to" if isinstance(verdict, Purchase) else "a held purchase of"
        logs.error("purchase.failed", f"Failed to credit {what} user {verdict.uid}", code=error.code, **ids)
        raise
    match outcome:
        case Credited(entry):
            logs.info(
                "purchase.credited",
                f"Successfully added {entry.amount} tokens to user {entry.uid} - Recorded transaction: {entry.id}",
                tokens=entry.amount,
                balance_after=entry.balance_after,
                seconds_since_payment=max(0, round(time.time() - event["created"], 3)),
                **ids,
            )
        case Duplicate():
            logs.info(
                "purchase.duplicate",
                f"Session {verdict.session_id} already processed - skipping duplicate",
                **ids,
            )
        case Held(hold, new):
            sentence = hold.message if new else f"Session {hold.session_id} already held - skipping duplicate"
            log = logs.warning if new else logs.info
            log("purchase.held" if new else "purchase.duplicate", sentence, reason=hold.reason.value, **ids)
    return type(outcome).__name__.lower()


def _payment_failed(event: Mapping[str, Any]) -> str:
    session_id = event["data"]["object"]["id"]
    logs.warning(
        "purchase.payment_failed", f"The delayed payment of session {session_id} failed", session_id=session_id
    )
    return "payment_failed"


@cache
def parts() -> Ledger:
    """Build what the handler needs, at the first delivery."""
    return Ledger(firestore.Client(project=SETTINGS.project))
