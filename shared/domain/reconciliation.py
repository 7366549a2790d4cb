"""What a reconciliation looks for: the effect that an event must have had, and how far a pass has got. Pure.

A pass reads Stripe's events, newest first, and then checks a share of the accounts. It may need several calls: each
continues where the report of the previous one ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.account import Account
from shared.domain.catalog import Catalog
from shared.domain.entry import Entry
from shared.domain.errors import BadInput
from shared.domain.payment_events import fact_of
from shared.domain.payment_facts import Fact, PaymentFacts
from shared.domain.purchase import TOKEN_PACKAGE, Hold, Purchase, assess_session, buyer_in
from shared.domain.session_fields import metadata_of
from shared.domain.stripe_events import purchase_type_of

_NAMED_MAX = 100  # uids and sessions that a day's report names
_PURCHASE_DAYS = 2  # today's purchases and yesterday's


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """How many days to look back, how many seconds to work, and how many more accounts to check."""

    days: int
    budget_s: int
    users: int


@dataclass(frozen=True, slots=True)
class Payment:
    """What Stripe says of a paid session: whose it is (None when it names no buyer), for what, and how much."""

    uid: str | None
    tokens: str | None
    cents: int | None
    currency: str | None

    def is_of(self, purchase: Entry) -> bool:
        """Tell whether it paid for a purchase of the ledger; an operator may have released that to somebody else."""
        details = purchase.details
        claimed = (purchase.uid, str(purchase.amount), details["paymentAmountCents"], details["currency"])
        return purchase.released or (self.uid, self.tokens, self.cents, self.currency) == claimed


@dataclass(frozen=True, slots=True)
class ExpectedPurchase:
    """The event is about a paid session: it must be credited or held."""

    session_id: str
    payment: Payment


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """The event says that a delayed payment failed: the buyer's page must say so."""

    session_id: str
    uid: str

    def is_missing_from(self, account: Account) -> bool:
        """Tell whether the account of an uncredited session lacks it."""
        return account.open_state(self.session_id) in (None, "waiting")


@dataclass(frozen=True, slots=True)
class ExpectedReversal:
    """The event states a fact about a payment's refunds or disputes: the payment's record must have it."""

    payment_intent_id: str
    fact: Fact

    def is_missing_from(self, facts: PaymentFacts) -> bool:
        """Tell whether the record would learn something."""
        return facts.learn(self.fact) != facts


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """An account's balance, the sum of its entries, and the balance that its owner sees, in tokens, at one moment.

    `faults` say where its lots, its reservations or the owner's view do not agree with what is recorded of them.
    """

    balance: int
    sum_of_entries: int
    shown: int
    faults: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether they differ, which no code of this project can cause."""
        return bool(self.faults) or not self.balance == self.sum_of_entries == self.shown


@dataclass(slots=True)
class Report:
    """How far a pass has got, and what was done: in one call, or added up over those of a day.

    `last_event` is the last event of the pass that was checked, `last_purchase` the last purchase (`day/entry id`),
    `last_user` the last account: the next call continues after them, and accounts are checked in rotation from pass to
    pass. Times are UTC.
    """

    started_at: datetime
    days: int
    last_user: str | None = None
    last_event: str | None = None
    events_done: bool = False
    saved_at: datetime | None = None
    finished_at: datetime | None = None
    last_purchase: str | None = None
    purchases_done: bool = False
    events: int = 0
    republished: int = 0
    purchases_checked: int = 0
    unknown_purchases: tuple[str, ...] = ()
    users_checked: int = 0
    drifted: tuple[str, ...] = ()

    @property
    def since(self) -> int:
        """The creation time of the oldest event that the pass checks, UTC seconds."""
        return int((self.started_at - timedelta(days=self.days)).timestamp())

    def last_purchase_on(self, day: str) -> str | None:
        """Return the id of the last purchase entry of a day that was checked, None when none was."""
        checked_on, _, id_ = (self.last_purchase or "").partition("/")
        return id_ if checked_on == day else None

    def saved(self, now: datetime, *, done: bool) -> "Report":
        """Return the report as it is saved at the end of a call."""
        return replace(self, saved_at=now, finished_at=now if done else None)

    def after(self, earlier: "Report | None") -> "Report":
        """Return the day's report: how far this call got, and what it and the day's earlier ones did."""
        if earlier is None:
            return self
        return replace(
            self,
            events=earlier.events + self.events,
            republished=earlier.republished + self.republished,
            purchases_checked=earlier.purchases_checked + self.purchases_checked,
            unknown_purchases=_union(earlier.unknown_purchases, self.unknown_purchases),
            users_checked=earlier.users_checked + self.users_checked,
            drifted=_union(earlier.drifted, self.drifted),
        )


def request_of(body: Mapping[str, Any]) -> ReconcileRequest:
    """Return what a caller asks for: `{"days": 1..30, "budget_s": 1..3600, "users": 0..10000}`, all optional.

    Stripe keeps events for 30 days. Source: https://docs.stripe.com/api/events

    Raises:
        BadInput: a value is not a whole number within its bounds; the code names it.
    """

    def number(name: str, default: int, least: int, most: int) -> int:
        value = body.get(name, default)
        if type(value) is not int or not least <= value <= most:
            raise BadInput(f"invalid_{name}", f"{name} must be a whole number from {least} to {most}")
        return value

    return ReconcileRequest(
        days=number("days", 3, 1, 30),
        budget_s=number("budget_s", 240, 1, 3_600),
        users=number("users", 500, 0, 10_000),
    )


def begin(last: Report | None, days: int, now: datetime) -> Report:
    """Return the report of a call before it has done anything: it continues the last pass or starts a new one."""
    if last is None:
        return Report(now, days)
    if last.finished_at is None and last.days == days:
        return Report(
            last.started_at,
            days,
            last.last_user,
            last.last_event,
            last.events_done,
            last_purchase=last.last_purchase,
            purchases_done=last.purchases_done,
        )
    return Report(now, days, last.last_user)


def days_to_check(report: Report) -> list[str]:
    """Return the days (UTC, YYYY-MM-DD) whose purchases the pass still has to check, oldest first."""
    newest = report.started_at.date()
    days = [(newest - timedelta(days=back)).isoformat() for back in reversed(range(_PURCHASE_DAYS))]
    reached = (report.last_purchase or "").partition("/")[0]
    return [day for day in days if day >= reached]


def _union(earlier: tuple[str, ...], later: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*earlier, *later)))[:_NAMED_MAX]


def expectation_of(
    event: Mapping[str, Any], *, now: int, catalog: Catalog, livemode: bool
) -> ExpectedPurchase | ExpectedFailure | ExpectedReversal | None:
    """Return what the ledger must hold because of an event, None when it expects nothing.

    Raises:
        MalformedMessage: the event's object lacks a field.
    """
    if purchase_type_of(event) != TOKEN_PACKAGE or event["livemode"] is not livemode:
        return None
    stripe_object = event["data"]["object"]
    match event["type"]:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            assessed = assess_session(
                stripe_object, paid_at=event["created"], now=now, catalog=catalog, livemode=livemode
            )
            payment = payment_of(stripe_object) if isinstance(assessed, Purchase | Hold) else None
            return ExpectedPurchase(stripe_object["id"], payment) if payment else None
        case "checkout.session.async_payment_failed":
            uid = buyer_in(metadata_of(stripe_object))
            return ExpectedFailure(stripe_object["id"], uid) if uid else None
    fact = fact_of(event)
    return ExpectedReversal(*fact) if fact else None


def payment_of(session: Mapping[str, Any] | None) -> Payment | None:
    """Return the payment of a session as Stripe reports it, None when there is no such session or it is not paid."""
    if session is None or session.get("payment_status") == "unpaid":
        return None
    metadata = metadata_of(session)
    return Payment(buyer_in(metadata), metadata.get("tokens"), session.get("amount_total"), session.get("currency"))
