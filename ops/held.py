"""held list, release, reject: deciding on purchases that were paid and not credited."""

from dataclasses import dataclass
from typing import Any

import click

from ops import render
from ops.changes import account_view, carry_out, describe_entry
from ops.connection import Connection
from ops.held_purchase import HeldPurchase, purchase_of
from ops.options import SESSION, TOKENS, UID, ChangeOptions, change_options, connected, json_option, limit_option
from ops.reversal_check import refuse_unknown_reversals
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
    help="Those that wait for a decision, or that were decided.",
)
@limit_option(50)
@json_option
@connected
def list_held(connection: Connection, user: str | None, status: str, limit: int, *, as_json: bool) -> None:
    """List held purchases, the latest first."""
    found = connection.operator_ledger.held_purchases(status, uid=user, limit=limit)
    if as_json:
        render.as_json([one.as_json() for one in found])
        return
    columns = ("session", "user", "reason", "package", "claims", "paid", "held at", "decided by", "message")
    rows = [
        (
            one.session_id,
            one.uid,
            one.reason,
            one.package_id,
            one.tokens,
            f"{one.amount_total} {one.currency}",
            one.held_at,
            one.decided_by,
            one.message,
        )
        for one in found
    ]
    render.table(f"Purchases: {status}", columns, rows, prose=("message",))


@held.command()
@click.argument("session", type=SESSION)
@click.option("--user", type=UID, help="The buyer, if the session names none.")
@click.option("--tokens", type=TOKENS, help="How many to credit; by default what the terms at the paid price say.")
@connected
@change_options
def release(options: ChangeOptions, connection: Connection, session: str, user: str | None, tokens: int | None) -> None:
    """Credit a held purchase: by the terms at the price that was paid, or as you say; never what its session claims.

    One that was rejected can be released once its refund has failed.
    """
    decided_on = connection.operator_ledger.held_purchase(session)
    refund_failed = decided_on.status == "rejected" and _is_unrefunded(connection, decided_on)
    if decided_on.status == "rejected" and not refund_failed:
        raise Conflict("decided", f"{session} was rejected by {decided_on.decided_by}")
    purchase = purchase_of(decided_on, connection.catalog, user=user, tokens=tokens)
    connection.operator_ledger.account(purchase.uid)

    def act() -> str:
        if decided_on.status != "released":
            refuse_unknown_reversals(connection, purchase)
        return describe_entry(connection.operator_ledger.release(purchase, options.by, after_rejection=refund_failed))

    what = f"Credit {purchase.tokens} tokens to {purchase.uid} for {session}"
    carry_out(connection, options, what, view=_View(connection, session, purchase.uid), act=act)


@held.command()
@click.argument("session", type=SESSION)
@connected
@change_options
def reject(options: ChangeOptions, connection: Connection, session: str) -> None:
    """Refund a held purchase in Stripe and close it for good. Safe to rerun if interrupted."""
    decided_on = connection.operator_ledger.held_purchase(session)
    if decided_on.status == "released":
        raise Conflict("decided", f"{session} was released by {decided_on.decided_by}")
    payment = _payment_to_refund(connection, decided_on)

    def act() -> str:
        if decided_on.status == "rejected":
            return f"{session} was rejected before - nothing changed"
        # The money first: a hold that was refunded and not closed is found, and rejected again.
        refund = connection.gateway().refund_rest(payment, idempotency_key=f"reject:{session}") if payment else None
        try:
            connection.operator_ledger.reject(session, options.by, refund_id=refund)
        except Conflict as error:
            raise Conflict(
                error.code, f"{error.message} meanwhile; the event of its refund takes the tokens back"
            ) from error
        return f"{session} rejected, {_refunded(decided_on, payment, refund)}"

    what = f"Refund {decided_on.amount_total} {decided_on.currency} of {session} and reject it"
    carry_out(connection, options, what, view=_View(connection, session, decided_on.uid), act=act)


@dataclass(frozen=True, slots=True)
class _View:
    """A held purchase and its buyer's account, read again at each call."""

    connection: Connection
    session_id: str
    uid: str | None

    def __call__(self) -> dict[str, Any]:
        one = self.connection.operator_ledger.held_purchase(self.session_id)
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
        return hold | (account_view(self.connection.ledger.account(self.uid)) if self.uid else {})


def _payment_to_refund(connection: Connection, one: HeldPurchase) -> str | None:
    """Return the payment that a rejection refunds, None when there is nothing to refund here.

    Raises:
        BadInput: neither the hold nor Stripe names one.
    """
    if one.wrong_mode or one.amount_total == 0:
        return None
    if one.payment is not None:
        return one.payment
    session = connection.gateway().session(one.session_id) or {}
    payment = session.get("payment_intent")
    if isinstance(payment, str):
        return payment
    if session.get("payment_status") == "no_payment_required":
        return None
    raise BadInput("no_payment", f"Neither the hold nor Stripe names a payment of {one.session_id}: nothing to refund")


def _is_unrefunded(connection: Connection, one: HeldPurchase) -> bool:
    """Tell whether nothing of a hold's payment is refunded any more: then the refund of its rejection has failed."""
    return (
        one.payment is not None and not one.wrong_mode and connection.gateway().reversed_of_payment(one.payment)[0] == 0
    )


def _refunded(one: HeldPurchase, payment: str | None, refund_id: str | None) -> str:
    if one.wrong_mode:
        return "not refunded: it was paid in Stripe's other mode"
    if payment is None:
        return "nothing was paid"
    return f"refunded as {refund_id}" if refund_id else "it was refunded before"
