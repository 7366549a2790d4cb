"""The decision on a welcome grant: tokens for a user who never had any. Pure."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known, Lookup
from shared.domain.crediting import Duplicate
from shared.domain.entry import NewEntry, escaped
from shared.domain.posting import Posted
from shared.domain.spend_requests import PRIORITY_DEFAULT


@dataclass(frozen=True, slots=True)
class WelcomeGrant:
    """What new users are given: a number of tokens, which never expire when `expires_in_days` is None."""

    tokens: int
    expires_in_days: int | None = None

    def new_entry(self, uid: str) -> NewEntry:
        """Return the entry, the same as a backend makes with grant_tokens and the key `welcome`."""
        details = {"welcome": True, "expiresInDays": self.expires_in_days}
        id_ = f"grant:{escaped(uid)}:welcome"
        return NewEntry(id_, "grant", self.tokens, details, self.expires_in_days, PRIORITY_DEFAULT)


def decide_welcome(
    account: Account, known: Known, now: datetime, *, grant: WelcomeGrant
) -> Decided[Posted | Duplicate | None] | Lookup:
    """Welcome a user, once. The outcome is None for somebody who had tokens before, and was never welcomed.

    What the settings say meanwhile does not matter to somebody who was welcomed before.
    """
    new = grant.new_entry(account.uid)
    if account.last_entry_at is not None or known.entries.get(new.id) is not None:
        missing = known.missing(entries=(new.id,))
        if missing:
            return missing
        entry = known.entries[new.id]
        return Decided(Duplicate(entry) if entry else None)
    after, entry = account.post(new, now)
    return Decided(Posted(entry), Change(after, (entry,)))
