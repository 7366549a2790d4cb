"""held list, release, reject: deciding on purchases that were paid and not credited."""

from dataclasses import dataclass
from typing import Any

import click

from ops import render
from ops.changes import account_view, carry_out, describe_entry
from ops.connection import Connection
from ops.decisions import Refund
from ops.held_purchase import HeldPurchase, is_cents, purchase_of, refund_plan, why_not_refunded
from ops.json_fields import json_fields
from ops.options import SESSION, TOKENS, UID, ChangeOptions, change_options, connected, json_option, limit_option
from ops.stripe_facts import facts_at_stripe, taken_back
from shared.domain.errors import BadInput, Conflict, StripeRefused
from shared.domain.payment_facts import PaymentFacts


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
        render.as_json([json_fields(hold) for hold in found])
        return
    columns = ("session", "user", "reason", "package", "claims", "paid", "held at", "decided by", "message")
    rows = [
        (
            hold.session_id,
            hold.uid,
            hold.reason,
            hold.package_id,
            hold.tokens,
            hold.paid,
            hold.held_at,
            hold.decided_by,
            hold.message,
        )
        for hold in found
    ]
    render.table(f"Purchases: {status}", columns, rows)


@held.command()
@click.argument("session", type=SESSION)
@click.option("--user", type=UID, help="The buyer, if the session names none.")
@click.option("--tokens", type=TOKENS, help="How many to credit; by default what the terms at the paid price say.")
@connected
@change_options
def release(options: ChangeOptions, connection: Connection, session: str, user: str | None, tokens: int | None) -> None:
    """Credit a held purchase and close it.

    It is credited by the terms at the price that was paid, or as you say; never what its session claims. What Stripe
    reports of its refunds and disputes is taken back at once. A purchase that was rejected can be released once its
    refund has failed.
    """
    decided_on = connection.operator_ledger.held_purchase(session)
    rejected = decided_on.status == "rejected"
    reported = _reported(connection, decided_on)
    if rejected and not _has_come_back(decided_on, reported):
        raise Conflict("decided", f"{session} was rejected by {decided_on.decided_by}")
    purchase = purchase_of(decided_on, connection.catalog, user=user, tokens=tokens)
    connection.operator_ledger.account(purchase.uid)

    def act() -> str:
        return describe_entry(
            connection.operator_ledger.release(purchase, options.by, reported=reported, after_rejection=rejected)
        )

    taken = taken_back(connection.ledger, purchase, reported)
    what = f"Credit {purchase.tokens} tokens to {purchase.uid} for {session}{taken}"
    carry_out(connection, options, what, view=_View(connection, session, purchase.uid), act=act)


@held.command()
@click.argument("session", type=SESSION)
@click.option(
    "--no-refund", is_flag=True, help="Refund nothing: the money was returned elsewhere, or a dispute took it."
)
@connected
@change_options
def reject(options: ChangeOptions, connection: Connection, session: str, *, no_refund: bool) -> None:
    """Refund a held purchase and close it.

    What is left of its payment is refunded in Stripe; no replay credits it any more. Safe to rerun if interrupted.
    """
    decided_on = connection.operator_ledger.held_purchase(session)
    if decided_on.status == "released":
        raise Conflict("decided", f"{session} was released by {decided_on.decided_by}")
    is_open = decided_on.status == "held"
    payment = _payment_to_refund(connection, decided_on) if is_open and not no_refund else None
    not_refunded = why_not_refunded(decided_on, payment, waived=no_refund)
    plan = refund_plan(decided_on, payment, facts_at_stripe(connection.gateway, payment)) if payment else not_refunded

    def act() -> str:
        if not is_open:
            return f"{session} is rejected already - nothing changed"
        # The money first: a hold that was refunded and not closed is found, and rejected again.
        refund_id = _refund(connection, session, payment) if payment else None
        try:
            connection.operator_ledger.reject(session, options.by, Refund(payment, refund_id, waived=no_refund))
        except Conflict as error:
            effect = "; the event of its refund will take the tokens back" if refund_id else ""
            raise Conflict(error.code, f"{error.message} meanwhile{effect}") from error
        return f"{session} rejected, {f'refunded as {refund_id}' if refund_id else not_refunded}"

    view = _View(connection, session, decided_on.uid)
    carry_out(connection, options, f"Reject {session}: {plan}", view=view, act=act, ask=is_open)


@dataclass(frozen=True, slots=True)
class _View:
    """A held purchase and its buyer's account, read again at each call."""

    connection: Connection
    session_id: str
    uid: str | None

    def __call__(self) -> dict[str, Any]:
        hold = self.connection.operator_ledger.held_purchase(self.session_id)
        shown = {
            "sessionId": hold.session_id,
            "status": hold.status,
            "heldBecause": hold.message,
            "packageClaimed": hold.package_id,
            "tokensClaimed": hold.tokens,
            "paid": hold.paid,
            "paymentIntentId": hold.payment_intent_id,
            "refundId": hold.refund_id,
            "decidedBy": hold.decided_by,
            "decisionReason": hold.decision_reason,
        }
        return shown | (account_view(self.connection.ledger.account(self.uid)) if self.uid else {})


def _reported(connection: Connection, hold: HeldPurchase) -> PaymentFacts:
    """Return what Stripe reports of the payment of a hold that may be released."""
    if hold.wrong_mode or hold.status == "released":
        return PaymentFacts()
    return facts_at_stripe(connection.gateway, hold.payment)


def _has_come_back(hold: HeldPurchase, reported: PaymentFacts) -> bool:
    """Tell whether money that a rejection refunded is with the shop again, because a refund failed."""
    paid = hold.amount_total
    return not hold.refund_waived and bool(reported.failed) and is_cents(paid) and reported.refunded_cents < paid


def _payment_to_refund(connection: Connection, hold: HeldPurchase) -> str | None:
    """Return the payment that a rejection refunds, None when there is nothing to refund here.

    Raises:
        BadInput: neither the hold nor Stripe names one.
    """
    if hold.wrong_mode or hold.amount_total == 0:
        return None
    if hold.payment is not None:
        return hold.payment
    session = connection.gateway().session(hold.session_id) or {}
    payment = session.get("payment_intent")
    if isinstance(payment, str):
        return payment
    if session.get("payment_status") == "no_payment_required":
        return None
    raise BadInput(
        "no_payment",
        f"Neither the hold nor Stripe names a payment of {hold.session_id}: reject it with --no-refund",
    )


def _refund(connection: Connection, session: str, payment: str) -> str | None:
    try:
        return connection.gateway().refund_rest(payment, idempotency_key=f"reject:{session}")
    except StripeRefused as error:
        if error.stripe_code != "charge_disputed":
            raise
        raise Conflict(
            "charge_disputed",
            f"Stripe refused the refund: charge_disputed. {payment} is disputed: reject {session} again when the "
            "dispute is decided, or with --no-refund if the buyer has the money",
        ) from error
