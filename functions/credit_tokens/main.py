"""Called by Pub/Sub for each event of a token purchase: credit it once, hold it, reverse it, or leave it alone.

200 takes the message off the subscription. Transient faults are answered 503, so that Pub/Sub delivers again; permanent
ones are recorded and acknowledged.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, assert_never

import functions_framework
from flask import Request

from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.google_identity import Admission
from shared.adapters.time_limit import STRIPE_S, time_limit
from shared.domain import messages
from shared.domain.alert import Alert
from shared.domain.buyer import Buyer, UnknownBuyer, resolve_buyer
from shared.domain.catalog import Catalog
from shared.domain.crediting import AlreadyHeld, Credited, Duplicate, Held
from shared.domain.errors import LedgerConflict, LedgerRefused, MalformedMessage, Unavailable
from shared.domain.payment_events import fact_of
from shared.domain.payment_facts import Fact
from shared.domain.purchase import TOKEN_PACKAGE, AwaitingPayment, Hold, NotOurs, Purchase, assess_session, buyer_in
from shared.domain.reversing import Noted, NothingNew, Reversed
from shared.domain.session_fields import metadata_of
from shared.domain.stripe_events import purchase_type_of
from shared.runtime import http, logs, settings
from shared.runtime.catalog_file import load_catalog

if TYPE_CHECKING:
    from shared.adapters.stripe_api import StripeGateway

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY", private=True)
CATALOG = load_catalog(SETTINGS.catalog)
ADMISSION = Admission(SETTINGS.callers, on_cloud_run=SETTINGS.on_cloud_run)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses. Stripe is connected to only when a reversal's payment is unknown to the ledger."""

    ledger: Ledger
    gateway: Callable[[], "StripeGateway"]
    catalog: Catalog = CATALOG


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project, admit=ADMISSION.check)
def credit_tokens(request: Request) -> dict[str, Any]:
    """Handle one push delivery of the subscription `credit-tokens`."""
    with time_limit(STRIPE_S):
        return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Read the event and do what its type asks for."""
    try:
        message = messages.read_push(http.read_body(request, messages.PUSH_MAX_BYTES))
        event = message.event
        if purchase_type_of(event) != TOKEN_PACKAGE:
            return {"outcome": "ignored"}
        match event["type"]:
            case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
                return {"outcome": _complete(event, using, genuine=message.is_genuine)}
            case "checkout.session.async_payment_failed":
                return {"outcome": _note_failure(event, using.ledger)}
            case _:
                fact = fact_of(event)
                return {"outcome": _reverse(event, *fact, using) if fact else "ignored"}
    except MalformedMessage as error:
        logs.error("event.malformed", f"Dropped a message that cannot be read: {error}", cause=error)
        return {"outcome": "malformed"}


def _complete(event: Mapping[str, Any], using: Dependencies, *, genuine: bool) -> str:
    session = event["data"]["object"]
    assessed = assess_session(
        session, paid_at=event["created"], now=int(time.time()), catalog=using.catalog, livemode=SETTINGS.livemode
    )
    ids = {"event_id": event["id"], "session_id": session["id"]}
    match assessed:
        case NotOurs():
            return "ignored"
        case AwaitingPayment(session_id, uid):
            if uid is not None:
                using.ledger.set_open_purchase(uid, session_id, "waiting")
            logs.info("purchase.waiting", f"Session {session_id} waits for its payment", user_id=uid, **ids)
            return "waiting"
        case Hold():
            return _record(partial(using.ledger.hold, assessed), assessed, "a held purchase of", event, using.ledger)
        case Purchase():
            what = f"{assessed.tokens} tokens to"
            logs.info(
                "purchase.processing",
                f"Starting token purchase processing - Package: {assessed.package_id}, Tokens: {assessed.tokens} - "
                f"Crediting {what} user {assessed.uid}",
                user_id=assessed.uid,
                package_id=assessed.package_id,
                **ids,
            )
            credit = partial(using.ledger.credit, assessed, SETTINGS.limits, genuine=genuine)
            return _record(credit, assessed, what, event, using.ledger)
        case _:
            assert_never(assessed)


def _record(
    act: Callable[[], Credited | Duplicate | Held | AlreadyHeld],
    assessed: Purchase | Hold,
    what: str,
    event: Mapping[str, Any],
    ledger: Ledger,
) -> str:
    """Credit or hold a purchase, log the outcome, and return its name."""
    ids = {"event_id": event["id"], "session_id": assessed.session_id, "user_id": assessed.uid}
    try:
        outcome = act()
    except LedgerConflict as error:
        return _conflict(error, event, ledger, ids)
    except (Unavailable, LedgerRefused) as error:
        sentence = f"Failed to credit {what} user {assessed.uid}"
        logs.error("purchase.failed", sentence, cause=error, code=error.code, **ids)
        raise
    match outcome:
        case Credited(entry):
            logs.info(
                "purchase.credited",
                f"Successfully added {entry.amount} tokens to user {entry.uid} - Recorded transaction: {entry.id}",
                package_id=entry.details["packageId"],
                tokens=entry.amount,
                balance_after=entry.balance_after,
                seconds_since_payment=max(0, round(time.time() - event["created"], 3)),
                **ids,
            )
            return "credited"
        case Duplicate():
            sentence = f"Session {assessed.session_id} already processed - skipping duplicate"
            logs.info("purchase.duplicate", sentence, **ids)
            return "duplicate"
        case Held(hold, alert):
            logs.warning("purchase.held", hold.message, reason=hold.reason.value, **ids)
            logs.alerts((alert,), **ids)
            return "held"
        case AlreadyHeld(session_id):
            logs.info("purchase.duplicate", f"Session {session_id} already held - skipping duplicate", **ids)
            return "held"


def _note_failure(event: Mapping[str, Any], ledger: Ledger) -> str:
    """Record that a delayed payment failed: the buyer's page says why there are no tokens."""
    session = event["data"]["object"]
    uid = buyer_in(metadata_of(session))
    if uid is None:
        return "ignored"
    ledger.set_open_purchase(uid, session["id"], "failed")
    logs.warning(
        "purchase.payment_failed",
        f"The delayed payment of session {session['id']} failed",
        session_id=session["id"],
        user_id=uid,
    )
    return "payment_failed"


def _reverse(event: Mapping[str, Any], payment: str, fact: Fact, using: Dependencies) -> str:
    """Take back, or give back, what a refund or dispute is about."""
    purchase = using.ledger.purchase_of_payment(payment)
    buyer = resolve_buyer(purchase, event["data"]["object"], lambda: using.gateway().metadata_of_payment(payment))
    if isinstance(buyer, NotOurs):
        return "ignored"
    uid = buyer.uid if isinstance(buyer, Buyer) else None
    ids = {"event_id": event["id"], "payment_intent_id": payment, "user_id": uid}
    try:
        match buyer:
            case Buyer(uid):
                outcome = using.ledger.reverse(uid, payment, fact)
            case UnknownBuyer():
                outcome = using.ledger.note_fact(payment, fact)
    except LedgerConflict as error:
        return _conflict(error, event, using.ledger, ids)
    what = f"{event['type']} of {payment}"
    if not isinstance(outcome, NothingNew):
        logs.alerts(outcome.alerts, **ids)
    match outcome:
        case NothingNew():
            logs.info("reversal.duplicate", f"{what} already processed - skipping duplicate", **ids)
            return "duplicate"
        case Noted() if uid is None:
            logs.warning("reversal.unknown_buyer", f"{what}, whose purchase names no buyer", **ids)
            return "unknown_buyer"
        case Noted():
            logs.info("reversal.noted", f"{what} noted - it changes no balance now", **ids)
            return "noted"
        case Reversed(entry=entry):
            logs.warning(
                f"reversal.{entry.type}",
                f"Recorded transaction: {entry.type} of {entry.amount} tokens for user {uid}",
                entry_id=entry.id,
                tokens=entry.amount,
                balance_after=entry.balance_after,
                **ids,
            )
            return "reversed"


def _conflict(error: LedgerConflict, event: Mapping[str, Any], ledger: Ledger, ids: Mapping[str, Any]) -> str:
    """Record that an entry exists with other contents: redelivery would not help, an operator has to look."""
    logs.error("ledger.conflict", str(error), cause=error, **ids)
    object_id = event["data"]["object"]["id"]
    evidence = {"sessionId": object_id, "eventId": event["id"], "entryId": error.entry_id, "message": str(error)}
    alert = Alert(f"conflict:{event['id']}", "ledger_conflict", "critical", ids["user_id"], evidence)
    if ledger.raise_alert(alert):
        logs.alerts((alert,), **ids)
    return "conflict"


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first delivery."""

    @cache
    def gateway() -> "StripeGateway":
        # Imported at its first use: credits never ask Stripe, and its SDK would slow down every cold start.
        from shared.adapters.stripe_api import connect_stripe  # noqa: PLC0415

        return connect_stripe(SETTINGS.stripe_secret_key, api_base=SETTINGS.stripe_api_base)

    return Dependencies(connect_ledger(SETTINGS.project), gateway)
