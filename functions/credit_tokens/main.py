"""Called by Pub/Sub for each event of a token purchase: credit it once, hold it, take it back, or leave it.

200 takes the message off the subscription. What may pass by itself is answered 503, so that Pub/Sub delivers again;
what never will is recorded and acknowledged.
"""

import time
from collections.abc import Mapping
from functools import cache, partial
from typing import Any, assert_never

import functions_framework
from flask import Request
from google.cloud import firestore

from shared.adapters.firestore.ledger import Credited, Duplicate, Held, Ledger, Reversed
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_api import StripeGateway
from shared.domain import messages
from shared.domain.catalog import Catalog
from shared.domain.entry import Entry
from shared.domain.errors import LedgerConflict, MalformedMessage, Unavailable
from shared.domain.purchase import (
    TOKEN_PACKAGE,
    Hold,
    NotOurs,
    NotPaidYet,
    Purchase,
    buyer_of,
    is_ours,
    judge,
    payer_of,
)
from shared.domain.reversal import Disputed, Fact, RefundFailed, fact_of
from shared.runtime import http, logs, settings
from shared.runtime.catalog_file import load_catalog

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY")
CATALOG = load_catalog(SETTINGS.catalog)


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def credit_tokens(request: Request) -> dict[str, Any]:
    """Take one push delivery of the subscription `credit-tokens`."""
    return handle(request, *parts(), CATALOG)


def handle(request: Request, ledger: Ledger, gateway: StripeGateway, catalog: Catalog) -> dict[str, Any]:
    """Read the event and do what its type asks for."""
    try:
        message = messages.read_push(http.read_body(request, messages.PUSH_MAX_BYTES))
    except MalformedMessage as error:
        logs.error("event.malformed", "Dropped a message that is no Stripe event", cause=error)
        return {"outcome": "malformed"}
    event = message.event
    match event["type"]:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            return {"outcome": _completed(event, ledger, catalog)}
        case "checkout.session.async_payment_failed":
            return {"outcome": _payment_failed(event, ledger)}
        case _:
            told = fact_of(event)
            return {"outcome": _reverse(event, *told, ledger, gateway) if told else "ignored"}


def _completed(event: Mapping[str, Any], ledger: Ledger, catalog: Catalog) -> str:
    session = event["data"]["object"]
    verdict = judge(session, paid_at=event["created"], catalog=catalog, livemode=SETTINGS.livemode)
    match verdict:
        case NotOurs():
            return "ignored"
        case NotPaidYet(session_id, uid):
            if uid is not None:
                ledger.note_unpaid(uid, session_id, "waiting")
            logs.info(
                "purchase.waiting", f"Session {session_id} waits for its payment", session_id=session_id, user_id=uid
            )
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


def _payment_failed(event: Mapping[str, Any], ledger: Ledger) -> str:
    """Keep that a delayed payment did not come: the buyer's page says why there are no tokens."""
    session = event["data"]["object"]
    metadata = session.get("metadata") or {}
    uid = buyer_of(metadata)
    if metadata.get("purchase_type") != TOKEN_PACKAGE or uid is None:
        return "ignored"
    ledger.note_unpaid(uid, session["id"], "failed")
    logs.warning(
        "purchase.payment_failed",
        f"The delayed payment of session {session['id']} failed",
        session_id=session["id"],
        user_id=uid,
    )
    return "payment_failed"


def _reverse(event: Mapping[str, Any], payment: str, fact: Fact, ledger: Ledger, gateway: StripeGateway) -> str:
    """Take back, or give back, what a refund or dispute is about."""
    told = event["data"]["object"]
    asked = cache(lambda: gateway.metadata_of_payment(payment))
    purchase = ledger.purchase_of_payment(payment)
    uid = payer_of(purchase, told, asked)
    if uid is None and not (is_ours(told) or is_ours({"metadata": asked()})):
        return "ignored"
    ids = {"event_id": event["id"], "payment_intent_id": payment, "user_id": uid}
    match fact:
        case Disputed(id_, cents, "open" | "lost"):
            seen = {"disputeId": id_, "disputedCents": cents, "paymentIntentId": payment}
            ledger.alert(f"dispute:{id_}", type_="dispute", severity="high", uid=uid, seen=seen)
        case RefundFailed(id_, cents) if purchase is None:  # there are no tokens to give back, only money
            seen = {"refundId": id_, "failedCents": cents, "paymentIntentId": payment}
            if ledger.alert(f"refund_failed:{id_}", type_="refund_failed", severity="high", uid=uid, seen=seen):
                sentence = f"Refund {id_} of {payment} failed, and its purchase is not credited"
                logs.warning("reversal.refund_failed", sentence, **ids)
    if uid is None:
        logs.warning("reversal.unknown_buyer", f"{event['type']} of {payment}, whose purchase names no buyer", **ids)
        return "unknown_buyer"
    match ledger.reverse(uid, payment, fact):
        case Duplicate():
            sentence = f"{event['type']} of {payment} already processed - skipping duplicate"
            logs.info("reversal.duplicate", sentence, **ids)
            return "duplicate"
        case Reversed(Entry() as entry):
            logs.warning(
                f"reversal.{entry.type}",
                f"Recorded transaction: {entry.type} of {entry.amount} tokens for user {uid}",
                entry_id=entry.id,
                tokens=entry.amount,
                balance_after=entry.balance_after,
                **ids,
            )
            return "reversed"
        case Reversed():
            logs.info("reversal.noted", f"{event['type']} of {payment} noted - it changes no balance now", **ids)
            return "noted"


@cache
def parts() -> tuple[Ledger, StripeGateway]:
    """Build what the handler needs, at the first delivery."""
    key = partial(SecretStore().get, SETTINGS.stripe_secret_key)
    return Ledger(firestore.Client(project=SETTINGS.project)), StripeGateway(key, api_base=SETTINGS.stripe_api_base)
