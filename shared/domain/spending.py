"""A backend's spend request becomes an entry, or a refusal that names the wrong field. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from shared.domain.entry import NewEntry, is_uid
from shared.domain.errors import BadInput

AMOUNT_MAX = 1_000_000_000
REASON_MAX = 200

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
# Control characters would garble a list of entries; Firestore refuses half a surrogate pair.
_REASON = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{REASON_MAX}}}")


def spend_of(body: Mapping[str, Any]) -> tuple[str, NewEntry]:
    """Return whose tokens are spent, and the entry.

    Args:
        body: `{"user_id", "amount", "reason", "idempotency_key"}`; `amount` in tokens.

    Raises:
        BadInput: a field is missing or wrong; the code names it.
    """
    uid, amount, reason, key = (body.get(name) for name in ("user_id", "amount", "reason", "idempotency_key"))
    if not is_uid(uid):
        raise BadInput("invalid_user_id", "user_id must be a Firebase uid")
    # type(): True is an int too.
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise BadInput("invalid_amount", f"amount must be a whole number from 1 to {AMOUNT_MAX}")
    if reason is None or (isinstance(reason, str) and not reason.strip()):
        raise BadInput("missing_reason", "reason must say what the tokens are spent on")
    if not (isinstance(reason, str) and _REASON.fullmatch(reason)):
        raise BadInput("invalid_reason", f"reason must be one line of at most {REASON_MAX} characters")
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise BadInput("invalid_idempotency_key", "idempotency_key must be 1 to 128 of the characters A-Za-z0-9_.:-")
    # A uid may have a colon in it: two users' spends must not share an id.
    whose = uid.replace("%", "%25").replace(":", "%3A")
    return uid, NewEntry(f"spend:{whose}:{key}", "spend", -amount, {"reason": reason, "idempotencyKey": key})
