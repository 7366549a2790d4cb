"""The decisions on a purchase: credit it, hold it, or note that it is not paid yet. Pure.

Each takes the account, what else is known, and the time, and answers as shared/domain/change.py says.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.domain.account import Account
from shared.domain.alert import Alert
from shared.domain.change import Change, Decided, Known, Lookup
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import LedgerConflict
from shared.domain.limits import Limits, PurchaseTime, remember
from shared.domain.purchase import Hold, HoldReason, Purchase, over_limit
from shared.domain.reversal_entries import entries_at_purchase
from shared.domain.reversing import reversal_details, sale_of


@dataclass(frozen=True, slots=True)
class Credited:
    """The entry is new."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The ledger had this entry before; nothing changed."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Held:
    """The purchase now waits for an operator, whom an alert calls."""

    hold: Hold
    alert: Alert


@dataclass(frozen=True, slots=True)
class AlreadyHeld:
    """The session was held before, whatever an operator decided since; nothing changed."""

    session_id: str


def decide_credit(
    account: Account, known: Known, now: datetime, *, purchase: Purchase, limits: Limits, genuine: bool
) -> Decided[Credited | Duplicate | Held | AlreadyHeld] | Lookup:
    """Credit a purchase once, or hold it when its buyer bought too often.

    The account alone decides in the usual case: that the entry is new is left to the commit, which fails if it exists.

    The limits count by payment time and by the ledger's own time, because a forged event can claim any payment time.
    For a `genuine` one, which was read from Stripe itself, payment time is enough.

    Raises:
        LedgerConflict: the session's entry exists with other contents.
    """
    entry = known.entries.get(purchase.entry_id)
    if entry is not None:
        return Decided(Duplicate(same_entry(entry, account.uid, purchase.new_entry())))
    if account.open_state(purchase.session_id) in ("held", "rejected"):
        return Decided(AlreadyHeld(purchase.session_id))
    if account.forgot_hold:
        path = f"held_purchases/{purchase.session_id}"
        missing = known.missing(documents=(path,))
        if missing:
            return missing
        if known.documents[path] is not None:
            return Decided(AlreadyHeld(purchase.session_id))
    bought_at = PurchaseTime(purchase.paid_at, int(now.timestamp()))
    if _too_often(account, bought_at, limits, genuine=genuine):
        return _decide_hold(account, known, now, over_limit(purchase))
    return _credit(account, known, now, purchase, bought_at)


def _too_often(account: Account, bought_at: PurchaseTime, limits: Limits, *, genuine: bool) -> bool:
    recent = account.recent_purchases
    return limits.exceeded([one.paid_at for one in recent], bought_at.paid_at) or (
        not genuine and limits.exceeded([one.entered_at for one in recent], bought_at.entered_at)
    )


def _credit(
    account: Account, known: Known, now: datetime, purchase: Purchase, bought_at: PurchaseTime
) -> Decided[Credited] | Lookup:
    account = replace(account, recent_purchases=remember(account.recent_purchases, bought_at))
    posted = post_purchase(account, known, now, purchase, purchase.new_entry())
    return posted if isinstance(posted, Lookup) else Decided(Credited(posted.entries[0]), posted)


def post_purchase(account: Account, known: Known, now: datetime, purchase: Purchase, new: NewEntry) -> Change | Lookup:
    """Post a purchase, and at once what refunds or disputes that came first take back of it."""
    payment = purchase.payment_intent_id
    reversals: tuple[NewEntry, ...] = ()
    payments = {}
    if payment is not None and (
        payment in account.reversed_early or account.forgot_reversal or payment in known.payments
    ):
        missing = known.missing(payments=(payment,))
        if missing:
            return missing
        record = known.payments[payment]
        reversals = tuple(entries_at_purchase(record.facts, sale_of(new), reversal_details(new.details)))
        taken = -sum(reversal.amount for reversal in reversals)
        payments = {payment: replace(record, taken=taken, first_version=None)}
        account = account.without_early_reversal(payment)
    account, entries = account.post_all((new, *reversals), now)
    return Change(account.without_open_purchase(purchase.session_id), entries, payments=payments)


def decide_hold(
    account: Account, known: Known, now: datetime, *, hold: Hold
) -> Decided[Held | Duplicate | AlreadyHeld] | Lookup:
    """Hold a purchase that is not to be credited, with an alert; once, however often its event arrives.

    A session that was credited before and claims the same again is a duplicate: a replay may meet a catalog that no
    longer has its terms.

    Raises:
        LedgerConflict: the session was credited, and now claims something else.
    """
    if account.open_state(hold.session_id) in ("held", "rejected"):
        return Decided(AlreadyHeld(hold.session_id))
    return _decide_hold(account, known, now, hold)


def _decide_hold(
    account: Account, known: Known, now: datetime, hold: Hold
) -> Decided[Held | Duplicate | AlreadyHeld] | Lookup:
    missing = known.missing(entries=(hold.entry_id,), documents=(hold.path,))
    if missing:
        return missing
    entry = known.entries[hold.entry_id]
    if entry is not None:
        return Decided(Duplicate(same_claim(entry, hold)))
    if known.documents[hold.path] is not None:
        return Decided(AlreadyHeld(hold.session_id))
    account, alert = account.with_open_purchase(hold.session_id, "held", now), alert_of(hold)
    return Decided(Held(hold, alert), Change(account, holds=(hold,), alerts=(alert,)))


def decide_open_purchase(
    account: Account,
    known: Known,
    now: datetime,
    *,
    session_id: str,
    entry_id: str,
    state: Literal["waiting", "failed"],
) -> Decided[bool] | Lookup:
    """Note whether a session's delayed payment is pending or failed; the outcome tells whether that is news.

    A session that was credited, held or has failed never goes back to waiting, in whatever order events arrive.
    """
    current = account.open_state(session_id)
    if current not in (None, "waiting") or current == state:
        return Decided(outcome=False)
    missing = known.missing(entries=(entry_id,))
    if missing:
        return missing
    if known.entries[entry_id] is not None:
        return Decided(outcome=False)
    return Decided(True, Change(account.with_open_purchase(session_id, state, now)))  # noqa: FBT003 - the outcome


def same_entry(entry: Entry, uid: str, new: NewEntry) -> Entry:
    """Return an existing entry that a request asks for again.

    Raises:
        LedgerConflict: it has other contents. What an operator released counts as it is.
    """
    differences = entry.differences(uid, new)
    if differences and not (new.type == "purchase" and entry.released):
        raise LedgerConflict(entry.id, differences)
    return entry


def same_claim(entry: Entry, hold: Hold) -> Entry:
    """Return the entry of a session that was credited and is now to be held.

    Raises:
        LedgerConflict: the session now names another user or other tokens.
    """
    claims = (hold.uid, str(hold.evidence.get("tokens")))
    if claims != (entry.uid, str(entry.amount)) and not entry.released:
        raise LedgerConflict(entry.id, ["userId", "amount"])
    return entry


def alert_of(hold: Hold) -> Alert:
    """Return the alert that goes with a hold."""
    limit = hold.reason is HoldReason.LIMIT_EXCEEDED
    return Alert(
        f"held:{hold.session_id}",
        "purchase_limit_exceeded" if limit else "purchase_invalid",
        "medium" if limit else "high",
        hold.uid,
        {"sessionId": hold.session_id, "reason": hold.reason.value, "message": hold.message, **hold.evidence},
    )
