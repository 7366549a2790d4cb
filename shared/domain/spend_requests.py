"""A backend's requests about a user's tokens, read from JSON, or refused with the name of the wrong field. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.entry import NewEntry, escaped, is_uid, spend_id
from shared.domain.errors import BadInput
from shared.domain.reservation import OnExpiry
from shared.domain.times import DAY_S

AMOUNT_MAX = 1_000_000_000
REASON_MAX = 200
EXPIRES_IN_S_MAX = DAY_S
EXPIRES_IN_S_DEFAULT = 900
EXPIRES_IN_DAYS_MAX = 3_650
PRIORITY_MAX = 100
PRIORITY_DEFAULT = 50

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
# What Firestore refuses as a name in a map, which an account's reservations are.
_RESERVED_NAME = re.compile(r"__.*__")
# Control characters would garble a list of entries; Firestore refuses half a surrogate pair.
_REASON = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{REASON_MAX}}}")

Body = Mapping[str, Any]
"""A JSON object. An optional field may be null, which is the same as to leave it out."""


@dataclass(frozen=True, slots=True)
class ReservationKey:
    """Which reservation: its user's uid and its idempotency key."""

    uid: str
    key: str


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """A request to set tokens aside: at most `amount`, at least `at_least`."""

    whose: ReservationKey
    amount: int
    at_least: int
    reason: str
    expires_in_s: int
    on_expiry: OnExpiry

    def fields(self) -> dict[str, Any]:
        """Return what the same key has to ask for again."""
        return {
            "amount": self.amount,
            "atLeast": self.at_least,
            "reason": self.reason,
            "expiresInS": self.expires_in_s,
            "onExpiry": self.on_expiry,
        }


@dataclass(frozen=True, slots=True)
class Renewal:
    """A request to let a reservation live longer; `used` is None when the caller does not say."""

    whose: ReservationKey
    used: int | None
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Capture:
    """A request to charge a reservation."""

    whose: ReservationKey
    amount: int


@dataclass(frozen=True, slots=True)
class Reversal:
    """A request to give back tokens of a spend: `amount` of them, or all that are left when it is None."""

    uid: str
    spend_key: str
    amount: int | None
    reason: str
    key: str


def spend_of(body: Body) -> tuple[str, NewEntry]:
    """Return whose tokens are spent, and the entry.

    Args:
        body: `{"user_id", "amount", "reason", "idempotency_key"}`; `amount` in tokens.

    Raises, as all of these: BadInput: a field is missing or wrong; the code names it.
    """
    uid, amount, reason, key = _uid(body), _amount(body), _reason(body), _key(body)
    return uid, NewEntry(spend_id(uid, key), "spend", -amount, {"reason": reason, "idempotencyKey": key})


def reservation_of(body: Body) -> ReservationRequest:
    """Return what is to be reserved.

    Args:
        body: `{"user_id", "amount", "at_least"?, "reason", "idempotency_key", "expires_in_s"?, "on_expiry"?}`.
    """
    uid, amount, reason, key = _uid(body), _amount(body), _reason(body), _key(body)
    at_least = _whole_number(body, "at_least", 1, amount, default=amount)
    on_expiry: Any = "release" if body.get("on_expiry") is None else body["on_expiry"]
    if on_expiry not in ("release", "capture_used"):
        raise BadInput("invalid_on_expiry", "on_expiry must be release or capture_used")
    if _RESERVED_NAME.fullmatch(key):
        raise BadInput("invalid_idempotency_key", "The idempotency_key of a reservation must not be __…__")
    return ReservationRequest(ReservationKey(uid, key), amount, at_least, reason, _expires_in_s(body), on_expiry)


def renewal_of(body: Body) -> Renewal:
    """Return which reservation is renewed. `body`: `{"user_id", "idempotency_key", "used"?, "expires_in_s"?}`."""
    used = None if body.get("used") is None else _whole_number(body, "used", 0, AMOUNT_MAX)
    return Renewal(reservation_key_of(body), used, _expires_in_s(body))


def capture_request_of(body: Body) -> Capture:
    """Return what is charged. `body`: `{"user_id", "idempotency_key", "amount"}`."""
    return Capture(reservation_key_of(body), _amount(body))


def reservation_key_of(body: Body) -> ReservationKey:
    """Return which reservation is meant. `body`: `{"user_id", "idempotency_key"}`."""
    return ReservationKey(_uid(body), _key(body))


def reversal_of(body: Body) -> Reversal:
    """Return which spend is reversed. `body`: `{"user_id", "spend_key", "amount"?, "reason", "idempotency_key"}`."""
    amount = None if body.get("amount") is None else _amount(body)
    return Reversal(_uid(body), _key(body, "spend_key"), amount, _reason(body), _key(body))


def grant_of(body: Body) -> tuple[str, NewEntry]:
    """Return who is given tokens, and the entry.

    Args:
        body: `{"user_id", "amount", "reason", "idempotency_key", "expires_in_days"?, "priority"?}`. Without
            `expires_in_days` the tokens never expire; those of the lowest `priority` (0 to 100) are spent first.
    """
    uid, amount, reason, key = _uid(body), _amount(body), _reason(body), _key(body)
    # None too: a repeated request that says something else about expiry is another grant.
    details: dict[str, Any] = {"reason": reason, "idempotencyKey": key, "expiresInDays": None}
    id_ = f"grant:{escaped(uid)}:{key}"
    if body.get("expires_in_days") is None:
        if body.get("priority") is not None:
            raise BadInput("invalid_priority", "priority is for tokens that expire: send expires_in_days too")
        return uid, NewEntry(id_, "grant", amount, details | {"expiresInDays": None})
    days = _whole_number(body, "expires_in_days", 1, EXPIRES_IN_DAYS_MAX)
    priority = _whole_number(body, "priority", 0, PRIORITY_MAX, default=PRIORITY_DEFAULT)
    return uid, NewEntry(id_, "grant", amount, details | {"expiresInDays": days, "priority": priority}, days, priority)


def _uid(body: Body) -> str:
    uid = body.get("user_id")
    if not is_uid(uid):
        raise BadInput("invalid_user_id", "user_id must be a Firebase uid")
    return uid


def _amount(body: Body) -> int:
    return _whole_number(body, "amount", 1, AMOUNT_MAX)


def _expires_in_s(body: Body) -> int:
    return _whole_number(body, "expires_in_s", 1, EXPIRES_IN_S_MAX, default=EXPIRES_IN_S_DEFAULT)


def _whole_number(body: Body, name: str, least: int, most: int, *, default: int | None = None) -> int:
    value = body.get(name)
    if value is None and default is not None:
        return default
    # type(): True is an int too.
    if type(value) is not int or not least <= value <= most:
        raise BadInput(f"invalid_{name}", f"{name} must be a whole number from {least} to {most}")
    return value


def _reason(body: Body) -> str:
    reason = body.get("reason")
    if reason is None or (isinstance(reason, str) and not reason.strip()):
        raise BadInput("missing_reason", "reason must say what the tokens are for")
    if not (isinstance(reason, str) and _REASON.fullmatch(reason)):
        raise BadInput("invalid_reason", f"reason must be one line of at most {REASON_MAX} characters")
    return reason


def _key(body: Body, name: str = "idempotency_key") -> str:
    key = body.get(name)
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise BadInput(f"invalid_{name}", f"{name} must be 1 to 128 of the characters A-Za-z0-9_.:-")
    return key
