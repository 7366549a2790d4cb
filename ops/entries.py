"""adjust, grant, credit: entries made by hand."""

from collections.abc import Callable
from typing import Any

import click

from ops.changes import account_view, carry_out, describe_entry
from ops.connection import Connection
from ops.options import SESSION, SIGNED_TOKENS, TOKENS, UID, ChangeOptions, change_options, connected, key_option
from ops.stripe_facts import facts_at_stripe, taken_back
from shared.domain.entry import NewEntry
from shared.domain.errors import BadInput, NotFound
from shared.domain.purchase import AwaitingPayment, Hold, NotOurs, Purchase, assess_session
from shared.domain.spend_requests import EXPIRES_IN_DAYS_MAX, PRIORITY_DEFAULT, PRIORITY_MAX

# A negative amount looks like an option.
_NEGATIVE_AMOUNTS = {"ignore_unknown_options": True}


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@click.argument("uid", type=UID)
@click.argument("amount", type=SIGNED_TOKENS)
@key_option
@connected
@change_options
def adjust(options: ChangeOptions, connection: Connection, uid: str, amount: int, key: str) -> None:
    """Add AMOUNT tokens to a balance, or take them.

    They are taken if AMOUNT is negative, and count neither as bought nor as earned.
    """
    _post(options, connection, uid, NewEntry(f"adjustment:{key}", "adjustment", amount, {}))


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@click.argument("uid", type=UID)
@click.argument("amount", type=TOKENS)
@click.option(
    "--expires-in-days",
    "days",
    type=click.IntRange(1, EXPIRES_IN_DAYS_MAX),
    help="They expire at the end of that day, UTC. Without it they never do.",
)
@click.option(
    "--priority",
    type=click.IntRange(0, PRIORITY_MAX),
    help=f"Of tokens that expire, those of the lowest are spent first. [default: {PRIORITY_DEFAULT}]",
)
@key_option
@connected
@change_options
def grant(
    options: ChangeOptions,
    connection: Connection,
    uid: str,
    amount: int,
    *,
    key: str,
    days: int | None,
    priority: int | None,
) -> None:
    """Give a user AMOUNT tokens.

    They count as earned, in totalTokensEarned. The user needs to have signed up, but not to have bought anything.
    """
    new = _grant(amount, key, days, priority)
    is_new = not connection.ledger.account(uid).exists and connection.has_signed_up(uid)
    _post(options, connection, uid, new, create_account=is_new)


def _grant(amount: int, key: str, days: int | None, priority: int | None) -> NewEntry:
    if days is None:
        if priority is not None:
            raise click.UsageError("--priority is for tokens that expire: give --expires-in-days too")
        return NewEntry(f"grant:{key}", "grant", amount, {"expiresInDays": None})
    priority = PRIORITY_DEFAULT if priority is None else priority
    details = {"expiresInDays": days, "priority": priority}
    return NewEntry(f"grant:{key}", "grant", amount, details, days, priority)


@click.command()
@click.argument("session", type=SESSION)
@connected
@change_options
def credit(options: ChangeOptions, connection: Connection, session: str) -> None:
    """Credit a paid session whose event was lost.

    Stripe is asked whether it is paid, and what of it was refunded or disputed since. If the event arrives after all,
    it changes nothing.
    """
    purchase = _paid_purchase(connection, session)

    reported = facts_at_stripe(connection.gateway, purchase.payment_intent_id)

    def act() -> str:
        return describe_entry(connection.operator_ledger.credit_session(purchase, options.by, reported=reported))

    taken = taken_back(connection.ledger, purchase, reported)
    what = f"Credit {purchase.tokens} tokens ({purchase.package_id}) of {session} to {purchase.uid}{taken}"
    carry_out(connection, options, what, view=_account(connection, purchase.uid), act=act)


def _post(
    options: ChangeOptions, connection: Connection, uid: str, new: NewEntry, *, create_account: bool = False
) -> None:
    if not create_account:
        connection.operator_ledger.account(uid)

    def act() -> str:
        return describe_entry(connection.operator_ledger.post(uid, new, options.by, create_account=create_account))

    what = f"Post {new.amount:+} tokens ({new.type}) to {uid}, as entry {new.id}"
    carry_out(connection, options, what, view=_account(connection, uid), act=act)


def _account(connection: Connection, uid: str) -> Callable[[], dict[str, Any]]:
    return lambda: account_view(connection.ledger.account(uid))


def _paid_purchase(connection: Connection, session_id: str) -> Purchase:
    """Return what Stripe says now that a session bought.

    Its time is when the session was created, because a session does not tell when it was paid: at most a day later.
    """
    session = connection.gateway().session(session_id)
    if session is None:
        raise NotFound("unknown_session", f"Stripe knows no session {session_id}")
    created = session["created"]
    # Stripe itself was asked: how long ago the session was created is no reason to doubt it.
    assessed = assess_session(
        session, paid_at=created, now=created, catalog=connection.catalog, livemode=connection.settings.livemode
    )
    match assessed:
        case NotOurs():
            raise BadInput("other_product", f"{session_id} sells another product, not tokens")
        case AwaitingPayment():
            raise BadInput("not_paid", f"{session_id} is not paid")
        # One that is still open may need no payment, and yet nobody has completed it.
        case _ if session.get("status") != "complete":
            raise BadInput("not_paid", f"{session_id} is not completed: it is {session.get('status')}")
        case Hold(message=message):
            raise BadInput("invalid", f"{message}. Its event holds {session_id}; then it can be released or rejected")
        case Purchase():
            return assessed
