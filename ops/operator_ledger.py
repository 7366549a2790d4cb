"""What operators do to accounts, held purchases and alerts: the ledger, with the changes that no function makes.

It is apart from shared/adapters/firestore/ledger.py because that one is deployed with every function. Each change is
one commit by the ledger's own rules, and leaves an alert that says who did it and why: users read their entries, and
no alerts.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from google.api_core import exceptions as google_errors
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from ops.alert import Alert, Decision, alert_from, closed_fields, operator_action
from ops.held_purchase import HeldPurchase, held_purchase_from
from shared.adapters.firestore.audit import AuditedLedger
from shared.adapters.firestore.documents import HELD_PURCHASES, SECURITY_ALERTS
from shared.adapters.firestore.ledger import Credited, Duplicate
from shared.adapters.firestore.store import Change, Update
from shared.domain.account import Account
from shared.domain.entry import Entry, Posting
from shared.domain.errors import Conflict, LedgerConflict, NotFound, Unavailable
from shared.domain.limits import remember
from shared.domain.purchase import Purchase

_USERS_PAGE = 300
_ENTRIES_PAGE = 300


class OperatorLedger(AuditedLedger):
    """The ledger in an operator's hands. Raises, from every method: Unavailable, as the ledger does."""

    # --- reading

    def user(self, uid: str) -> Account:
        """Return a user's account.

        Raises:
            NotFound: there is no users/{uid}.
        """
        account = self.account(uid)
        if not account.exists:
            raise NotFound("unknown_user", f"There is no user {uid}")
        return account

    def uids(self) -> Iterator[str]:
        """Yield every user's id, in order; a page of users is read at a time."""
        page = self.users_after(None, _USERS_PAGE)
        while page:
            yield from page
            page = self.users_after(page[-1], _USERS_PAGE)

    def entries(self, uid: str) -> Iterator[Entry]:
        """Yield all of a user's entries, newest first; a page of them is read at a time."""
        cursor = None
        while True:
            page = self.transactions(uid, limit=_ENTRIES_PAGE, cursor=cursor)
            yield from page.entries
            cursor = page.next_cursor
            if cursor is None:
                return

    def held_purchase(self, session_id: str) -> HeldPurchase:
        """Return a held purchase, also one that was decided on.

        Raises:
            NotFound: this session was never held.
        """
        return self._read_held(session_id)[0]

    def held_purchases(self, status: str, *, uid: str | None = None, limit: int) -> list[HeldPurchase]:
        """Return the held purchases of a status, the latest first."""
        if uid is not None:
            found = self._stream(self._client.collection(HELD_PURCHASES).where(filter=FieldFilter("userId", "==", uid)))
            held = (held_purchase_from(one.id, one.to_dict() or {}) for one in found)
            return sorted((one for one in held if one.status == status), key=lambda one: one.held_at)[::-1][:limit]
        query = (
            self._client.collection(HELD_PURCHASES)
            .where(filter=FieldFilter("status", "==", status))
            .order_by("heldAt", direction=firestore.Query.DESCENDING)
        )
        return [held_purchase_from(one.id, one.to_dict() or {}) for one in self._stream(query.limit(limit))]

    def alert_of(self, id_: str) -> Alert:
        """Return an alert.

        Raises:
            NotFound: there is none with this id.
        """
        snapshot = self._get(SECURITY_ALERTS, id_)
        if not snapshot.exists:
            raise NotFound("unknown_alert", f"There is no alert {id_}")
        return alert_from(snapshot.id, snapshot.to_dict() or {})

    def alerts(self, status: str, *, uid: str | None = None, limit: int) -> list[Alert]:
        """Return the alerts of a status, the latest first."""
        if uid is not None:
            found = self._stream(
                self._client.collection(SECURITY_ALERTS).where(filter=FieldFilter("userId", "==", uid))
            )
            alerts = (alert_from(one.id, one.to_dict() or {}) for one in found)
            return sorted((one for one in alerts if one.status == status), key=lambda one: one.created_at)[::-1][:limit]
        query = (
            self._client.collection(SECURITY_ALERTS)
            .where(filter=FieldFilter("status", "==", status))
            .order_by("createdAt", direction=firestore.Query.DESCENDING)
        )
        return [alert_from(one.id, one.to_dict() or {}) for one in self._stream(query.limit(limit))]

    # --- deciding

    def release(self, purchase: Purchase, decision: Decision, *, refund_failed: bool = False) -> Credited | Duplicate:
        """Credit a held purchase, and close its hold and its alert, all in one commit.

        What is known of its refunds and disputes is taken back in the same commit. The purchase does not count for its
        buyer's limits: a person has looked at this one, and the next shall not be held on its account.

        Args:
            purchase: what is credited.
            decision: who decided, and why.
            refund_failed: whether it was rejected, and Stripe says that nothing of its payment is refunded any more.

        Raises:
            NotFound: the session was never held, or its buyer is unknown.
            Conflict: it was rejected, and its refund did not fail.
            LedgerConflict: it was released with other contents.
        """
        session_id = purchase.session_id
        posting = _with_details(_recorded(purchase.posting()), {"released": True})

        def decide(account: Account) -> Change | Duplicate:
            held, read_at = self._read_held(session_id)
            made = self._made(purchase.uid, posting, decision)
            if made is not None:
                return made
            _refuse_unless(held, "rejected" if refund_failed else "held")
            if not account.exists:
                raise NotFound("unknown_user", f"There is no user {purchase.uid}")
            after, entries = self._entered(account, purchase, posting)
            fields = {"releasedTokens": purchase.tokens, "releasedTo": purchase.uid}
            updates = self._settled(held, read_at, "released", decision, fields)
            return Change(after, entries, self._record_of(purchase.uid, posting, decision), updates)

        outcome = self._change(purchase.uid, decide)
        return Credited(outcome.entries[0]) if isinstance(outcome, Change) else outcome

    def reject(self, session_id: str, decision: Decision, *, refund_id: str | None) -> bool:
        """Close a hold whose money went back, so that no replay ever credits it; tell whether that is news.

        Raises:
            NotFound: the session was never held.
            Conflict: it was released.
        """

        def settled() -> tuple[Update, ...] | None:
            held, read_at = self._read_held(session_id)
            if held.status == "rejected":
                return None
            _refuse_unless(held, "held")
            return self._settled(held, read_at, "rejected", decision, {"refundId": refund_id})

        def decide(account: Account) -> Change | bool:
            updates = settled()
            return updates is not None and Change(account.opened(session_id, "rejected"), updates=updates)

        uid = self.held_purchase(session_id).uid
        if uid is not None:
            return isinstance(self._change(uid, decide), Change)
        updates = settled()
        if updates is not None:
            self._update(updates)
        return updates is not None

    def enter(self, purchase: Purchase, decision: Decision) -> Credited | Duplicate:
        """Credit a paid session by hand, exactly as its event would, but without looking at the limits.

        Raises:
            Conflict: it is held, or was rejected: those are decided on as such.
            LedgerConflict: its entry exists with other contents.
        """
        asked = purchase.posting()
        posting = _recorded(asked)

        def known() -> Duplicate | None:
            return self._known(purchase.uid, asked)

        def decide(account: Account) -> Change | Duplicate:
            made = known()
            if made is not None:
                return made
            if self._get(HELD_PURCHASES, purchase.session_id).exists:
                raise Conflict("held", f"{purchase.session_id} is a held purchase: see `held list`")
            after, entries = self._entered(account, purchase, posting)
            remembered = remember(account.recent_purchases, purchase.paid_at)
            record = self._record_of(purchase.uid, posting, decision)
            return Change(replace(after, recent_purchases=remembered), entries, record)

        outcome = self._change(purchase.uid, decide, known)
        return Credited(outcome.entries[0]) if isinstance(outcome, Change) else outcome

    def correct(self, uid: str, posting: Posting, decision: Decision) -> Credited | Duplicate:
        """Make one posting of a grant or an adjustment, once.

        Raises:
            NotFound: there is no users/{uid}.
            LedgerConflict: its id was used for something else, or by somebody else, or for another reason.
        """
        recorded = _recorded(posting)

        def known() -> Duplicate | None:
            return self._made(uid, recorded, decision)

        def decide(account: Account) -> Change | Duplicate:
            if not account.exists:
                raise NotFound("unknown_user", f"There is no user {uid}")
            after, entries = self._post_all(account, (recorded,))
            return Change(after, entries, self._record_of(uid, recorded, decision))

        outcome = self._change(uid, decide, known)
        return Credited(outcome.entries[0]) if isinstance(outcome, Change) else outcome

    def reset_limits(self, uid: str, decision: Decision) -> None:
        """Forget a user's recent purchases, by which the limits go; no entry and no balance changes.

        Raises:
            NotFound: there is no users/{uid}.
        """
        path = _new_action()  # the same however often the change is tried

        def known() -> bool | None:
            return self._get(*path.split("/")).exists or None

        def decide(account: Account) -> Change:
            if not account.exists:
                raise NotFound("unknown_user", f"There is no user {uid}")
            seen = {"recentPurchases": list(account.recent_purchases)}
            action = operator_action("limits reset", uid, decision, seen, self._clock())
            return Change(replace(account, recent_purchases=()), documents={path: action})

        self._change(uid, decide, known)

    def close_alert(self, id_: str, decision: Decision) -> bool:
        """Close an alert; tell whether it was open.

        Raises:
            NotFound: there is none with this id.
        """
        self.alert_of(id_)
        updates = self._closing(id_, decision)
        if updates:
            self._update(updates)
        return bool(updates)

    def record(self, action: str, uid: str | None, decision: Decision, seen: Mapping[str, Any]) -> str:
        """Leave an alert that says what an operator did outside of the ledger; return its id."""
        path = _new_action()
        self._create({path: operator_action(action, uid, decision, seen, self._clock())})
        return path.partition("/")[2]

    # --- one change

    def _made(self, uid: str, posting: Posting, decision: Decision) -> Duplicate | None:
        """Return the entry of a posting by hand when it was made before.

        Raises:
            LedgerConflict: the entry says something else, or its record another operator or reason.
        """
        entry = self.entry(posting.id)
        if entry is None:
            return None
        differences = entry.differences(uid, posting)
        if "operatorAction" in entry.details:
            seen = self.alert_of(entry.details["operatorAction"]).seen
            asked = asdict(decision)
            differences += [name for name in asked if seen[name] != asked[name]]
        if differences:
            raise LedgerConflict(entry.id, differences)
        return Duplicate(entry)

    def _record_of(self, uid: str, posting: Posting, decision: Decision) -> dict[str, Mapping[str, Any]]:
        """Return the alert that says who made a posting and why, by path."""
        seen = {"entryId": posting.id, "amount": posting.amount}
        action = operator_action(f"{posting.type} by hand", uid, decision, seen, self._clock())
        return {f"{SECURITY_ALERTS}/{posting.details['operatorAction']}": action}

    def _read_held(self, session_id: str) -> tuple[HeldPurchase, Any]:
        snapshot = self._get(HELD_PURCHASES, session_id)
        if not snapshot.exists:
            raise NotFound("not_held", f"There is no held purchase {session_id}")
        return held_purchase_from(snapshot.id, snapshot.to_dict() or {}), snapshot.update_time

    def _settled(
        self,
        held: HeldPurchase,
        read_at: Any,  # noqa: ANN401 - a Firestore timestamp, untyped
        status: str,
        decision: Decision,
        fields: Mapping[str, Any],
    ) -> tuple[Update, ...]:
        """Return what closes a hold and its alert."""
        decided = {
            "status": status,
            "decidedBy": decision.operator,
            "decisionReason": decision.reason,
            "decidedAt": self._clock(),
            **fields,
        }
        hold = Update(f"{HELD_PURCHASES}/{held.session_id}", decided, read_at)
        return hold, *self._closing(f"held:{held.session_id}", decision)

    def _closing(self, alert_id: str, decision: Decision) -> tuple[Update, ...]:
        """Return what closes an alert, nothing when it is closed or there is none."""
        snapshot = self._get(SECURITY_ALERTS, alert_id)
        if not snapshot.exists or (snapshot.to_dict() or {}).get("status") != "open":
            return ()
        fields = closed_fields(decision, self._clock())
        return (Update(f"{SECURITY_ALERTS}/{alert_id}", fields, snapshot.update_time),)

    def _update(self, updates: tuple[Update, ...]) -> None:
        """Change documents that belong to no account.

        Raises:
            Conflict: one of them changed since it was read.
        """
        batch = self._client.batch()
        for update in updates:
            unmoved = self._client.write_option(last_update_time=update.read_at)
            batch.update(self._client.document(update.path), dict(update.fields), option=unmoved)
        try:
            self._commit(batch)
        except (google_errors.FailedPrecondition, google_errors.NotFound) as error:
            raise Conflict("changed_meanwhile", "Somebody else changed it meanwhile: look again") from error
        except google_errors.Aborted as error:
            raise Unavailable("ledger_unavailable") from error


def _new_action() -> str:
    return f"{SECURITY_ALERTS}/operator:{uuid.uuid4().hex}"


def _recorded(posting: Posting) -> Posting:
    """Return the posting with the id of the alert that says who made it: its own, so that one entry has one alert."""
    return _with_details(posting, {"operatorAction": f"operator:{posting.id}"})


def _with_details(posting: Posting, details: Mapping[str, Any]) -> Posting:
    return replace(posting, details={**posting.details, **details})


def _refuse_unless(held: HeldPurchase, status: str) -> None:
    if held.status != status:
        raise Conflict("decided", f"{held.session_id} was {held.status} by {held.decided_by}")
