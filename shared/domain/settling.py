"""What time alone changes in an account: reservations and lots expire. Pure.

It is done before every decision, whoever makes it, and hourly for accounts that nobody changes. So nothing that has
expired is ever spent, however late it is swept.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from shared.domain.account import Account
from shared.domain.entry import Entry, NewEntry, spend_id
from shared.domain.reservation import Reservation
from shared.domain.times import as_text


def due_at(account: Account) -> int | None:
    """Return the UTC second at which the next reservation or lot expires, None when none will."""
    return min((at for at, _, _ in _agenda(account)), default=None)


def settle(
    account: Account, entries: Mapping[str, Entry | None], now: datetime
) -> tuple[Account, tuple[Entry, ...]] | None:
    """Return the account without what has expired, and the entries that this makes; None when nothing has.

    A reservation goes before a lot of the same second: what it charges is taken from the lot, not lost with it.

    Args:
        account: the account.
        entries: entries by id, as far as they have been looked up: what exists is not made again.
        now: the time.
    """
    now_s = int(now.timestamp())
    expired = sorted(one for one in _agenda(account) if one[0] <= now_s)
    if not expired:
        return None
    existing = {id_ for id_, entry in entries.items() if entry is not None}
    posted: list[Entry] = []
    for _, kind, id_ in expired:
        expire = _expire_reservation if kind == _RESERVATION else _expire_lot
        account, entry = expire(account, id_, existing, now)
        posted += [entry] if entry else []
    return account, tuple(posted)


_RESERVATION, _LOT = 0, 1


def _agenda(account: Account) -> Iterator[tuple[int, int, str]]:
    for key, reservation in account.reservations.items():
        yield reservation.expires_at, _RESERVATION, key
    for lot in account.lots:
        yield lot.expires_at, _LOT, lot.id


def _expire_reservation(
    account: Account, key: str, existing: Collection[str], now: datetime
) -> tuple[Account, Entry | None]:
    reservation, account = account.reservations[key], account.without_reservation(key)
    if not reservation.due:
        return account, None
    new = capture_of(account.uid, key, reservation, reservation.due, expired=True)
    # A plain spend may have used the key before.
    return (account, None) if new.id in existing else account.post(new, now, promised=True)


def _expire_lot(account: Account, id_: str, existing: Collection[str], now: datetime) -> tuple[Account, Entry | None]:
    lot = next((one for one in account.lots if one.id == id_), None)
    if lot is None:  # a reservation that expired with it took its tokens
        return account, None
    account = replace(account, lots=tuple(one for one in account.lots if one.id != id_))
    new = expiry_of(id_, lot.left, lot.expires_at)
    return (account, None) if new.id in existing else account.post(new, now)


def expiry_of(lot_id: str, tokens: int, expires_at: int, *, returned_by: str | None = None) -> NewEntry:
    """Return the entry by which tokens of a lot expire.

    Args:
        lot_id: whose.
        tokens: how many.
        expires_at: since when, UTC seconds.
        returned_by: the key of the reversal that gave them back when the lot had expired already.
    """
    id_ = f"expiry:{lot_id}" + (f":{returned_by}" if returned_by else "")
    return NewEntry(id_, "expiry", -tokens, {"lot": lot_id, "expiredAt": as_text(expires_at)})


def capture_of(uid: str, key: str, reservation: Reservation, tokens: int, *, expired: bool = False) -> NewEntry:
    """Return the entry by which a reservation is charged: it has the id of a plain spend with this key."""
    details = {"reason": reservation.reason, "idempotencyKey": key, "reserved": reservation.amount}
    return NewEntry(spend_id(uid, key), "spend", -tokens, details | ({"expired": True} if expired else {}))
