"""A ledger entry: one immutable change of a balance. Pure.

The ledger is single-entry: each entry changes one account, and a balance is the sum of its account's entries.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeGuard

EntryType = Literal[
    "purchase", "spend", "spend_reversal", "refund", "dispute", "dispute_reversal", "grant", "expiry", "adjustment"
]

_DOCUMENT_ID = re.compile(r"(?!\.{1,2}$|__.*__$)[^/\x00\ud800-\udfff]{1,128}", re.DOTALL)


def is_uid(value: object) -> TypeGuard[str]:
    """Tell whether a value is a Firebase uid that can name a document.

    Sources: https://firebase.google.com/docs/auth/admin/manage-users (a uid has 1 to 128 characters),
    https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields (what a document id may be).
    """
    return isinstance(value, str) and _DOCUMENT_ID.fullmatch(value) is not None


def escaped(uid: str) -> str:
    """Return a uid for use in an id: it may have a colon in it, and two users' ids must not be the same."""
    return uid.replace("%", "%25").replace(":", "%3A")


def spend_id(uid: str, key: str) -> str:
    """Return the id of the entry of a spend, or of a captured reservation: one per user and idempotency key."""
    return f"spend:{escaped(uid)}:{key}"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be made: `amount` in tokens, signed.

    The id names the economic fact, never the event that reported it. The tokens of a grant with `expires_in_days`
    expire at the end of that day, UTC, and are spent in the order of `priority`, the lowest first.
    """

    id: str
    type: EntryType
    amount: int
    details: Mapping[str, Any]
    expires_in_days: int | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger. Never changed, never deleted: a correction is a new entry.

    `reserved_after` are the tokens that reservations set aside when it was posted.
    """

    id: str
    uid: str
    type: str
    amount: int
    balance_after: int
    timestamp: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    reserved_after: int = 0

    @property
    def available_after(self) -> int:
        """The tokens that could be spent after it: what a repeated request is answered, for ever."""
        return self.balance_after - self.reserved_after

    @property
    def released(self) -> bool:
        """Whether an operator released this purchase: then the session's own claims no longer count."""
        return self.details.get("released") is True

    def as_json(self) -> dict[str, Any]:
        """Return the transaction that callers are shown; its time is UTC, to the second.

        The details are sorted, as Firestore returns them: a new entry and the same one read later look alike.
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

    def differences(self, uid: str, new: NewEntry) -> list[str]:
        """Name the fields in which a new entry with this id contradicts this one.

        Details that only one of the two has do not contradict: a later version of the code may record more of them.
        """
        pairs: dict[str, tuple[object, object]] = {
            "userId": (self.uid, uid),
            "type": (self.type, new.type),
            "amount": (self.amount, new.amount),
        }
        shared_keys = self.details.keys() & new.details.keys()
        pairs |= {f"details.{key}": (self.details[key], new.details[key]) for key in shared_keys}
        return [name for name, (ours, theirs) in pairs.items() if ours != theirs]
