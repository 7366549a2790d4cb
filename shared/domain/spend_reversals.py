"""The decision on giving back a spend, in part or whole. Pure.

An AI app charges for what it delivered: what a failed job has cost goes back to where it came from.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.domain import lots
from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known, Lookup, Stored, Update
from shared.domain.crediting import Duplicate
from shared.domain.entry import Entry, NewEntry, escaped, spend_id
from shared.domain.errors import Conflict, NotFound, Unprocessable
from shared.domain.lots import Lot
from shared.domain.posting import Posted
from shared.domain.settling import expiry_of
from shared.domain.spend_requests import Reversal
from shared.domain.times import from_text


def decide_spend_reversal(
    account: Account, known: Known, now: datetime, *, reversal: Reversal
) -> Decided[Posted | Duplicate] | Lookup:
    """Give back tokens of a spend, at most what it took, to the lots they came from.

    What goes back to a lot that has expired meanwhile expires at once, by an entry of its own.

    Raises:
        NotFound: there is no such spend.
        Unprocessable: it is more than is left of the spend.
        Conflict: the key was used for another reversal.
    """
    spend, own = spend_id(reversal.uid, reversal.spend_key), f"spend_reversal:{escaped(reversal.uid)}:{reversal.key}"
    path = f"spend_reversals/{escaped(reversal.uid)}:{reversal.spend_key}"
    missing = known.missing(entries=(spend, own), documents=(path,))
    if missing:
        return missing
    existing, spent, stored = known.entries[own], known.entries[spend], known.documents[path]
    if existing is not None:
        return Decided(Duplicate(_same(existing, reversal)))
    if spent is None:
        raise NotFound("unknown_spend", f"This user has no spend {reversal.spend_key}")
    taken: dict[str, int] = spent.details.get("from", {})
    missing = known.missing(entries=taken)
    if missing:
        return missing
    before = stored.fields["tokens"] if stored else 0
    tokens = _tokens(reversal, -spent.amount - before)
    details: dict[str, Any] = {
        "reason": reversal.reason,
        "idempotencyKey": reversal.key,
        "spendKey": reversal.spend_key,
        "amountAsked": reversal.amount,
    }
    sources = sorted((_lot(known, id_, part) for id_, part in taken.items()), key=lambda lot: lot.order)
    returned = lots.given_back(sources, -spent.amount, before=before, tokens=tokens)
    change = _give_back(account, now, NewEntry(own, "spend_reversal", tokens, details), returned)
    fields = {"userId": account.uid, "spendKey": reversal.spend_key, "tokens": before + tokens}
    return Decided(Posted(change.entries[0]), _noted(change, path, fields, stored))


def _tokens(reversal: Reversal, left: int) -> int:
    tokens = left if reversal.amount is None else reversal.amount
    if not 0 < tokens <= left:
        raise Unprocessable("over_reversal", f"{left} tokens are left of this spend")
    return tokens


def _give_back(account: Account, now: datetime, new: NewEntry, returned: list[Lot]) -> Change:
    expired = [lot for lot in returned if lot.expires_at <= int(now.timestamp())]
    account, entry = account.post(new, now)
    entries = [entry]
    for lot in expired:
        again = expiry_of(lot.id, lot.left, lot.expires_at, returned_by=new.details["idempotencyKey"])
        account, entry = account.post(again, now)
        entries.append(entry)
    to: dict[str, int] = {}
    joined: dict[str, str] = {}
    room = max(account.balance, 0) - lots.total(account.lots)  # a debt is paid first
    for lot in returned:
        left = min(lot.left, room)
        if lot not in expired and left > 0:
            room -= left
            to[lot.id] = left
            after, more = lots.put(account.lots, replace(lot, left=left))
            account, joined = replace(account, lots=after), joined | more
    record = ({"to": to} if to else {}) | ({"lotsJoined": joined} if joined else {})
    entries[0] = replace(entries[0], details={**entries[0].details, **record})
    return Change(account, tuple(entries))


def _lot(known: Known, id_: str, tokens: int) -> Lot:
    """Return the lot of a grant as its entry tells it, with these tokens."""
    grant = known.entries[id_]
    if grant is None:
        raise LookupError(f"{id_} is missing")
    return Lot(
        id_, tokens, from_text(grant.details["expiresAt"]), grant.details["priority"], int(grant.timestamp.timestamp())
    )


def _noted(change: Change, path: str, fields: dict[str, Any], stored: Stored | None) -> Change:
    if stored is None:
        return replace(change, documents={path: fields})
    return replace(change, updates=(Update(path, fields, stored.version),))


def _same(existing: Entry, reversal: Reversal) -> Entry:
    details = existing.details
    asked = (details["spendKey"], details["reason"], details["amountAsked"])
    if asked != (reversal.spend_key, reversal.reason, reversal.amount):
        raise Conflict("idempotency_conflict", "This idempotency_key was used for another reversal")
    return existing
