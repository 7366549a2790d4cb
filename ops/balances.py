"""adjust, grant, credit: entries made by hand."""

from collections.abc import Callable
from typing import Any

import click

from ops.changes import account_view, carry_out, posted
from ops.connection import Connection
from ops.options import SESSION, SIGNED_TOKENS, TOKENS, UID, Asked, asked_options, connected, key_option
from ops.reversal_check import refuse_unheard_reversals
from shared.domain.entry import Posting
from shared.domain.errors import BadInput, NotFound
from shared.domain.purchase import Hold, NotOurs, NotPaidYet, Purchase, judge

# A negative amount looks like an option.
_NEGATIVE_AMOUNTS = {"ignore_unknown_options": True}


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@click.argument("uid", type=UID)
@click.argument("amount", type=SIGNED_TOKENS)
@key_option
@connected
@asked_options
def adjust(asked: Asked, at: Connection, uid: str, amount: int, key: str) -> None:
    """Add AMOUNT tokens to a balance, or take them when it is negative; they count as no purchase and no gift."""
    _post(asked, at, uid, Posting(f"adjustment:{key}", "adjustment", amount, {}))


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@click.argument("uid", type=UID)
@click.argument("amount", type=TOKENS)
@key_option
@connected
@asked_options
def grant(asked: Asked, at: Connection, uid: str, amount: int, key: str) -> None:
    """Give a user AMOUNT tokens that were earned: they count in totalTokensEarned."""
    _post(asked, at, uid, Posting(f"grant:{key}", "grant", amount, {}))


@click.command()
@click.argument("session", type=SESSION)
@connected
@asked_options
def credit(asked: Asked, at: Connection, session: str) -> None:
    """Credit a paid Checkout Session by hand, whose event got lost. An event that comes after all changes nothing."""
    purchase = _paid_purchase(at, session)

    def act() -> str:
        if at.ledger.get_by_stripe_session(session) is None:
            refuse_unheard_reversals(at, purchase)
        return posted(at.ledger.enter(purchase, asked.decision))

    what = f"Credit {purchase.tokens} tokens ({purchase.package_id}) of {session} to {purchase.uid}"
    carry_out(at, asked, what, view=_account(at, purchase.uid), act=act)


def _post(asked: Asked, at: Connection, uid: str, posting: Posting) -> None:
    at.ledger.user(uid)

    def act() -> str:
        return posted(at.ledger.correct(uid, posting, asked.decision))

    what = f"Post {posting.amount:+} tokens ({posting.type}) to {uid}, as entry {posting.id}"
    carry_out(at, asked, what, view=_account(at, uid), act=act)


def _account(at: Connection, uid: str) -> Callable[[], dict[str, Any]]:
    return lambda: account_view(at.ledger.account(uid))


def _paid_purchase(at: Connection, session_id: str) -> Purchase:
    """Return what Stripe says now that a session bought.

    Its time is when the session was begun, for it does not tell when it was paid: at most a day later.
    """
    session = at.gateway().session(session_id)
    if session is None:
        raise NotFound("unknown_session", f"Stripe knows no session {session_id}")
    verdict = judge(session, paid_at=session["created"], catalog=at.catalog, livemode=at.settings.livemode)
    match verdict:
        case NotOurs():
            raise BadInput("other_product", f"{session_id} sells another product, no tokens")
        case NotPaidYet():
            raise BadInput("not_paid", f"{session_id} is not paid")
        # One that is still open may need no payment, and yet nobody has taken it.
        case _ if session.get("status") != "complete":
            raise BadInput("not_paid", f"{session_id} is not completed: it is {session.get('status')}")
        case Hold(message=message):
            raise BadInput("invalid", f"{message}. Its event holds {session_id}; then it can be released or rejected")
        case Purchase():
            return verdict
