"""A user's account and what a posting does to it. Pure: the ledger reads and writes, this decides.

An entry is one immutable change of a balance. Balance = the sum of the user's entries, always, and every entry says the
balance after it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from shared.errors import NotEnoughTokens

if TYPE_CHECKING:
    from shared.reversal import Reversals

EntryType = Literal["purchase", "spend", "refund", "dispute", "dispute_reversal", "grant", "adjustment"]

# waiting: a delayed payment is on its way · failed: it did not come · held: a person decides · rejected: a person did
OpenPurchase = Literal["waiting", "failed", "held", "rejected"]

_TICK = timedelta(milliseconds=1)
_DOCUMENT_ID = re.compile(r"(?!\.{1,2}$|__.*__$)[^/\x00\ud800-\udfff]{1,128}", re.DOTALL)


def is_uid(value: object) -> TypeGuard[str]:
    """Tell whether this is a Firebase uid that can name a document.

    Sources: https://firebase.google.com/docs/auth/admin/manage-users (a uid has 1 to 128 characters),
    https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields (what a document's id may be).
    """
    return isinstance(value, str) and _DOCUMENT_ID.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Posting:
    """A change of a balance that is to be made: `amount` in tokens, signed.

    The id names the economic fact, never the event.
    """

    id: str
    type: EntryType
    amount: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of a balance that was made. Never altered, never removed: a correction is a new entry."""

    id: str
    uid: str
    type: str
    amount: int
    balance_after: int
    timestamp: datetime
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decided_by_a_person(self) -> bool:
        """Whether an operator released this purchase: then what its session claims no longer counts."""
        return self.details.get("released") is True

    def as_json(self) -> dict[str, Any]:
        """Return the transaction that callers are shown; its time is UTC, to the second.

        The details are sorted, as Firestore gives them back: an entry just made and the same one read look alike.
        """
        return {
            "id": self.id,
            "userId": self.uid,
            "type": self.type,
            "amount": self.amount,
            "timestamp": self.timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "balanceAfter": self.balance_after,
            "details": dict(sorted(self.details.items())),
        }

    def differences(self, uid: str, posting: Posting) -> list[str]:
        """Name what of a posting under the same id says something else than this entry.

        Details that only one of the two has are no contradiction: a later version of the code may keep more of them.
        """
        pairs: dict[str, tuple[object, object]] = {
            "userId": (self.uid, uid),
            "type": (self.type, posting.type),
            "amount": (self.amount, posting.amount),
        }
        shared_keys = self.details.keys() & posting.details.keys()
        pairs |= {f"details.{key}": (self.details[key], posting.details[key]) for key in shared_keys}
        return [name for name, (ours, theirs) in pairs.items() if ours != theirs]


@dataclass(frozen=True, slots=True)
class Account:
    """What the server keeps on users/{uid}. Tokens are integers; totals only rise.

    `recent_purchases` (UTC seconds) is what the limits look at, `open_purchases` says how the sessions stand that were
    not credited, `reversals` what is known of each payment's refunds and disputes: all stand here so that one read of
    one document holds all that a credit depends on.
    """

    uid: str
    balance: int = 0
    purchased: int = 0
    earned: int = 0
    spent: int = 0
    stripe_customer_id: str | None = None
    recent_purchases: tuple[int, ...] = ()
    open_purchases: Mapping[str, OpenPurchase] = field(default_factory=dict)
    last_entry_at: datetime | None = None
    reversals: Mapping[str, "Reversals"] = field(default_factory=dict)
    exists: bool = False

    def opened(self, session_id: str, state: OpenPurchase) -> "Account":
        """Return the account with a purchase standing open."""
        return replace(self, open_purchases={**self.open_purchases, session_id: state})

    def closed(self, session_id: str) -> "Account":
        """Return the account without this open purchase."""
        return replace(self, open_purchases={id_: at for id_, at in self.open_purchases.items() if id_ != session_id})

    def post(self, posting: Posting, now: datetime) -> tuple["Account", Entry]:
        """Return the account after a posting, and its entry.

        Entries of one account have strictly rising timestamps whatever the clocks of two instances say, so that a
        history sorted by time is in the ledger's own order.

        Raises:
            NotEnoughTokens: the posting spends more than there is. A reversal may take a balance below zero: then it is
                a debt, which the next purchase pays first.
        """
        if posting.type == "spend" and self.balance + posting.amount < 0:
            raise NotEnoughTokens(self.balance)
        at = now if self.last_entry_at is None else max(now, self.last_entry_at + _TICK)
        after = replace(
            self,
            balance=self.balance + posting.amount,
            purchased=self.purchased + (posting.amount if posting.type == "purchase" else 0),
            earned=self.earned + (posting.amount if posting.type == "grant" else 0),
            spent=self.spent - (posting.amount if posting.type == "spend" else 0),
            last_entry_at=at,
        )
        entry = Entry(posting.id, self.uid, posting.type, posting.amount, after.balance, at, posting.details)
        return after, entry
