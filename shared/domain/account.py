"""A user's account, and what an entry does to it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.domain import lots
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.limits import PurchaseTime
from shared.domain.lots import Lot
from shared.domain.reservation import Reservation
from shared.domain.subscription import Subscription
from shared.domain.times import DAY_S, as_text

# waiting: a delayed payment is pending · failed: it failed · held: an operator decides · rejected: an operator did
OpenState = Literal["waiting", "failed", "held", "rejected"]

OPEN_PURCHASES_MAX = 50
"""The most open purchases an account keeps. Beyond it the oldest failed one is dropped first, a held one last."""

REVERSED_EARLY_MAX = 100
"""The most payments that an account names as refunded or disputed before their purchase."""

_DROPPED_FIRST: tuple[OpenState, ...] = ("failed", "waiting", "rejected", "held")
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OpenPurchase:
    """A purchase that is not credited (yet), and since when it is in this state, UTC seconds."""

    state: OpenState
    since: int


@dataclass(frozen=True, slots=True)
class Account:
    """The ledger's own state of a user: all that a decision depends on, so that one read is enough.

    Tokens are integers. The totals only rise. An account exists for every user with a document, even one that holds
    only a profile.

    `forgot_hold` says that a held or rejected purchase was dropped from the open ones: a credit has to look whether its
    session was held. `reversed_early` names the payments of which a refund or dispute is known and no purchase yet;
    `forgot_reversal` says that one was dropped from them: a credit has to look whether its payment was reversed.

    `lots` are in the order in which they are spent, and never hold more than the balance. `reservations` are by their
    idempotency key; the balance does not move while one is open.
    """

    uid: str
    balance: int = 0
    purchased: int = 0
    earned: int = 0
    spent: int = 0
    stripe_customer_id: str | None = None
    recent_purchases: tuple[PurchaseTime, ...] = ()
    open_purchases: Mapping[str, OpenPurchase] = field(default_factory=dict)
    forgot_hold: bool = False
    reversed_early: tuple[str, ...] = ()
    forgot_reversal: bool = False
    subscription: Subscription | None = None
    last_entry_at: datetime | None = None
    lots: tuple[Lot, ...] = ()
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    exists: bool = False

    @property
    def reserved(self) -> int:
        """The tokens that open reservations set aside."""
        return sum(one.amount for one in self.reservations.values())

    @property
    def available(self) -> int:
        """The tokens that a spend or a new reservation may take, once the account is settled; below zero for a debt."""
        return self.balance - self.reserved

    def with_reservation(self, key: str, reservation: Reservation) -> "Account":
        """Return the account with an open reservation under this key."""
        return replace(self, reservations={**self.reservations, key: reservation})

    def without_reservation(self, key: str) -> "Account":
        """Return the account without this reservation."""
        return replace(self, reservations={id_: one for id_, one in self.reservations.items() if id_ != key})

    def open_state(self, session_id: str) -> OpenState | None:
        """Return the state of an open purchase, None when the session is not open."""
        purchase = self.open_purchases.get(session_id)
        return purchase.state if purchase else None

    def with_open_purchase(self, session_id: str, state: OpenState, now: datetime) -> "Account":
        """Return the account with an open purchase in this state."""
        purchases = {**self.open_purchases, session_id: OpenPurchase(state, int(now.timestamp()))}
        others = sorted(
            (id_ for id_ in purchases if id_ != session_id),
            key=lambda id_: (_DROPPED_FIRST.index(purchases[id_].state), purchases[id_].since, id_),
        )
        dropped = [purchases.pop(id_) for id_ in others[: max(0, len(purchases) - OPEN_PURCHASES_MAX)]]
        forgot_hold = self.forgot_hold or any(one.state in ("held", "rejected") for one in dropped)
        return replace(self, open_purchases=purchases, forgot_hold=forgot_hold)

    def without_open_purchase(self, session_id: str) -> "Account":
        """Return the account without this open purchase."""
        if session_id not in self.open_purchases:
            return self
        return replace(self, open_purchases={id_: one for id_, one in self.open_purchases.items() if id_ != session_id})

    def with_early_reversal(self, payment: str) -> "Account":
        """Return the account with a payment of which a refund or dispute is known and no purchase yet."""
        if payment in self.reversed_early:
            return self
        every = (*self.reversed_early, payment)
        kept = every[-REVERSED_EARLY_MAX:]
        return replace(self, reversed_early=kept, forgot_reversal=self.forgot_reversal or len(kept) < len(every))

    def without_early_reversal(self, payment: str) -> "Account":
        """Return the account once the purchase of this payment is known."""
        if payment not in self.reversed_early:
            return self
        return replace(self, reversed_early=tuple(one for one in self.reversed_early if one != payment))

    def post(self, new: NewEntry, now: datetime, *, promised: bool = False) -> tuple["Account", Entry]:
        """Return the account after an entry, and the entry.

        The entries of an account have strictly rising timestamps, whatever the clocks of two instances say: a history
        sorted by time is in the ledger's order.

        Args:
            new: the entry.
            now: the time.
            promised: a reservation has set the tokens of this spend aside: it is honored, even if a refund has taken
                the balance below it meanwhile.

        Raises:
            NotEnoughTokens: a spend exceeds what is available. A reversal may take the balance below zero: a debt,
                which the next purchase pays first.
        """
        if new.type == "spend" and not promised and self.available + new.amount < 0:
            raise NotEnoughTokens(self.balance, self.reserved)
        at = now if self.last_entry_at is None else max(now, self.last_entry_at + _TICK)
        after = replace(
            self,
            balance=self.balance + new.amount,
            purchased=self.purchased + (new.amount if new.type == "purchase" else 0),
            earned=self.earned + (new.amount if new.type == "grant" else 0),
            spent=self.spent - (new.amount if new.type == "spend" else 0),
            last_entry_at=at,
        )
        details = dict(new.details)
        if self.lots or new.expires_in_days is not None:
            left, more = _lots_after(self, new, after.balance, int(now.timestamp()))
            after, details = replace(after, lots=left), details | more
        return after, Entry(new.id, self.uid, new.type, new.amount, after.balance, at, details, after.reserved)

    def post_all(self, entries: tuple[NewEntry, ...], now: datetime) -> tuple["Account", tuple[Entry, ...]]:
        """Return the account after several entries, and the entries. Raises as `post` does."""
        account, posted = self, []
        for new in entries:
            account, entry = account.post(new, now)
            posted.append(entry)
        return account, tuple(posted)


def _lots_after(account: Account, new: NewEntry, balance: int, now_s: int) -> tuple[tuple[Lot, ...], dict[str, Any]]:
    """Return an account's lots after an entry, and what the entry records of it, for whoever recomputes them.

    A spend takes from the lots first. What else takes tokens leaves them alone as long as the other tokens suffice.
    """
    if new.expires_in_days is not None:
        expires_at = _end_of_day(now_s + new.expires_in_days * DAY_S)
        # A debt is paid first: only what is above zero can expire.
        left = max(min(new.amount, max(balance, 0) - lots.total(account.lots)), 0)
        lot = Lot(new.id, left, expires_at, new.priority, now_s)
        granted, joined = lots.put(account.lots, lot) if left > 0 else (account.lots, {})
        record: dict[str, Any] = {"expiresAt": as_text(expires_at), "priority": new.priority, "expiring": left}
        return granted, record | ({"lotsJoined": joined} if joined else {})
    beyond_the_rest = max(lots.total(account.lots) - max(balance, 0), 0)
    tokens = -new.amount if new.type == "spend" else beyond_the_rest
    rest, taken = lots.take(account.lots, tokens)
    return rest, {"from": taken} if taken else {}


def _end_of_day(at_s: int) -> int:
    """Return the end of the UTC day of this second: the first second of the next one."""
    return (at_s // DAY_S + 1) * DAY_S
