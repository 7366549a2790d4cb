"""The ledger: each change of an account is a decision of shared/domain/, carried out by the store."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore.client import Client
from shared.adapters.firestore.database import Database, WriteConflict, retry_on_conflict
from shared.adapters.firestore.documents import (
    PAYMENTS,
    TRANSACTIONS,
    USERS,
    alert_fields,
    entry_from,
    hold_fields,
    payment_fields,
    payment_from,
)
from shared.adapters.firestore.owner_view import OwnerView, view_from
from shared.adapters.firestore.store import CHANGE_TIMEOUT_S, AccountStore
from shared.domain.account import Account
from shared.domain.alert import Alert
from shared.domain.change import Decided, PaymentRecord
from shared.domain.crediting import (
    AlreadyHeld,
    Credited,
    Duplicate,
    Held,
    alert_of,
    decide_credit,
    decide_hold,
    decide_open_purchase,
    same_claim,
)
from shared.domain.customer import decide_customer, decide_subscription
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import BadInput, Unavailable
from shared.domain.limits import Limits
from shared.domain.payment_facts import Fact, PaymentFacts
from shared.domain.posting import Posted, decide_post
from shared.domain.purchase import Hold, Purchase, entry_id
from shared.domain.reversing import Noted, NothingNew, Reversed, changed_alerts, decide_reversal
from shared.domain.spend_requests import Reversal
from shared.domain.spend_reversals import decide_spend_reversal
from shared.domain.subscription import Subscription
from shared.domain.welcome import WelcomeGrant, decide_welcome

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's entries, newest first, and where the next ones begin."""

    entries: list[Entry]
    next_cursor: str | None


class Ledger:
    """Accounts and their entries.

    Raises, from every method: Unavailable when Firestore does not answer in time, LedgerRefused when it refuses.
    """

    def __init__(self, store: AccountStore) -> None:
        self.store = store
        self._database = store.database

    # --- reading

    def account(self, uid: str) -> Account:
        """Return a user's account; one that does not exist is empty. One read, two while there is no accounts/{uid}."""
        return self.store.read(uid).account

    def owner_view(self, uid: str) -> OwnerView:
        """Return what the owner is shown of the account. One read."""
        stored = self._database.get(USERS, uid)
        return view_from(stored.fields if stored else {}, self.store.clock())

    def entry(self, id_: str) -> Entry | None:
        """Return the entry with this id, or None. One read."""
        stored = self._database.get(TRANSACTIONS, id_)
        return entry_from(id_, stored.fields) if stored else None

    def get_by_stripe_session(self, session_id: str) -> Entry | None:
        """Return the purchase entry of a Checkout Session, or None. One read."""
        return self.entry(entry_id(session_id))

    def purchase_of_payment(self, payment_intent_id: str) -> Entry | None:
        """Return the purchase entry that a PaymentIntent paid for, or None. One query."""
        return self.store.purchases_of_payments([payment_intent_id]).get(payment_intent_id)

    def facts_of_payment(self, payment_intent_id: str) -> PaymentFacts:
        """Return what is known of a payment's refunds and disputes. One read."""
        stored = self._database.get(PAYMENTS, payment_intent_id)
        return payment_from(stored).facts if stored else PaymentFacts()

    def uid_of_customer(self, customer_id: str) -> str | None:
        """Return the user whose Stripe customer this is, or None. One query."""
        query = self._database.collection(USERS).where(filter=FieldFilter("stripeCustomerId", "==", customer_id))
        return self._first_id(query)

    def uid_of_subscription(self, subscription_id: str) -> str | None:
        """Return the user for whom this subscription is saved, or None. One query."""
        query = self._database.collection(USERS).where(filter=FieldFilter("subscription.id", "==", subscription_id))
        return self._first_id(query)

    def _first_id(self, query: firestore.Query) -> str | None:
        return next((id_ for id_, _ in self._database.stream(query.limit(1))), None)

    def transactions(self, uid: str, *, limit: int, offset: int = 0, cursor: str | None = None) -> Page:
        """Return a user's entries, newest first.

        A cursor costs only the entries it returns; an offset bills every entry it skips.

        Raises:
            BadInput: the cursor is not one of ours.
        """
        query = (
            self._database.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", uid))
            .order_by("timestamp", direction=firestore.Query.DESCENDING)
        )
        if cursor is not None:
            query = query.start_after({"timestamp": _read_cursor(cursor)})
        elif offset:
            query = query.offset(offset)
        entries = [entry_from(id_, fields) for id_, fields in self._database.stream(query.limit(limit))]
        return Page(entries, _cursor_after(entries[-1]) if len(entries) == limit else None)

    # --- changing an account

    def credit(
        self, purchase: Purchase, limits: Limits, *, genuine: bool = False
    ) -> Credited | Duplicate | Held | AlreadyHeld:
        """Credit a purchase once, or hold it when its buyer bought too often. A credit costs 1 read and 3 writes.

        Raises:
            LedgerConflict: the session's entry exists with other contents.
        """
        decide = partial(decide_credit, purchase=purchase, limits=limits, genuine=genuine)
        return self.store.change(purchase.uid, decide)

    def hold(self, hold: Hold) -> Held | Duplicate | AlreadyHeld:
        """Hold a purchase that is not to be credited, with an alert, once.

        Raises:
            LedgerConflict: the session was credited, and now claims something else.
        """
        if hold.uid is not None:
            return self.store.change(hold.uid, partial(decide_hold, hold=hold))
        entry = self.entry(hold.entry_id)
        if entry is not None:
            return Duplicate(same_claim(entry, hold))
        now, alert = self.store.clock(), alert_of(hold)
        documents = {hold.path: hold_fields(hold, now), alert.path: alert_fields(alert, now)}
        return Held(hold, alert) if self._database.create(documents) else AlreadyHeld(hold.session_id)

    def reverse(self, uid: str, payment_intent_id: str, fact: Fact) -> Reversed | Noted | NothingNew:
        """Learn a fact about a payment's refunds or disputes, and take or give back what it changes.

        Raises:
            LedgerConflict: the entry that the fact calls for exists already.
        """
        return self.store.change(uid, partial(decide_reversal, payment=payment_intent_id, fact=fact))

    def note_fact(self, payment_intent_id: str, fact: Fact) -> Noted | NothingNew:
        """Learn a fact about a payment whose buyer nothing names; whoever releases its hold takes it into account."""

        def attempt() -> Noted | NothingNew:
            stored = self._database.get(PAYMENTS, payment_intent_id)
            record = payment_from(stored) if stored else PaymentRecord()
            facts = record.facts.learn(fact)
            if facts == record.facts:
                return NothingNew()
            # Asked after the record was read: a release that lands later changes the record, and so fails the commit.
            if self.purchase_of_payment(payment_intent_id) is not None:
                raise Unavailable("account_busy")  # the next delivery finds whom it was released to
            batch, now = self._database.batch(), self.store.clock()
            fields = payment_fields(None, replace(record, facts=facts))
            batch.write(f"{PAYMENTS}/{payment_intent_id}", fields, version=record.version)
            changed = changed_alerts(None, payment_intent_id, record.facts, facts)
            found = self._database.get_all(alert.path for alert in changed)
            alerts = tuple(alert.updating(one.fields if (one := found[alert.path]) else None) for alert in changed)
            for alert in alerts:
                batch.merge(alert.path, alert_fields(alert, now))
            batch.commit_or_conflict()
            return Noted(alerts)

        return retry_on_conflict(attempt, CHANGE_TIMEOUT_S)

    def post(self, uid: str, new: NewEntry, *, create_account: bool = False) -> Posted | Duplicate:
        """Post a spend, a grant or an adjustment, once.

        Raises:
            NotFound: the account does not exist, and `create_account` is false.
            NotEnoughTokens: it spends more than the balance; nothing changes.
            LedgerConflict: an entry with its id exists with other contents.
        """
        return self.store.change(uid, partial(decide_post, new=new, create_account=create_account))

    def welcome(self, uid: str, grant: WelcomeGrant) -> Posted | Duplicate | None:
        """Give a user who never had tokens some, once; return None for anybody else. One read, three writes."""
        return self.store.change(uid, partial(decide_welcome, grant=grant))

    def reverse_spend(self, reversal: Reversal) -> Posted | Duplicate:
        """Give back tokens of a spend, once, at most what it took.

        Raises:
            NotFound: there is no such spend.
            Unprocessable: it is more than is left of the spend.
            Conflict: the key was used for another reversal.
        """
        return self.store.change(reversal.uid, partial(decide_spend_reversal, reversal=reversal))

    def settle(self, uid: str) -> None:
        """Let expire what has expired in an account that nobody changes."""
        self.store.change(uid, lambda _account, _known, _now: Decided(None))

    def set_open_purchase(self, uid: str, session_id: str, state: Literal["waiting", "failed"]) -> bool:
        """Note whether a session's delayed payment is pending or failed; return whether that is news."""
        decide = partial(decide_open_purchase, session_id=session_id, entry_id=entry_id(session_id), state=state)
        return self.store.change(uid, decide)

    def save_customer(self, uid: str, customer_id: str, *, instead_of: str | None = None) -> str:
        """Save the customer id unless another (not `instead_of`) is stored; return the stored id."""
        return self.store.change(uid, partial(decide_customer, customer_id=customer_id, instead_of=instead_of))

    def save_subscription(self, uid: str, ask: Callable[[Account], Subscription | None]) -> Subscription | None:
        """Save a user's subscription as Stripe reports it now, and return it; None when Stripe knows none.

        Stripe is asked between the read and the commit. Of two deliveries at once, whoever asked first finds that the
        other has saved, and asks again: an earlier state never replaces a later one.
        """

        def attempt() -> Subscription | None:
            account = self.account(uid)
            latest = ask(account)
            if latest is not None:
                decide = partial(decide_subscription, read=account.subscription, latest=latest)
                if not self.store.change(uid, decide):
                    raise WriteConflict
            return latest

        return retry_on_conflict(attempt, CHANGE_TIMEOUT_S)

    def raise_alert(self, alert: Alert) -> bool:
        """Raise a security alert once; return whether it is new."""
        return self._database.create({alert.path: alert_fields(alert, self.store.clock())})


def connect_ledger(project: str) -> Ledger:
    """Return the ledger of a project; of the emulator when FIRESTORE_EMULATOR_HOST names one."""
    return Ledger(AccountStore(Database(Client(project=project))))


def _cursor_after(entry: Entry) -> str:
    """Return an opaque mark of an entry's place: no two entries of a user have the same timestamp."""
    micros = (entry.timestamp - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"t{micros}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> datetime:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        if not (text.startswith("t") and text[1:].isdigit()):
            raise BadInput("bad_cursor", "The cursor is not one that this service returned")
        return _EPOCH + timedelta(microseconds=int(text[1:]))
    except (binascii.Error, UnicodeError, OverflowError, ValueError) as error:
        raise BadInput("bad_cursor", "The cursor is not one that this service returned") from error
