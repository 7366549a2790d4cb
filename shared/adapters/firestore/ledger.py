"""The ledger: every change of a balance, each one commit of account_store.py that lands whole or not at all."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore.documents import (
    HELD_PURCHASES,
    SECURITY_ALERTS,
    TRANSACTIONS,
    USERS,
    alert_document,
    entry_from,
    hold_documents,
    subscription_fields,
)
from shared.adapters.firestore.store import AccountStore, Change
from shared.domain.account import Account
from shared.domain.entry import Entry, Posting
from shared.domain.errors import BadInput, LedgerConflict, NotEnoughTokens, NotFound
from shared.domain.limits import Limits, remember
from shared.domain.purchase import Hold, Purchase, entry_id, over_limit
from shared.domain.reversal import Fact, Reversals, posting_of
from shared.domain.subscription import Subscription

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Credited:
    """The entry was made now."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Duplicate:
    """This was entered before; nothing changed. `entry` is None where a fact needed none."""

    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Held:
    """The purchase waits for a person. `new` is false when it already did."""

    hold: Hold
    new: bool


@dataclass(frozen=True, slots=True)
class Reversed:
    """A fact about a refund or dispute is known now; `entry` is what it changed, None when nothing (yet)."""

    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's entries, newest first, and where the next ones begin."""

    entries: list[Entry]
    next_cursor: str | None


class Ledger(AccountStore):
    """Accounts and their entries in one Firestore database.

    Raises, from every method: Unavailable when Firestore does not answer in time.
    """

    # --- reading

    def get_by_stripe_session(self, session_id: str) -> Entry | None:
        """Return the purchase entry of a Checkout Session, or None. One read."""
        return self.entry(entry_id(session_id))

    def transactions(self, uid: str, *, limit: int, offset: int = 0, cursor: str | None = None) -> Page:
        """Return a user's entries, newest first.

        A cursor costs only the entries it returns; an offset bills every entry it skips.

        Raises:
            BadInput: the cursor is not one of ours.
        """
        query = (
            self._client.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", uid))
            .order_by("timestamp", direction=firestore.Query.DESCENDING)
        )
        if cursor is not None:
            query = query.start_after({"timestamp": _read_cursor(cursor)})
        elif offset:
            query = query.offset(offset)
        snapshots = self._stream(query.limit(limit))
        entries = [entry_from(snapshot.id, snapshot.to_dict() or {}) for snapshot in snapshots]
        return Page(entries, _cursor_after(entries[-1]) if len(entries) == limit else None)

    # --- writing

    def credit(self, purchase: Purchase, limits: Limits) -> Credited | Duplicate | Held:
        """Credit a purchase once, or hold it when its buyer bought too often.

        Costs one read and two writes when it is credited.

        Raises:
            LedgerConflict: the session's entry exists with other contents.
        """
        posting = purchase.posting()

        def known() -> Duplicate | Held | None:
            return self._known(purchase.uid, posting)

        def decide(account: Account) -> Change | Duplicate | Held:
            if account.open_purchases.get(purchase.session_id) in ("held", "rejected"):
                return Held(over_limit(purchase), new=False)
            if limits.exceeded(account.recent_purchases, purchase.paid_at):
                over = over_limit(purchase)
                return self._known(purchase.uid, posting) or self._held(over) or self._holding(account, over)
            after, entries = self._entered(account, purchase, posting)
            remembered = remember(account.recent_purchases, purchase.paid_at)
            return Change(replace(after, recent_purchases=remembered), entries)

        outcome: Change | Duplicate | Held = self._change(purchase.uid, decide, known)
        if not isinstance(outcome, Change):
            return outcome
        return Credited(outcome.entries[0]) if outcome.entries else Held(over_limit(purchase), new=True)

    def hold(self, hold: Hold) -> Held | Duplicate:
        """Keep a purchase that is not to be credited, with an alert; once, however often it is told.

        A session that was credited before and now claims the same again is a duplicate: a replay may meet a
        catalog that no longer knows its terms.

        Raises:
            LedgerConflict: the session was credited, and now claims something else.
        """
        if hold.uid is None:
            return self._credited_before(hold) or Held(hold, new=self._create(hold_documents(hold, self._clock())))

        def decide(account: Account) -> Change | Duplicate | Held:
            if account.open_purchases.get(hold.session_id) in ("held", "rejected"):
                return Held(hold, new=False)
            # Asked after the account was read: a credit that lands meanwhile moves the account.
            return self._credited_before(hold) or self._held(hold) or self._holding(account, hold)

        outcome: Change | Duplicate | Held = self._change(hold.uid, decide)
        return Held(hold, new=True) if isinstance(outcome, Change) else outcome

    def purchase_of_payment(self, payment_intent_id: str) -> Entry | None:
        """Return the purchase entry that a PaymentIntent paid for, or None. One query."""
        query = (
            self._client.collection(TRANSACTIONS)
            .where(filter=FieldFilter("details.stripePaymentIntentId", "==", payment_intent_id))
            .where(filter=FieldFilter("type", "==", "purchase"))
        )
        snapshots = self._stream(query.limit(1))
        return entry_from(snapshots[0].id, snapshots[0].to_dict() or {}) if snapshots else None

    def uid_of_customer(self, customer_id: str) -> str | None:
        """Return the user whose Stripe customer this is, or None. One query."""
        query = self._client.collection(USERS).where(filter=FieldFilter("stripeCustomerId", "==", customer_id))
        snapshots = self._stream(query.limit(1))
        return snapshots[0].id if snapshots else None

    def reverse(self, uid: str, payment_intent_id: str, fact: Fact) -> Reversed | Duplicate:
        """Learn a fact about a payment's refunds or disputes, and take or give back what it changes.

        Before its purchase a fact is only remembered; the purchase then takes it into account.
        """

        def decide(account: Account) -> Change | Duplicate:
            before = account.reversals.get(payment_intent_id, Reversals())
            after = before.learn(fact)
            if after == before:
                return Duplicate(None)
            # Asked after the account was read: a purchase that lands meanwhile moves the account.
            purchase = self.purchase_of_payment(payment_intent_id)
            posting = purchase and posting_of(
                fact,
                before,
                after,
                tokens=purchase.amount,
                paid_cents=purchase.details["paymentAmountCents"],
                details=_reversal_details(purchase.details),
            )
            account, entries = self._post_all(account, (posting,) if posting else ())
            return Change(replace(account, reversals={**account.reversals, payment_intent_id: after}), entries)

        outcome = self._change(uid, decide)
        if isinstance(outcome, Duplicate):
            return outcome
        return Reversed(outcome.entries[0] if outcome.entries else None)

    def post(self, uid: str, posting: Posting, *, create_account: bool = False) -> Credited | Duplicate:
        """Make one posting of a spend, a grant or an adjustment, once.

        Raises:
            NotFound: there is no users/{uid}, and none shall be made.
            NotEnoughTokens: it spends more than there is; nothing changes.
            LedgerConflict: its id was used for something else.
        """

        def known() -> Credited | Duplicate | None:
            return self._known(uid, posting)

        def decide(account: Account) -> Change | Credited | Duplicate:
            try:
                if not (account.exists or create_account):
                    raise NotFound("unknown_user", f"There is no user {uid}")
                return Change(*self._post_all(account, (posting,)))
            except (NotEnoughTokens, NotFound):
                # The tokens may be gone because this very spend took them.
                made = known()
                if made is None:
                    raise
                return made

        outcome: Change | Credited | Duplicate = self._change(uid, decide, known)
        return Credited(outcome.entries[0]) if isinstance(outcome, Change) else outcome

    def alert(self, id_: str, *, type_: str, severity: str, uid: str | None, seen: Mapping[str, Any]) -> bool:
        """Raise a security alert once; tell whether it is new."""
        return self._create({f"{SECURITY_ALERTS}/{id_}": alert_document(type_, severity, uid, seen, self._clock())})

    def note_unpaid(self, uid: str, session_id: str, state: Literal["waiting", "failed"]) -> bool:
        """Keep how a session's delayed payment stands, for the buyer's page; tell whether that is news.

        A session that was credited, held or has failed never goes back to waiting, in whatever order events come.
        """

        def decide(account: Account) -> Change | bool:
            now = account.open_purchases.get(session_id)
            if now not in (None, "waiting") or now == state or self.get_by_stripe_session(session_id):
                return False
            return Change(account.opened(session_id, state))

        return isinstance(self._change(uid, decide), Change)

    def keep_stripe_customer(self, uid: str, customer_id: str, *, instead_of: str | None = None) -> str:
        """Keep a user's Stripe customer unless one is kept already, other than `instead_of`; return the one that is."""

        def decide(account: Account) -> Change | str:
            kept = account.stripe_customer_id
            if kept and kept != instead_of:
                return kept
            return Change(replace(account, stripe_customer_id=customer_id))

        outcome = self._change(uid, decide)
        return customer_id if isinstance(outcome, Change) else outcome

    def keep_subscription(self, uid: str, ask: Callable[[], Subscription | None]) -> Subscription | None:
        """Keep a user's subscription as Stripe knows it now, and return it; None when Stripe knows none.

        Stripe is asked between the read and the commit. Of two deliveries at once, whoever asked first finds the
        account moved by the other and asks again: what was true earlier never replaces what was true later.
        """
        latest: Subscription | None = None

        def decide(account: Account) -> Change | None:
            nonlocal latest
            latest = ask()
            if latest is None:
                return None
            return Change(account, extra={"subscription": subscription_fields(latest, self._clock())})

        self._change(uid, decide)
        return latest

    # --- shared by the changes

    def _known(self, uid: str, posting: Posting) -> Duplicate | None:
        """Return the entry of this posting when it was made before.

        Raises:
            LedgerConflict: the entry says something else.
        """
        entry = self.entry(posting.id)
        if entry is None:
            return None
        differences = entry.differences(uid, posting)
        if differences and not (posting.type == "purchase" and entry.decided_by_a_person):
            raise LedgerConflict(entry.id, differences)
        return Duplicate(entry)

    def _entered(self, account: Account, purchase: Purchase, posting: Posting) -> tuple[Account, tuple[Entry, ...]]:
        """Post a purchase, and at once what refunds or disputes that came first take back of it."""
        return self._post_all(account.closed(purchase.session_id), (posting, *_reversed_before(account, purchase)))

    def _post_all(self, account: Account, postings: Iterable[Posting]) -> tuple[Account, tuple[Entry, ...]]:
        entries = []
        for posting in postings:
            account, entry = account.post(posting, self._clock())
            entries.append(entry)
        return account, tuple(entries)

    def _credited_before(self, hold: Hold) -> Duplicate | None:
        """Return the entry of a hold's session when it was credited.

        Raises:
            LedgerConflict: it was credited, and now claims something else.
        """
        entry = self.get_by_stripe_session(hold.session_id)
        if entry is None:
            return None
        claims = (hold.uid, str(hold.seen.get("tokens")))
        if claims != (entry.uid, str(entry.amount)) and not entry.decided_by_a_person:
            raise LedgerConflict(entry.id, ["userId", "amount"])
        return Duplicate(entry)

    def _held(self, hold: Hold) -> Held | None:
        """Return the hold when its session is held already: for another user, or for none."""
        held = self._get(HELD_PURCHASES, hold.session_id)
        return Held(hold, new=False) if held.exists else None

    def _holding(self, account: Account, hold: Hold) -> Change:
        return Change(account.opened(hold.session_id, "held"), documents=hold_documents(hold, self._clock()))


def _reversed_before(account: Account, purchase: Purchase) -> Iterator[Posting]:
    """Yield what is taken back at once of a purchase whose refund or dispute came first."""
    known = account.reversals.get(purchase.payment_intent_id or "")
    if known is not None:
        details = _reversal_details(purchase.posting().details)
        yield from known.postings(purchase.tokens, purchase.paid_cents, details)


def _reversal_details(purchase: Mapping[str, Any]) -> dict[str, Any]:
    return {key: purchase[key] for key in ("packageId", "stripeSessionId", "stripePaymentIntentId")}


def _cursor_after(entry: Entry) -> str:
    """Return an opaque mark of an entry's place: no two entries of a user have the same timestamp."""
    micros = (entry.timestamp - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"t{micros}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> datetime:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        if not (text.startswith("t") and text[1:].isdigit()):
            raise BadInput("bad_cursor", "The cursor is not one that this service gave out")
        return _EPOCH + timedelta(microseconds=int(text[1:]))
    except (binascii.Error, UnicodeError, OverflowError, ValueError) as error:
        raise BadInput("bad_cursor", "The cursor is not one that this service gave out") from error
