"""Called by Cloud Scheduler: compare the ledger with Stripe, both ways, and balances with their entries.

An event whose effect is missing goes back on the topic, where it is processed like any other: nothing is credited here.
A call works for a while, saves how far it got, and the next one continues. Two at once do no harm.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import functions_framework
from flask import Request

from shared.adapters import pubsub
from shared.adapters.firestore.audit import LedgerAudit
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.google_identity import Admission
from shared.adapters.pubsub import EventPublisher
from shared.adapters.stripe_api import StripeGateway, connect_stripe
from shared.domain.alert import Alert
from shared.domain.buyer import Buyer, resolve_buyer
from shared.domain.entry import Entry
from shared.domain.errors import LedgerRefused, StripeRefused, Unavailable
from shared.domain.messages import READ_FROM_STRIPE
from shared.domain.purchase import TOKEN_PACKAGE, NotOurs
from shared.domain.reconciliation import (
    ExpectedFailure,
    ExpectedPurchase,
    ExpectedReversal,
    Payment,
    ReconcileRequest,
    Report,
    begin,
    days_to_check,
    expectation_of,
    payment_of,
    request_of,
)
from shared.domain.stripe_events import TOKEN_EVENTS
from shared.runtime import http, logs, settings
from shared.runtime.catalog_file import load_catalog

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY", private=True)
CATALOG = load_catalog(SETTINGS.catalog)
ADMISSION = Admission(SETTINGS.callers, on_cloud_run=SETTINGS.on_cloud_run)
_SHOWN_MAX = 20
_PAGE = 300


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses; `seconds` is a clock that only rises."""

    ledger: Ledger
    gateway: StripeGateway
    publisher: EventPublisher
    seconds: Callable[[], float] = time.monotonic

    @property
    def audit(self) -> LedgerAudit:
        """The ledger's books."""
        return LedgerAudit(self.ledger.store)


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project, admit=ADMISSION.check)
def reconcile(request: Request) -> dict[str, Any]:
    """Answer with what this call did, and whether the pass is done."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> dict[str, Any]:
    """Continue the last pass or start a new one: Stripe's events, the ledger's purchases, a share of the accounts."""
    # Cloud Scheduler sends no body.
    wanted = request_of(http.json_object(request) if request.content_length else {})
    report = begin(using.audit.last_report(), wanted.days, datetime.now(UTC))
    deadline = using.seconds() + wanted.budget_s
    reconciliation = Reconciliation(using, report, is_late=lambda: using.seconds() >= deadline)
    done = False
    try:
        done = reconciliation.run(wanted)
    finally:  # progress is saved even when a part fails: the next call continues from here
        now = datetime.now(UTC)
        using.audit.add_report(f"{now:%Y-%m-%d}", report.saved(now, done=done))
    result = {
        "done": done,
        "settled": reconciliation.settled,
        "events": report.events,
        "republished": report.republished,
        "purchases_checked": report.purchases_checked,
        "unknown_purchases": list(report.unknown_purchases[:_SHOWN_MAX]),
        "users_checked": report.users_checked,
        "drifted": list(report.drifted[:_SHOWN_MAX]),
    }
    sentence = (
        f"Put {report.republished} of {report.events} events back, "
        f"checked {report.purchases_checked} purchases and {report.users_checked} users"
    )
    logs.info("reconcile.finished" if done else "reconcile.paused", sentence, **result)
    return result


@dataclass
class Reconciliation:
    """The work of one call. `report` says how far it got; `is_late` tells when to stop."""

    using: Dependencies
    report: Report
    is_late: Callable[[], bool]
    checked: set[str] = field(default_factory=set)
    payments: dict[str, Payment] = field(default_factory=dict)  # by session, as the events of this call show them
    settled: int = 0

    def run(self, wanted: ReconcileRequest) -> bool:
        """Do what there is time for; tell whether the pass is done."""
        self.settled = self._settle_accounts()
        return (
            (self.report.events_done or self._read_events())
            and (self.report.purchases_done or self._check_purchases())
            and self._check_share(wanted.users)
        )

    def _settle_accounts(self) -> int:
        """Let expire what has expired in accounts that nobody changes; return how many were looked at."""
        settled = 0
        for uid in self.using.audit.due(datetime.now(UTC), _PAGE):
            if self.is_late():
                break
            try:
                self.using.ledger.settle(uid)
                settled += 1
            except Unavailable as error:
                if error.code != "account_busy":  # whoever keeps it busy settles it
                    raise
            except LedgerRefused as error:  # the other accounts are still settled
                logs.error("reconcile.skipped", f"Could not settle the account of user {uid}", cause=error, user_id=uid)
        return settled

    def _read_events(self) -> bool:
        report = self.report
        for event in self.using.gateway.events(TOKEN_EVENTS, since=report.since, after=report.last_event):
            try:
                uid, is_missing = self._effect_of(event)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one event, the others are still checked
                ids = {"event_id": event["id"], "event_type": event["type"]}
                logs.error("reconcile.skipped", f"Could not tell whose {event['type']} this is", cause=error, **ids)
                uid, is_missing = None, False
            if is_missing:
                self._republish(event)
            if uid is not None:
                self._check_balance(uid)
            report.events += 1
            report.last_event = event["id"]
            if self.is_late():
                return False
        report.events_done = True
        return True

    def _check_purchases(self) -> bool:
        """Alert on purchases of the last days that Stripe does not confirm: somebody forged their events."""
        report, audit = self.report, self.using.audit
        for day in days_to_check(report):
            more = True
            while more:
                page = audit.purchases_on(day, after=report.last_purchase_on(day), limit=_PAGE)
                for entry in page:
                    self._check_purchase(entry)
                    report.purchases_checked += 1
                    report.last_purchase = f"{day}/{entry.id}"
                    if self.is_late():
                        return False
                more = len(page) == _PAGE
        report.purchases_done = True
        return True

    def _check_purchase(self, entry: Entry) -> None:
        session_id = entry.details["stripeSessionId"]
        payment = self.payments.get(session_id)
        if payment is None:
            try:
                payment = payment_of(self.using.gateway.session(session_id))
            except StripeRefused as error:  # the other purchases are still checked
                sentence = f"Could not ask Stripe about session {session_id}"
                logs.error("reconcile.skipped", sentence, cause=error, session_id=session_id)
                return
        if payment is None or not payment.is_of(entry):
            self._alert_unknown(entry.uid, session_id, entry.amount)

    def _check_share(self, users: int) -> bool:
        report = self.report
        share = self.using.audit.uids_after(report.last_user, users)
        for uid in share:
            self._check_balance(uid)
            report.last_user = uid
            if self.is_late():
                return False
        if len(share) < users:
            report.last_user = None  # the next pass starts with the first account again
        return True

    def _effect_of(self, event: Mapping[str, Any]) -> tuple[str | None, bool]:
        """Return the user whom an event concerns, and whether the ledger lacks its effect."""
        ledger, audit, gateway = self.using.ledger, self.using.audit, self.using.gateway
        expected = expectation_of(event, now=int(time.time()), catalog=CATALOG, livemode=SETTINGS.livemode)
        match expected:
            case ExpectedPurchase(session_id, payment):
                self.payments[session_id] = payment
                return payment.uid, not audit.knows_session(session_id)
            case ExpectedFailure(session_id, failed_uid):
                is_missing = expected.is_missing_from(ledger.account(failed_uid))
                return failed_uid, is_missing and not audit.knows_session(session_id)
            case ExpectedReversal(intent):
                purchase, stripe_object = ledger.purchase_of_payment(intent), event["data"]["object"]
                buyer = resolve_buyer(purchase, stripe_object, partial(gateway.metadata_of_payment, intent))
                if isinstance(buyer, NotOurs):
                    return None, False
                uid = buyer.uid if isinstance(buyer, Buyer) else None
                return uid, expected.is_missing_from(ledger.facts_of_payment(intent))
            case None:
                return None, False

    def _republish(self, event: Mapping[str, Any]) -> None:
        payload = json.dumps(event).encode()
        message_id = self.using.publisher.publish(payload, event, TOKEN_PACKAGE, source=READ_FROM_STRIPE)
        self.report.republished += 1
        sentence = f"Put {event['type']} back on the topic: the ledger lacks its effect"
        ids = {"event_id": event["id"], "event_type": event["type"], "object_id": event["data"]["object"]["id"]}
        logs.warning("reconcile.republished", sentence, message_id=message_id, **ids)

    def _alert_unknown(self, uid: str, session_id: str, tokens: int) -> None:
        self.report.unknown_purchases = (*self.report.unknown_purchases, session_id)
        sentence = f"Stripe does not confirm session {session_id}, for which user {uid} got {tokens} tokens"
        logs.error("reconcile.unknown_purchase", sentence, user_id=uid, session_id=session_id, tokens=tokens)
        evidence = {"sessionId": session_id, "tokens": tokens}
        self._raise(Alert(f"unknown_purchase:{session_id}", "unknown_purchase", "critical", uid, evidence))

    def _check_balance(self, uid: str) -> None:
        """Alert when a user's balance, the sum of the entries and what the owner sees are not the same."""
        if uid in self.checked:
            return
        self.checked.add(uid)
        check = self.using.audit.check_balance(uid)
        if check is None:
            return
        self.report.users_checked += 1
        if check.drifted:
            self.report.drifted = (*self.report.drifted, uid)
            balance, total, shown = check.balance, check.sum_of_entries, check.shown
            sentence = f"The balance of user {uid} is {balance}, the sum of the entries {total}, the owner sees {shown}"
            sentence = "; ".join((sentence, *check.faults))
            logs.error("ledger.drift", sentence, user_id=uid, balance=balance, sum_of_entries=total, shown=shown)
            today = f"{datetime.now(UTC):%Y-%m-%d}"  # one alert per day: yesterday's may be closed
            evidence = {"balance": balance, "sumOfEntries": total, "shown": shown, "faults": list(check.faults)}
            self._raise(Alert(f"drift:{uid}:{today}", "ledger_drift", "critical", uid, evidence))

    def _raise(self, alert: Alert) -> None:
        if self.using.ledger.raise_alert(alert):
            logs.alerts((alert,), user_id=alert.uid)


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first call."""
    return Dependencies(
        connect_ledger(SETTINGS.project),
        connect_stripe(SETTINGS.stripe_secret_key, api_base=SETTINGS.stripe_api_base),
        EventPublisher(pubsub.connect(), SETTINGS.project),
    )
