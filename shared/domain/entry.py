"""A ledger entry: one immutable change of a balance. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeGuard

EntryType = Literal["purchase", "spend", "refund", "dispute", "dispute_reversal", "grant", "adjustment"]

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
