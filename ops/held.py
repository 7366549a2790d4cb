"""held list, release, reject: a person decides on purchases that were paid and not credited."""

from dataclasses import dataclass
from typing import Any

import click

from ops import render
from ops.changes import account_view, carry_out, posted
from ops.connection import Connection
from ops.held_purchase import HeldPurchase, purchase_of
from ops.options import SESSION, TOKENS, UID, Asked, asked_options, connected, json_option, limit_option
from ops.reversal_check import refuse_unheard_reversals
from shared.domain.errors import BadInput, Conflict


@click.group()
def held() -> None:
    """Decide on purchases that were paid and not credited."""


@held.command("list")
@click.option("--user", type=UID, help="Only this user's.")
@click.option(
    "--status",
    type=click.Choice(["held", "released", "rejected"]),
    default="held",
    show_default=True,
    help="How they stand.",
)
@limit_option(50)
@json_option
@connected
def list_held(at: Connection, user: str | None, status: str, limit: int, *, as_json: bool) -> None:
    """List held purchases, the latest first."""
    found = at.ledger.held_purchases(status, uid=user, limit=limit)
    if as_json:
        render.as_json([one.as_json() for one in found])
        return
    columns = ("session", "user", "reason", "package", "claims", "paid", "held at", "decided by", "message")
    rows = [
        (
            *(one.session_id, one.uid, one.reason, one.package_id, one.tokens),
            *(f"{one.amount_total} {one.currency}", one.held_at, one.decided_by, one.message),
        )
        for one in found
    ]
    render.table(f"Purchases: {status}", columns, rows)


@held.command()
@click.argument("session", type=SESSION)
@click.option("--user", type=UID, help="Who bought it, where the session does not say.")
@click.option("--tokens", type=TOKENS, help="How many to credit; the terms of what was paid unless given.")
@connected
@asked_options
def release(asked: Asked, at: Connection, session: str, user: str | None, tokens: int | None) -> None:
    """Credit a held purchase. What its session claims counts for nothing: the terms at the paid price do, or you.

    One that was rejected can be released once its refund failed.
    """
    decided_on = at.ledger.held_purchase(session)
    refund_failed = decided_on.status == "rejected" and _is_unrefunded(at, decided_on)
    if decided_on.status == "rejected" and not refund_failed:
        raise Conflict("decided", f"{session} was rejected by {decided_on.decided_by}")
    purchase = purchase_of(decided_on, at.catalog, user=user, tokens=tokens)
    at.ledger.user(purchase.uid)

    def act() -> str:
        if decided_on.status != "released":
            refuse_unheard_reversals(at, purchase)
        return posted(at.ledger.release(purchase, asked.decision, refund_failed=refund_failed))

    what = f"Credit {purchase.tokens} tokens to {purchase.uid} for {session}"
    carry_out(at, asked, what, view=_View(at, session, purchase.uid), act=act)


@held.command()
@click.argument("session", type=SESSION)
@connected
@asked_options
def reject(asked: Asked, at: Connection, session: str) -> None:
    """Refund a held purchase in Stripe and close it for good. Interrupted, it can be run again."""
    decided_on = at.ledger.held_purchase(session)
    if decided_on.status == "released":
        raise Conflict("decided", f"{session} was released by {decided_on.decided_by}")
    payment = _payment_to_refund(at, decided_on)

    def act() -> str:
        if decided_on.status == "rejected":
            return f"{session} was rejected before - nothing changed"
        # The money first: what is refunded and still held is found and run again, the other way round is lost.
        refund = at.gateway().refund_rest(payment, idempotency_key=f"reject:{session}") if payment else None
        try:
            at.ledger.reject(session, asked.decision, refund_id=refund)
        except Conflict as error:
            raise Conflict(
                error.code, f"{error.message} meanwhile; the event of its refund takes the tokens back"
            ) from error
        return f"{session} rejected, {_refunded(decided_on, payment, refund)}"

    what = f"Refund {decided_on.amount_total} {decided_on.currency} of {session} and reject it"
    carry_out(at, asked, what, view=_View(at, session, decided_on.uid), act=act)


@dataclass(frozen=True, slots=True)
class _View:
    """A held purchase and its buyer's account, read anew at each call."""

    at: Connection
    session_id: str
    uid: str | None

    def __call__(self) -> dict[str, Any]:
        one = self.at.ledger.held_purchase(self.session_id)
        hold = {
            "session": one.session_id,
            "status": one.status,
            "held because": one.message,
            "package claimed": one.package_id,
            "tokens claimed": one.tokens,
            "amount paid": f"{one.amount_total} {one.currency}",
            "payment": one.payment_intent_id,
            "decided by": one.decided_by,
            "decision": one.decision_reason,
        }
        return hold | (account_view(self.at.ledger.account(self.uid)) if self.uid else {})


def _payment_to_refund(at: Connection, one: HeldPurchase) -> str | None:
    """Return the payment that a rejection gives back, None when there is nothing to give back here.

    Raises:
        BadInput: neither the hold nor Stripe names one.
    """
    if one.wrong_mode or one.amount_total == 0:
        return None
    if one.payment is not None:
        return one.payment
    session = at.gateway().session(one.session_id) or {}
    payment = session.get("payment_intent")
    if isinstance(payment, str):
        return payment
    if session.get("payment_status") == "no_payment_required":
        return None
    raise BadInput("no_payment", f"Neither the hold nor Stripe names a payment of {one.session_id}: nothing to refund")


def _is_unrefunded(at: Connection, one: HeldPurchase) -> bool:
    """Tell whether nothing of a hold's payment is refunded any more: then the refund of its rejection failed."""
    return one.payment is not None and not one.wrong_mode and at.gateway().reversed_of_payment(one.payment)[0] == 0


def _refunded(one: HeldPurchase, payment: str | None, refund_id: str | None) -> str:
    if one.wrong_mode:
        return "not refunded: it was paid in Stripe's other mode"
    if payment is None:
        return "nothing was paid"
    return f"refunded as {refund_id}" if refund_id else "it was refunded before"
