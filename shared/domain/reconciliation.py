"""What a reconciliation looks for: which effect an event must have had, and where a pass over all of them stands. Pure.

A pass goes through Stripe's events, newest first, and then through a share of the users. It may need several calls:
each goes on where the report of the one before ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.account import Account
from shared.domain.catalog import Catalog
from shared.domain.errors import BadInput
from shared.domain.purchase import TOKEN_PACKAGE, Hold, Purchase, buyer_of, judge
from shared.domain.reversal import Fact, Reversals, fact_of
from shared.domain.stripe_events import purchase_type_of

_DRIFTED_MAX = 100  # uids that a day's report names


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far back to look (days), how long to work (seconds), and how many more users to check."""

    days: int
    budget_s: int
    users: int


@dataclass(frozen=True, slots=True)
class Paid:
    """The event tells of a paid session: it must be credited or held. `uid` is None when it names no buyer."""

    session_id: str
    uid: str | None


@dataclass(frozen=True, slots=True)
class NotComing:
    """The event tells that a delayed payment did not come: the buyer's page must say so."""

    session_id: str
    uid: str

    def is_lost_on(self, account: Account) -> bool:
        """Tell whether the account of an uncredited session does not know it."""
        return account.open_purchases.get(self.session_id) in (None, "waiting")


@dataclass(frozen=True, slots=True)
class Told:
    """The event tells a fact of a payment's refunds or disputes: its buyer's account must know it."""

    payment_intent_id: str
    fact: Fact

    def is_lost_on(self, account: Account) -> bool:
        """Tell whether the account would learn something."""
        known = account.reversals.get(self.payment_intent_id, Reversals())
        return known.learn(self.fact) != known


@dataclass(frozen=True, slots=True)
class Audit:
    """An account's balance beside the sum of its entries, in tokens, at one moment."""

    balance: int
    entries: int

    @property
    def drifted(self) -> bool:
        """Whether they differ, which no code of this project can bring about."""
        return self.balance != self.entries


@dataclass(slots=True)
class Report:
    """Where a pass stands, and what was done: of one call, or added up over those of a day.

    `last_event` is the last event of the pass that was looked at, `last_user` the last user: the next call goes on
    behind them, and the users go on from pass to pass. Times are UTC.
    """

    started_at: datetime
    days: int
    last_user: str | None = None
    last_event: str | None = None
    events_done: bool = False
    saved_at: datetime | None = None
    finished_at: datetime | None = None
    events: int = 0
    republished: int = 0
    users_checked: int = 0
    drifted: tuple[str, ...] = ()

    @property
    def since(self) -> int:
        """The oldest creation time of an event that the pass looks at, UTC seconds."""
        return int((self.started_at - timedelta(days=self.days)).timestamp())

    def saved(self, now: datetime, *, done: bool) -> "Report":
        """Return the report as it is kept at the end of a call."""
        return replace(self, saved_at=now, finished_at=now if done else None)

    def after(self, earlier: "Report | None") -> "Report":
        """Return the day's report: where this call got to, and what it and the day's earlier ones did."""
        if earlier is None:
            return self
        return replace(
            self,
            events=earlier.events + self.events,
            republished=earlier.republished + self.republished,
            users_checked=earlier.users_checked + self.users_checked,
            drifted=tuple(dict.fromkeys((*earlier.drifted, *self.drifted)))[:_DRIFTED_MAX],
        )


def wanted_of(body: Mapping[str, Any]) -> Wanted:
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

    return Wanted(
        days=number("days", 3, 1, 30),
        budget_s=number("budget_s", 240, 1, 3_600),
        users=number("users", 500, 0, 10_000),
    )


def begin(last: Report | None, days: int, now: datetime) -> Report:
    """Return the report of a call before it has done anything: it goes on with the last pass, or begins one."""
    if last is None:
        return Report(now, days)
    if last.finished_at is None and last.days == days:
        return Report(last.started_at, days, last.last_user, last.last_event, last.events_done)
    return Report(now, days, last.last_user)


def claim_of(event: Mapping[str, Any], *, catalog: Catalog, livemode: bool) -> Paid | NotComing | Told | None:
    """Return what the ledger must hold because of an event, None when it owes the event nothing."""
    if purchase_type_of(event) != TOKEN_PACKAGE or event["livemode"] is not livemode:
        return None
    seen = event["data"]["object"]
    match event["type"]:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            verdict = judge(seen, paid_at=event["created"], catalog=catalog, livemode=livemode)
            return Paid(verdict.session_id, verdict.uid) if isinstance(verdict, Purchase | Hold) else None
        case "checkout.session.async_payment_failed":
            uid = buyer_of(seen["metadata"])
            return NotComing(seen["id"], uid) if uid else None
    told = fact_of(event)
    return Told(*told) if told else None
