"""What operators read and change: accounts, entries, held purchases and alerts.

It is apart from shared/adapters/firestore/ledger.py because that one is deployed with every function. Its changes are
the decisions of ops/decisions.py, carried out by the same store.
"""

import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from ops.alert_record import AlertRecord, Attribution, action_fields, alert_path, alert_record_from, closing
from ops.decisions import (
    Refund,
    decide_entry,
    decide_limits_reset,
    decide_rejection,
    decide_release,
    decide_reservation_release,
    decide_session_credit,
    hold_paths,
    rejection,
)
from ops.held_purchase import HeldPurchase, held_purchase_from
from shared.adapters.firestore.audit import LedgerAudit
from shared.adapters.firestore.database import WriteConflict
from shared.adapters.firestore.documents import HELD_PURCHASES, PAYMENTS, SECURITY_ALERTS
from shared.adapters.firestore.ledger import Ledger
from shared.domain.account import Account
from shared.domain.change import Known, Update
from shared.domain.crediting import Credited, Duplicate
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import Conflict, NotFound
from shared.domain.payment_facts import PaymentFacts
from shared.domain.posting import Posted
from shared.domain.purchase import Purchase
from shared.domain.reserving import Reserved
from shared.domain.settling import settle
from shared.domain.spend_requests import ReservationKey

_UIDS_PAGE = 300
_ENTRIES_PAGE = 300


class OperatorLedger:
    """The ledger as operators use it. Raises, from every method: Unavailable and LedgerRefused, as the ledger does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._database = ledger.store.database
        self._audit = LedgerAudit(ledger.store)

    # --- reading

    def account(self, uid: str) -> Account:
        """Return the account of a user who has one.

        Raises:
            NotFound: there is none.
        """
        account = self._ledger.account(uid)
        if not account.exists:
            raise NotFound("unknown_user", f"There is no user {uid}")
        return account

    def settled_account(self, uid: str) -> Account:
        """Return the account as it is now, without what has expired since its last change.

        Raises:
            NotFound: there is none.
        """
        account = self.account(uid)
        settled = settle(account, {}, self._store.clock())
        return settled[0] if settled else account

    def uids(self) -> Iterator[str]:
        """Yield the uid of every account, in order; a page of them is read at a time."""
        page = self._audit.uids_after(None, _UIDS_PAGE)
        while page:
            yield from page
            page = self._audit.uids_after(page[-1], _UIDS_PAGE)

    def entries(self, uid: str) -> Iterator[Entry]:
        """Yield all of a user's entries, newest first; a page of them is read at a time."""
        cursor = None
        while True:
            page = self._ledger.transactions(uid, limit=_ENTRIES_PAGE, cursor=cursor)
            yield from page.entries
            cursor = page.next_cursor
            if cursor is None:
                return

    def uid_of_session(self, session_id: str) -> str | None:
        """Return the buyer of a session that was credited or held, None when the ledger knows none."""
        entry = self._ledger.get_by_stripe_session(session_id)
        if entry is not None:
            return entry.uid
        held = self._database.get(HELD_PURCHASES, session_id)
        return held.fields["userId"] if held else None

    def uid_of_payment(self, payment_intent_id: str) -> str | None:
        """Return the buyer of a payment that was credited, held, refunded or disputed; None when none is known."""
        entry = self._ledger.purchase_of_payment(payment_intent_id)
        if entry is not None:
            return entry.uid
        record = self._database.get(PAYMENTS, payment_intent_id)
        if record is not None and record.fields["userId"]:
            return str(record.fields["userId"])
        query = self._database.collection(HELD_PURCHASES).where(
            filter=FieldFilter("paymentIntentId", "==", payment_intent_id)
        )
        return next((fields["userId"] for _, fields in self._database.stream(query.limit(1))), None)

    def held_purchase(self, session_id: str) -> HeldPurchase:
        """Return a held purchase, even one that was decided on.

        Raises:
            NotFound: this session was never held.
        """
        stored = self._database.get(HELD_PURCHASES, session_id)
        if stored is None:
            raise NotFound("not_held", f"There is no held purchase {session_id}")
        return held_purchase_from(session_id, stored.fields)

    def held_purchases(self, status: str, *, uid: str | None = None, limit: int) -> list[HeldPurchase]:
        """Return the held purchases of a status, the latest first."""
        if uid is not None:
            query = self._database.collection(HELD_PURCHASES).where(filter=FieldFilter("userId", "==", uid))
            found = self._of_status(status, query)
        else:
            query = (
                self._database.collection(HELD_PURCHASES)
                .where(filter=FieldFilter("status", "==", status))
                .order_by("heldAt", direction=firestore.Query.DESCENDING)
            )
            found = self._database.stream(query.limit(limit))
        held = [held_purchase_from(id_, fields) for id_, fields in found]
        return sorted(held, key=lambda one: one.held_at, reverse=True)[:limit]

    def alert(self, id_: str) -> AlertRecord:
        """Return an alert.

        Raises:
            NotFound: there is none with this id.
        """
        stored = self._database.get(SECURITY_ALERTS, id_)
        if stored is None:
            raise NotFound("unknown_alert", f"There is no alert {id_}")
        return alert_record_from(id_, stored.fields)

    def alerts(self, status: str, *, uid: str | None = None, limit: int) -> list[AlertRecord]:
        """Return the alerts of a status, the latest first."""
        if uid is not None:
            query = self._database.collection(SECURITY_ALERTS).where(filter=FieldFilter("userId", "==", uid))
            found = self._of_status(status, query)
        else:
            query = (
                self._database.collection(SECURITY_ALERTS)
                .where(filter=FieldFilter("status", "==", status))
                .order_by("createdAt", direction=firestore.Query.DESCENDING)
            )
            found = self._database.stream(query.limit(limit))
        alerts = [alert_record_from(id_, fields) for id_, fields in found]
        return sorted(alerts, key=lambda one: one.created_at, reverse=True)[:limit]

    def _of_status(self, status: str, query: firestore.Query) -> list[tuple[str, Mapping[str, Any]]]:
        """Return one user's documents of a status: a user has few, so that they need no index of their own."""
        return [(id_, fields) for id_, fields in self._database.stream(query) if fields["status"] == status]

    # --- changing

    def release(
        self, purchase: Purchase, by: Attribution, *, reported: PaymentFacts, after_rejection: bool = False
    ) -> Credited | Duplicate:
        """Credit a held purchase, and close its hold and its alert.

        Args:
            purchase: what is credited.
            by: who decided, and why.
            reported: what Stripe reports of its refunds and disputes.
            after_rejection: whether it was rejected, and the refund of the rejection has failed.

        Raises:
            NotFound: the session was never held, or its buyer has no account.
            Conflict: it was decided on otherwise.
            LedgerConflict: it was released with other contents, by somebody else or for another reason.
        """
        decide = partial(decide_release, purchase=purchase, reported=reported, by=by, after_rejection=after_rejection)
        return self._store.change(purchase.uid, decide)

    def reject(self, session_id: str, by: Attribution, refund: Refund) -> bool:
        """Close a hold so that no replay ever credits it; tell whether that is news.

        Raises:
            NotFound: the session was never held.
            Conflict: it was released.
        """
        uid = self.held_purchase(session_id).uid
        if uid is not None:
            decide = partial(decide_rejection, session_id=session_id, by=by, refund=refund)
            return self._store.change(uid, decide)
        known = Known(documents=self._database.get_all(hold_paths(session_id)))
        return self._update(rejection(known, self._store.clock(), session_id=session_id, by=by, refund=refund))

    def credit_session(self, purchase: Purchase, by: Attribution, *, reported: PaymentFacts) -> Credited | Duplicate:
        """Credit a paid session by hand, exactly as its event would, but without looking at the limits.

        Raises:
            Conflict: it is held, or was rejected: those are decided on as such.
            LedgerConflict: its entry exists with other contents.
        """
        return self._store.change(
            purchase.uid, partial(decide_session_credit, purchase=purchase, reported=reported, by=by)
        )

    def post(self, uid: str, new: NewEntry, by: Attribution, *, create_account: bool = False) -> Posted | Duplicate:
        """Post a grant or an adjustment, once.

        Raises:
            NotFound: there is no such account, and `create_account` is false.
            LedgerConflict: its id was used for something else, by somebody else or for another reason.
        """
        return self._store.change(uid, partial(decide_entry, new=new, by=by, create_account=create_account))

    def release_reservation(self, whose: ReservationKey, by: Attribution) -> Reserved:
        """Free a reservation. Nothing is charged.

        Raises:
            NotFound: there is no such reservation.
            Conflict: it was captured.
        """
        decide = partial(decide_reservation_release, whose=whose, action_id=_action_id(), by=by)
        return self._store.change(whose.uid, decide)

    def reset_limits(self, uid: str, by: Attribution) -> None:
        """Forget a user's recent purchases, which the limits count; no entry and no balance changes.

        Raises:
            NotFound: there is no such account.
        """
        # The id is the same however often the change is tried.
        self._store.change(uid, partial(decide_limits_reset, action_id=_action_id(), by=by))

    def close_alert(self, id_: str, by: Attribution) -> bool:
        """Close an alert; tell whether it was open.

        Raises:
            NotFound: there is none with this id.
            Conflict: it changed meanwhile.
        """
        self.alert(id_)
        known = Known(documents=self._database.get_all([alert_path(id_)]))
        return self._update(closing(known, id_, by, self._store.clock()))

    def record(self, action: str, uid: str | None, by: Attribution, evidence: Mapping[str, Any]) -> str:
        """Leave an alert that says what an operator did outside of the ledger; return its id."""
        id_ = _action_id()
        now = self._store.clock()
        self._database.create({alert_path(id_): action_fields(id_, action, uid, by, evidence, now=now)})
        return id_

    def _update(self, updates: tuple[Update, ...]) -> bool:
        """Change documents that belong to no account; tell whether there was anything to change."""
        if updates:
            try:
                self._database.update(updates)
            except WriteConflict as error:
                raise Conflict("changed_meanwhile", "Somebody else changed it meanwhile: look again") from error
        return bool(updates)


def _action_id() -> str:
    return f"operator:{uuid.uuid4().hex}"
