"""The decisions on what operators ask for. Pure, of the form that shared/domain/change.py describes.

Each change lands in one commit, together with an alert that says who made it and why: users read their entries, but
not the alerts.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ops.alert_record import Attribution, action_fields, alert_path, closing
from ops.entry_record import existing_entry, record_documents, record_path, recorded
from shared.adapters.firestore.documents import HELD_PURCHASES
from shared.domain import reserving
from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known, Lookup, Stored, Update
from shared.domain.crediting import Credited, Duplicate, post_purchase, same_entry
from shared.domain.entry import NewEntry
from shared.domain.errors import Conflict, NotFound
from shared.domain.limits import PurchaseTime, remember
from shared.domain.payment_facts import PaymentFacts
from shared.domain.posting import Posted
from shared.domain.purchase import Purchase
from shared.domain.reserving import Reserved
from shared.domain.reversing import changed_alerts
from shared.domain.spend_requests import ReservationKey


@dataclass(frozen=True, slots=True)
class Refund:
    """What a rejection did about the money.

    `id` is the refund that it made of `payment`, None when nothing was left to refund. `waived`: it made none on
    purpose, because the money was returned outside of Stripe, or was lost to a dispute.
    """

    payment: str | None = None
    id: str | None = None
    waived: bool = False

    def fields(self) -> dict[str, Any]:
        """Return the fields of held_purchases/{session}, with a payment that Stripe had to be asked for."""
        payment = {"paymentIntentId": self.payment} if self.payment else {}
        return {"refundId": self.id, "refundWaived": self.waived, **payment}


def decide_release(
    account: Account,
    known: Known,
    now: datetime,
    *,
    purchase: Purchase,
    reported: PaymentFacts,
    by: Attribution,
    after_rejection: bool,
) -> Decided[Credited | Duplicate] | Lookup:
    """Credit a held purchase, and close its hold and its alert.

    What the ledger knows, or Stripe `reported`, of its refunds and disputes is taken back at once. The purchase does
    not count toward its buyer's limits: a person has looked at this one, and it must not cause the next one to be held.

    `after_rejection` says that it was rejected, and that the refund of the rejection has failed.

    Raises:
        NotFound: the session was never held, or its buyer has no account.
        Conflict: it was decided on otherwise.
        LedgerConflict: it was released with other contents, by somebody else or for another reason.
    """
    new = recorded(replace(purchase.new_entry(), details={**purchase.new_entry().details, "released": True}))
    missing = known.missing(
        entries=(new.id,),
        payments=(purchase.payment_intent_id,) if purchase.payment_intent_id else (),
        documents=(*hold_paths(purchase.session_id), record_path(new)),
    )
    if missing:
        return missing
    entry = existing_entry(account.uid, known, new, by)
    if entry is not None:
        return Decided(Duplicate(entry))
    held = _held(known, purchase.session_id)
    _refuse_unless("rejected" if after_rejection else "held", purchase.session_id, held)
    _refuse_unknown(account)
    posted = _post(account, known, now, purchase=purchase, new=new, reported=reported)
    if isinstance(posted, Lookup):
        return posted
    fields = {"status": "released", "releasedTokens": purchase.tokens, "releasedTo": purchase.uid}
    updates = _settlement(known, held, purchase.session_id, fields, by, now=now)
    change = replace(posted, documents=record_documents(account.uid, new, by, now), updates=updates)
    return Decided(Credited(change.entries[0]), change)


def decide_rejection(
    account: Account, known: Known, now: datetime, *, session_id: str, by: Attribution, refund: Refund
) -> Decided[bool] | Lookup:
    """Close a hold without crediting it; the outcome tells whether that is news.

    Raises:
        NotFound: the session was never held.
        Conflict: it was released.
    """
    missing = known.missing(documents=hold_paths(session_id))
    if missing:
        return missing
    updates = rejection(known, now, session_id=session_id, by=by, refund=refund)
    if not updates:
        return Decided(outcome=False)
    account = account.with_open_purchase(session_id, "rejected", now)
    return Decided(outcome=True, change=Change(account, updates=updates))


def rejection(known: Known, now: datetime, *, session_id: str, by: Attribution, refund: Refund) -> tuple[Update, ...]:
    """Return what closes a hold and its alert so that no replay ever credits it; nothing when it was rejected before.

    Raises:
        NotFound: the session was never held.
        Conflict: it was released.
    """
    held = _held(known, session_id)
    if held.fields["status"] == "rejected":
        return ()
    _refuse_unless("held", session_id, held)
    return _settlement(known, held, session_id, {"status": "rejected", **refund.fields()}, by, now=now)


def decide_session_credit(
    account: Account, known: Known, now: datetime, *, purchase: Purchase, reported: PaymentFacts, by: Attribution
) -> Decided[Credited | Duplicate] | Lookup:
    """Credit a paid session by hand, exactly as its event would, but without looking at the limits.

    What the ledger knows, or Stripe `reported`, of its refunds and disputes is taken back at once.

    Raises:
        Conflict: it is held, or was rejected: those are decided on as such.
        LedgerConflict: its entry exists with other contents.
    """
    new = recorded(purchase.new_entry())
    hold_path, _ = hold_paths(purchase.session_id)
    missing = known.missing(
        entries=(new.id,),
        payments=(purchase.payment_intent_id,) if purchase.payment_intent_id else (),
        documents=(hold_path,),
    )
    if missing:
        return missing
    entry = known.entries[new.id]
    if entry is not None:
        return Decided(Duplicate(same_entry(entry, account.uid, purchase.new_entry())))
    if known.documents[hold_path] is not None:
        raise Conflict("held", f"{purchase.session_id} is a held purchase: see `held list`")
    posted = _post(account, known, now, purchase=purchase, new=new, reported=reported)
    if isinstance(posted, Lookup):
        return posted
    bought_at = PurchaseTime(purchase.paid_at, int(now.timestamp()))
    remembered = remember(account.recent_purchases, bought_at)
    change = replace(
        posted,
        account=replace(posted.account, recent_purchases=remembered),
        documents=record_documents(account.uid, new, by, now),
    )
    return Decided(Credited(change.entries[0]), change)


def decide_entry(
    account: Account, known: Known, now: datetime, *, new: NewEntry, by: Attribution, create_account: bool = False
) -> Decided[Posted | Duplicate] | Lookup:
    """Post a grant or an adjustment, once.

    Raises:
        NotFound: there is no such account, and `create_account` is false.
        LedgerConflict: its id was used for something else, by somebody else or for another reason.
    """
    new = recorded(new)
    missing = known.missing(entries=(new.id,), documents=(record_path(new),))
    if missing:
        return missing
    entry = existing_entry(account.uid, known, new, by)
    if entry is not None:
        return Decided(Duplicate(entry))
    if not create_account:
        _refuse_unknown(account)
    after, entry = account.post(new, now)
    return Decided(Posted(entry), Change(after, (entry,), documents=record_documents(account.uid, new, by, now)))


def decide_reservation_release(
    account: Account, known: Known, now: datetime, *, whose: ReservationKey, action_id: str, by: Attribution
) -> Decided[Reserved] | Lookup:
    """Free a reservation, with a record of who did.

    Raises:
        NotFound: there is no such reservation.
        Conflict: it was captured.
    """
    decided = reserving.decide_release(account, known, now, whose=whose)
    if isinstance(decided, Lookup) or decided.change is None:
        return decided
    reservation = account.reservations[whose.key]
    evidence = {"idempotencyKey": whose.key, "amount": reservation.amount, "used": reservation.used}
    record = action_fields(action_id, "reservation released", whose.uid, by, evidence, now=now)
    return replace(decided, change=replace(decided.change, documents={alert_path(action_id): record}))


def decide_limits_reset(
    account: Account, known: Known, now: datetime, *, action_id: str, by: Attribution
) -> Decided[None] | Lookup:
    """Forget a user's recent purchases, which the limits count; no entry and no balance changes.

    Raises:
        NotFound: there is no such account.
    """
    path = alert_path(action_id)
    missing = known.missing(documents=(path,))
    if missing:
        return missing
    if known.documents[path] is not None:  # the commit landed, but its acknowledgement was lost
        return Decided(None)
    _refuse_unknown(account)
    evidence = {"recentPurchases": [asdict(one) for one in account.recent_purchases]}
    record = action_fields(action_id, "limits reset", account.uid, by, evidence, now=now)
    return Decided(None, Change(replace(account, recent_purchases=()), documents={path: record}))


def hold_paths(session_id: str) -> tuple[str, str]:
    """Return the documents of a held purchase and of its alert."""
    return f"{HELD_PURCHASES}/{session_id}", alert_path(f"held:{session_id}")


def _post(
    account: Account, known: Known, now: datetime, *, purchase: Purchase, new: NewEntry, reported: PaymentFacts
) -> Change | Lookup:
    """Post a purchase with all that the ledger or Stripe knows of its payment, and raise the alerts that are new."""
    payment = purchase.payment_intent_id
    if payment is None:
        return post_purchase(account, known, now, purchase, new)
    record = known.payments[payment]
    facts = record.facts.with_all(reported)
    known = known.and_also(Known(payments={payment: replace(record, facts=facts)}))
    posted = post_purchase(account, known, now, purchase, new)
    if isinstance(posted, Lookup):
        return posted
    changed = changed_alerts(account.uid, payment, record.facts, facts)
    missing = known.missing(documents=(alert.path for alert in changed))
    if missing:
        return missing
    stored = {alert.path: known.documents[alert.path] for alert in changed}
    alerts = (alert.updating(one.fields if (one := stored[alert.path]) else None) for alert in changed)
    return replace(posted, alerts=tuple(alerts))


def _held(known: Known, session_id: str) -> Stored:
    stored = known.documents[hold_paths(session_id)[0]]
    if stored is None:
        raise NotFound("not_held", f"There is no held purchase {session_id}")
    return stored


def _settlement(
    known: Known, held: Stored, session_id: str, fields: Mapping[str, Any], by: Attribution, *, now: datetime
) -> tuple[Update, ...]:
    """Return what closes a hold and its alert."""
    path, _ = hold_paths(session_id)
    decided = {**fields, "decidedBy": by.operator, "decisionReason": by.reason, "decidedAt": now}
    return Update(path, decided, held.version), *closing(known, f"held:{session_id}", by, now)


def _refuse_unless(status: str, session_id: str, held: Stored) -> None:
    if held.fields["status"] != status:
        raise Conflict("decided", f"{session_id} was {held.fields['status']} by {held.fields.get('decidedBy')}")


def _refuse_unknown(account: Account) -> None:
    if not account.exists:
        raise NotFound("unknown_user", f"There is no user {account.uid}")
