"""POST at its own URL and below it: a trusted backend spends, reserves and gives back a user's tokens.

Cloud Run's IAM decides who may call it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import functions_framework
from flask import Request

from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.firestore.reservations import Reservations
from shared.adapters.google_identity import Admission
from shared.domain.crediting import Duplicate
from shared.domain.entry import spend_id
from shared.domain.errors import (
    Conflict,
    LedgerConflict,
    NotEnoughTokens,
    NotFound,
    TooManyReservations,
    Unprocessable,
)
from shared.domain.posting import Posted
from shared.domain.reserving import Reserved
from shared.domain.spend_requests import (
    ReservationKey,
    capture_request_of,
    renewal_of,
    reservation_key_of,
    reservation_of,
    reversal_of,
    spend_of,
)
from shared.domain.times import as_text
from shared.runtime import http, logs, settings

SETTINGS = settings.load("GOOGLE_CLOUD_PROJECT", private=True)
ADMISSION = Admission(SETTINGS.callers, on_cloud_run=SETTINGS.on_cloud_run)

Answer = dict[str, Any]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the handler uses."""

    ledger: Ledger

    @property
    def reservations(self) -> Reservations:
        """The ledger's reservations."""
        return Reservations(self.ledger.store)


@functions_framework.http
@http.endpoint("POST", project=SETTINGS.project, admit=ADMISSION.check)
def spend_tokens(request: Request) -> dict[str, Any]:
    """Answer with what was made and the tokens after it; the same key again gets the same answer."""
    return handle(request, dependencies())


def handle(request: Request, using: Dependencies) -> Answer:
    """Do what the path says.

    Raises:
        NotFound: the path is none of ACTIONS.
    """
    action = ACTIONS.get(request.path.strip("/"))
    if action is None:
        raise NotFound("not_found", f"There is nothing at {request.path}")
    return action(http.json_object(request), using)


def spend(body: Body, using: Dependencies) -> Answer:
    """Spend tokens, once per key."""
    uid, new = spend_of(body)
    with _refusals_logged("Spent nothing", user_id=uid, entry_id=new.id, tokens=-new.amount):
        outcome = using.ledger.post(uid, new)
    return _posted(outcome, "tokens.spent", f"Spent {-new.amount} tokens of user {uid}")


def reserve(body: Body, using: Dependencies) -> Answer:
    """Set tokens aside for a job, once per key."""
    request = reservation_of(body)
    with _refusals_logged("Reserved nothing", **_ids(request.whose), tokens=request.amount):
        outcome = using.reservations.reserve(request)
    return _reserved(outcome, request.whose, "tokens.reserved", "Reserved")


def renew(body: Body, using: Dependencies) -> Answer:
    """Let a reservation live longer, and note what was used so far."""
    renewal = renewal_of(body)
    with _refusals_logged("Renewed nothing", **_ids(renewal.whose)):
        outcome = using.reservations.renew(renewal)
    return _reserved(outcome, renewal.whose, "tokens.renewed", "Renewed a reservation of")


def capture(body: Body, using: Dependencies) -> Answer:
    """Charge what a job has cost."""
    wanted = capture_request_of(body)
    with _refusals_logged("Captured nothing", **_ids(wanted.whose), tokens=wanted.amount):
        outcome = using.reservations.capture(wanted)
    return _posted(outcome, "tokens.captured", f"Captured {wanted.amount} reserved tokens of user {wanted.whose.uid}")


def release(body: Body, using: Dependencies) -> Answer:
    """Free a reservation."""
    whose = reservation_key_of(body)
    with _refusals_logged("Released nothing", **_ids(whose)):
        outcome = using.reservations.release(whose)
    return _reserved(outcome, whose, "tokens.released", "Released a reservation of")


def reverse(body: Body, using: Dependencies) -> Answer:
    """Give back tokens of a spend, once per key."""
    reversal = reversal_of(body)
    with _refusals_logged("Gave nothing back", user_id=reversal.uid, spend_key=reversal.spend_key):
        outcome = using.ledger.reverse_spend(reversal)
    sentence = f"Gave {outcome.entry.amount} tokens back to user {reversal.uid}"
    return _posted(outcome, "tokens.given_back", sentence)


ACTIONS: Mapping[str, Callable[[Body, Dependencies], Answer]] = {
    "": spend,
    "reservations": reserve,
    "reservations/renew": renew,
    "reservations/capture": capture,
    "reservations/release": release,
    "reversals": reverse,
}
"""What is done at each path below the function's address."""


def _posted(outcome: Posted | Duplicate, event: str, sentence: str) -> Answer:
    entry = outcome.entry
    ids = {"user_id": entry.uid, "entry_id": entry.id, "tokens": abs(entry.amount)}
    if isinstance(outcome, Posted):
        logs.info(event, sentence, balance_after=entry.balance_after, **ids)
    else:
        logs.info("tokens.duplicate", f"{entry.id} already processed - skipping duplicate", **ids)
    return {"transaction": entry.as_json(), "balance": entry.balance_after, "available": entry.available_after}


def _reserved(outcome: Reserved, whose: ReservationKey, event: str, what: str) -> Answer:
    one = outcome.reservation
    if outcome.is_new:
        sentence = f"{what} {one.amount} tokens of user {whose.uid}"
        logs.info(event, sentence, tokens=one.amount, used=one.used, available=outcome.available, **_ids(whose))
    else:
        sentence = f"Reservation {whose.key} of user {whose.uid} is {one.state} already - nothing changed"
        logs.info("tokens.duplicate", sentence, state=one.state, **_ids(whose))
    reservation = {
        "idempotency_key": one.key,
        "amount": one.amount,
        "used": one.used,
        "state": one.state,
        "expires_at": as_text(one.expires_at),
    }
    return {"reservation": reservation, "balance": outcome.balance, "available": outcome.available}


def _ids(whose: ReservationKey) -> dict[str, str]:
    return {"user_id": whose.uid, "entry_id": spend_id(whose.uid, whose.key)}


@contextmanager
def _refusals_logged(what: str, **ids: object) -> Iterator[None]:
    """Record why a request was refused."""
    try:
        yield
    except LedgerConflict as error:
        logs.warning("tokens.refused", str(error), reason="idempotency_conflict", **ids)
        raise Conflict("idempotency_conflict", "This idempotency_key was used for another request") from error
    except Conflict as error:
        logs.warning("tokens.refused", f"{what}: {error.message}", reason=error.code, **ids)
        raise
    except (NotEnoughTokens, NotFound, TooManyReservations, Unprocessable) as error:
        logs.info("tokens.refused", f"{what}: {error.message}", reason=error.code, **ids)
        raise


@cache
def dependencies() -> Dependencies:
    """Build what the handler uses, at the first request."""
    return Dependencies(connect_ledger(SETTINGS.project))
