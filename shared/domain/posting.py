"""The decision on a spend, a grant or an adjustment. Pure."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known, Lookup
from shared.domain.crediting import Duplicate, same_entry
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import Conflict, NotEnoughTokens, NotFound


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry is new."""

    entry: Entry


def decide_post(
    account: Account, known: Known, now: datetime, *, new: NewEntry, create_account: bool
) -> Decided[Posted | Duplicate] | Lookup:
    """Post one entry, once.

    Raises:
        NotFound: the account does not exist, and `create_account` is false.
        NotEnoughTokens: it spends more than is available; nothing changes.
        Conflict: its key has an open reservation, which is to be captured instead.
        LedgerConflict: an entry with its id exists with other contents.
    """
    entry = known.entries.get(new.id)
    if entry is not None:
        return Decided(Duplicate(same_entry(entry, account.uid, new)))
    try:
        if not (account.exists or create_account):
            raise NotFound("unknown_user", f"There is no user {account.uid}")
        if new.type == "spend" and new.details.get("idempotencyKey") in account.reservations:
            raise Conflict("idempotency_conflict", "This idempotency_key has an open reservation: capture it")
        after, entry = account.post(new, now)
    except (NotEnoughTokens, NotFound, Conflict):
        # The tokens may be gone because this very spend took them.
        missing = known.missing(entries=(new.id,))
        if missing:
            return missing
        raise
    return Decided(Posted(entry), Change(after, (entry,)))
