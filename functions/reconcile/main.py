"""Called by Cloud Scheduler: find what the ledger lacks of Stripe's events, and whether balances are what entries say.

An event whose effect is missing goes back on the topic, where it takes the way of any other: nothing is credited here.
A call works for a while, keeps where it got to, and the next one goes on from there. Two at once do no harm.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore

from shared.adapters import pubsub
from shared.adapters.firestore.audit import AuditedLedger
from shared.adapters.pubsub import EventPublisher
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_api import StripeGateway
from shared.domain.errors import StripeRefused
from shared.domain.purchase import TOKEN_PACKAGE, payer_of
from shared.domain.reconciliation import NotComing, Paid, Report, Told, Wanted, begin, claim_of, wanted_of
from shared.domain.stripe_events import TOKEN_EVENTS
from shared.runtime import http, logs, settings
from shared.runtime.catalog_file import load_catalog

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY")
CATALOG = load_catalog(SETTINGS.catalog)
_DRIFTED_SHOWN = 20


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project)
def reconcile(request: Request) -> dict[str, Any]:
    """Answer with what this call did, and whether the pass is done."""
    return handle(request, *parts())


def handle(
    request: Request,
    ledger: AuditedLedger,
    gateway: StripeGateway,
    bus: EventPublisher,
    *,
    seconds: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Go on with the last pass or begin one: the events first, then a share of the users."""
    # Cloud Scheduler sends no body.
    wanted = wanted_of(http.json_object(request) if request.content_length else {})
    report = begin(ledger.last_report(), wanted.days, datetime.now(UTC))
    deadline = seconds() + wanted.budget_s
    reconciliation = Reconciliation(ledger, gateway, bus, report, late=lambda: seconds() >= deadline)
    done = False
    try:
        done = reconciliation.run(wanted)
    finally:  # what was reached is kept also when something goes away meanwhile: the next call goes on from there
        now = datetime.now(UTC)
        ledger.add_report(f"{now:%Y-%m-%d}", report.saved(now, done=done))
    result = {
        "done": done,
        "events": report.events,
        "republished": report.republished,
        "users_checked": report.users_checked,
        "drifted": list(report.drifted[:_DRIFTED_SHOWN]),
    }
    sentence = f"Put {report.republished} of {report.events} events back, checked {report.users_checked} users"
    logs.info("reconcile.finished" if done else "reconcile.paused", sentence, **result)
    return result


class Reconciliation:
    """One call's work. `report` says how far it got; `late` tells when to stop."""

    def __init__(
        self,
        ledger: AuditedLedger,
        gateway: StripeGateway,
        bus: EventPublisher,
        report: Report,
        late: Callable[[], bool],
    ) -> None:
        self._ledger, self._gateway, self._bus = ledger, gateway, bus
        self._report, self._late = report, late
        self._met: set[str] = set()  # no more than a call has time to check

    def run(self, wanted: Wanted) -> bool:
        """Do what there is time for; tell whether the pass is done."""
        return (self._report.events_done or self._look_at_events()) and self._check_share(wanted.users)

    def _look_at_events(self) -> bool:
        report = self._report
        for event in self._gateway.events(TOKEN_EVENTS, since=report.since, after=report.last_event):
            try:
                uid, lost = self._effect_of(event)
            except StripeRefused as error:  # the others are looked at all the same
                ids = {"event_id": event["id"], "event_type": event["type"]}
                logs.error("reconcile.skipped", f"Stripe refused to say whose {event['type']} is", cause=error, **ids)
                uid, lost = None, False
            if lost:
                self._republish(event)
            if uid is not None:
                self._check(uid)
            report.events += 1
            report.last_event = event["id"]
            if self._late():
                return False
        report.events_done = True
        return True

    def _check_share(self, users: int) -> bool:
        report = self._report
        share = self._ledger.users_after(report.last_user, users)
        for uid in share:
            self._check(uid)
            report.last_user = uid
            if self._late():
                return False
        if len(share) < users:
            report.last_user = None  # the next pass begins with the first user again
        return True

    def _effect_of(self, event: Mapping[str, Any]) -> tuple[str | None, bool]:
        """Return the user an event concerns, and whether the ledger lacks its effect."""
        match claim_of(event, catalog=CATALOG, livemode=SETTINGS.livemode):
            case Paid(session_id, uid):
                return uid, not self._ledger.knows_session(session_id)
            case NotComing(session_id, uid) as claim:
                return uid, claim.is_lost_on(self._ledger.account(uid)) and not self._ledger.knows_session(session_id)
            case Told(payment, _) as claim:
                purchase, told = self._ledger.purchase_of_payment(payment), event["data"]["object"]
                payer = payer_of(purchase, told, partial(self._gateway.metadata_of_payment, payment))
                return payer, payer is not None and claim.is_lost_on(self._ledger.account(payer))
            case None:
                return None, False

    def _republish(self, event: Mapping[str, Any]) -> None:
        message_id = self._bus.publish(json.dumps(event).encode(), event, TOKEN_PACKAGE)
        self._report.republished += 1
        sentence = f"Put {event['type']} back on the topic: the ledger lacks its effect"
        ids = {"event_id": event["id"], "event_type": event["type"], "object_id": event["data"]["object"]["id"]}
        logs.warning("reconcile.republished", sentence, message_id=message_id, **ids)

    def _check(self, uid: str) -> None:
        """Alert when a user's balance is not the sum of the entries."""
        if uid in self._met:
            return
        self._met.add(uid)
        audit = self._ledger.audit(uid)
        if audit is None:
            return
        self._report.users_checked += 1
        if audit.drifted:
            self._report.drifted = (*self._report.drifted, uid)
            seen = {"balance": audit.balance, "sumOfEntries": audit.entries}
            sentence = f"The balance of user {uid} is {audit.balance}, the sum of the entries {audit.entries}"
            logs.error("ledger.drift", sentence, user_id=uid, balance=audit.balance, sum_of_entries=audit.entries)
            today = f"{datetime.now(UTC):%Y-%m-%d}"  # an alert a day: yesterday's may be closed
            self._ledger.alert(f"drift:{uid}:{today}", type_="ledger_drift", severity="critical", uid=uid, seen=seen)


@cache
def parts() -> tuple[AuditedLedger, StripeGateway, EventPublisher]:
    """Build what the handler needs, at the first call."""
    key = partial(SecretStore().get, SETTINGS.stripe_secret_key)
    return (
        AuditedLedger(firestore.Client(project=SETTINGS.project)),
        StripeGateway(key, api_base=SETTINGS.stripe_api_base),
        EventPublisher(pubsub.connect(), SETTINGS.project),
    )
