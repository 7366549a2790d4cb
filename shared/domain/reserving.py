"""The decisions on reservations: make one, renew it, capture it, release it. Pure.

A reservation is open while it is in its account. What was asked for is kept in a document for good, so that the same
key never reserves twice; the entry of its capture has the id of a plain spend, so that a job is never charged twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any, NoReturn

from shared.domain.account import Account
from shared.domain.change import Change, Decided, Known, Lookup, Stored, Update
from shared.domain.crediting import Duplicate
from shared.domain.entry import Entry, escaped, spend_id
from shared.domain.errors import Conflict, NotEnoughTokens, NotFound, TooManyReservations, Unprocessable
from shared.domain.posting import Posted
from shared.domain.reservation import RESERVATIONS_MAX, Reservation, ReservationStatus, State
from shared.domain.settling import capture_of
from shared.domain.spend_requests import Capture, Renewal, ReservationKey, ReservationRequest


@dataclass(frozen=True, slots=True)
class Reserved:
    """The reservation as it is now, with the account's tokens; `is_new` tells whether this request changed it."""

    reservation: ReservationStatus
    balance: int
    available: int
    is_new: bool


def decide_reserve(
    account: Account, known: Known, now: datetime, *, request: ReservationRequest
) -> Decided[Reserved] | Lookup:
    """Set tokens aside, once per key: as many as are available between `at_least` and `amount`.

    That a plain spend has used the key is found out only on the way: to look first would cost every reservation a
    read. It does no harm: the reservation cannot be captured, and expires.

    Raises:
        NotFound: the account does not exist.
        NotEnoughTokens: fewer than `at_least` are available.
        TooManyReservations: the account has as many open ones as it may have.
        Conflict: the key was used for something else.
    """
    whose, path = request.whose, path_of(request.whose)
    if whose.key in account.reservations or known.documents.get(path) is not None:
        missing = _missing(account, known, whose)
        if missing:
            return missing
        stored = _stored(known, path)
        if stored.fields["request"] != request.fields():
            raise Conflict("idempotency_conflict", "This idempotency_key was used for another reservation")
        return Decided(_reserved(account, _status(account, known, whose, stored), is_new=False))
    if known.entries.get(spend_id(whose.uid, whose.key)) is not None:
        # Unless it is the charge of this very reservation, which may just have expired.
        missing = known.missing(documents=(path,))
        if missing:
            return missing
        raise Conflict("idempotency_conflict", "This idempotency_key was used for a spend")
    try:
        reservation = _reservation(account, now, request)
    except (NotFound, NotEnoughTokens, TooManyReservations):
        # This very reservation may be what takes the tokens, or may have been captured.
        missing = known.missing(documents=(path,), entries=(spend_id(whose.uid, whose.key),))
        if missing:
            return missing
        raise
    after = account.with_reservation(whose.key, reservation)
    status = _status_of_open(whose.key, reservation)
    documents = {path: stored_fields(request, reservation, now)}
    return Decided(_reserved(after, status, is_new=True), Change(after, documents=documents))


def decide_renew(account: Account, known: Known, now: datetime, *, renewal: Renewal) -> Decided[Reserved] | Lookup:
    """Let an open reservation live longer, and note how much of it is used so far.

    Neither the time nor what is used ever goes back: a renewal that arrives late, after a later one, undoes nothing.

    Raises:
        NotFound: there is no such reservation.
        Conflict: it is closed.
        Unprocessable: more was used than is reserved.
    """
    reservation = account.reservations.get(renewal.whose.key)
    if reservation is None:
        return _missing(account, known, renewal.whose) or _refuse_closed(account, known, renewal.whose)
    used = reservation.used if renewal.used is None else renewal.used
    _refuse_more_than(reservation, used)
    renewed = replace(
        reservation,
        used=max(reservation.used, used),
        expires_at=max(reservation.expires_at, _after(now, renewal.expires_in_s)),
    )
    status = _status_of_open(renewal.whose.key, renewed)
    if renewed == reservation:
        return Decided(_reserved(account, status, is_new=False))
    after = account.with_reservation(renewal.whose.key, renewed)
    return Decided(_reserved(after, status, is_new=True), Change(after))


def decide_capture(
    account: Account, known: Known, now: datetime, *, capture: Capture
) -> Decided[Posted | Duplicate] | Lookup:
    """Charge what a job has cost, at most what is reserved for it, and free the rest.

    It is honored even when a refund has taken the balance below it meanwhile.

    Raises:
        NotFound: there is no such reservation.
        Conflict: it was released or has expired, or another amount was charged.
        Unprocessable: it is more than is reserved.
    """
    whose = capture.whose
    reservation = account.reservations.get(whose.key)
    if reservation is None:
        missing = _missing(account, known, whose)
        if missing:
            return missing
        entry = known.entries[spend_id(whose.uid, whose.key)]
        if entry is not None and known.documents[path_of(whose)] is not None and entry.amount == -capture.amount:
            return Decided(Duplicate(entry))
        _refuse_closed(account, known, whose, amount=capture.amount)
    _refuse_more_than(reservation, capture.amount)
    new = capture_of(account.uid, whose.key, reservation, capture.amount)
    if known.entries.get(new.id) is not None:
        raise Conflict("idempotency_conflict", "This idempotency_key was used for a spend")
    after, entry = account.without_reservation(whose.key).post(new, now, promised=True)
    return Decided(Posted(entry), Change(after, (entry,)))


def decide_release(
    account: Account, known: Known, now: datetime, *, whose: ReservationKey
) -> Decided[Reserved] | Lookup:
    """Free a reservation that is not needed; one that was released or has expired without a charge stays so.

    Raises:
        NotFound: there is no such reservation.
        Conflict: it was captured.
    """
    missing = known.missing(documents=(path_of(whose),)) or _missing(account, known, whose)
    if missing:
        return missing
    stored = known.documents[path_of(whose)]
    if stored is None:
        _refuse_closed(account, known, whose)
    status = _status(account, known, whose, stored)
    if status.state != "open":
        if status.used:
            _refuse_closed(account, known, whose)
        return Decided(_reserved(account, status, is_new=False))
    after = account.without_reservation(whose.key)
    fields = {"state": "released", "closedAt": now, "expiresAt": datetime.fromtimestamp(status.expires_at, UTC)}
    released = _closed(whose.key, {**stored.fields, **fields}, None)  # as it will be told again
    update = Update(path_of(whose), fields, stored.version)
    return Decided(_reserved(after, released, is_new=True), Change(after, updates=(update,)))


def path_of(whose: ReservationKey) -> str:
    """Return the path of the document that keeps what a reservation asked for."""
    return f"reservations/{escaped(whose.uid)}:{whose.key}"


def stored_fields(request: ReservationRequest, reservation: Reservation, now: datetime) -> dict[str, Any]:
    """Return the fields of the document that keeps what a reservation asked for, and whether it was released."""
    return {
        "userId": request.whose.uid,
        "idempotencyKey": request.whose.key,
        "request": request.fields(),
        "amount": reservation.amount,
        "expiresAt": datetime.fromtimestamp(reservation.expires_at, UTC),
        "state": "open",
        "createdAt": now,
    }


def _reservation(account: Account, now: datetime, request: ReservationRequest) -> Reservation:
    if not account.exists:
        raise NotFound("unknown_user", f"There is no user {account.uid}")
    if len(account.reservations) >= RESERVATIONS_MAX:
        first = min(one.expires_at for one in account.reservations.values())
        raise TooManyReservations(RESERVATIONS_MAX, max(1, first - int(now.timestamp())))
    if account.available < request.at_least:
        raise NotEnoughTokens(account.balance, account.reserved)
    amount = min(request.amount, account.available)
    return Reservation(amount, 0, _after(now, request.expires_in_s), request.on_expiry, request.reason)


def _after(now: datetime, seconds: int) -> int:
    """Return when so many seconds are over; the fraction of a second is the caller's."""
    return ceil(now.timestamp()) + seconds


def _missing(account: Account, known: Known, whose: ReservationKey) -> Lookup:
    """Return what has to be looked up to say what became of a reservation."""
    entries = () if whose.key in account.reservations else (spend_id(whose.uid, whose.key),)
    return known.missing(documents=(path_of(whose),), entries=entries)


def _stored(known: Known, path: str) -> Stored:
    stored = known.documents[path]
    if stored is None:  # an account's reservation and its document are created by one commit
        raise LookupError(f"{path} is missing")
    return stored


def _status(account: Account, known: Known, whose: ReservationKey, stored: Stored) -> ReservationStatus:
    reservation = account.reservations.get(whose.key)
    if reservation is not None:
        return _status_of_open(whose.key, reservation)
    return _closed(whose.key, stored.fields, known.entries[spend_id(whose.uid, whose.key)])


def _status_of_open(key: str, reservation: Reservation) -> ReservationStatus:
    return ReservationStatus(key, reservation.amount, reservation.used, "open", reservation.expires_at)


def _closed(key: str, fields: Mapping[str, Any], entry: Entry | None) -> ReservationStatus:
    amount, expires_at = fields["amount"], int(fields["expiresAt"].timestamp())
    if fields["state"] == "released":  # whatever a plain spend with the same key has charged
        return ReservationStatus(key, amount, 0, "released", expires_at)
    if entry is None:
        return ReservationStatus(key, amount, 0, "expired", expires_at)
    state: State = "expired" if entry.details.get("expired") else "captured"
    return ReservationStatus(key, amount, -entry.amount, state, expires_at)


def _reserved(account: Account, status: ReservationStatus, *, is_new: bool) -> Reserved:
    return Reserved(status, account.balance, account.available, is_new)


def _refuse_more_than(reservation: Reservation, tokens: int) -> None:
    if tokens > reservation.amount:
        raise Unprocessable("over_reservation", f"Only {reservation.amount} tokens are reserved")


def _refuse_closed(account: Account, known: Known, whose: ReservationKey, amount: int | None = None) -> NoReturn:
    """Refuse to change a reservation that is not open."""
    stored = known.documents[path_of(whose)]
    if stored is None:
        if not account.exists:
            raise NotFound("unknown_user", f"There is no user {whose.uid}")
        raise NotFound("unknown_reservation", f"There is no reservation {whose.key} of this user")
    status = _closed(whose.key, stored.fields, known.entries[spend_id(whose.uid, whose.key)])
    if status.state == "captured" and amount is not None:
        raise Conflict("idempotency_conflict", f"{status.used} tokens were captured under this idempotency_key")
    if status.used:
        raise Conflict("reservation_captured", f"{status.used} tokens of this reservation were charged")
    raise Conflict("reservation_released", f"This reservation is {status.state}")
