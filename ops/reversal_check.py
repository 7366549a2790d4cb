"""What Stripe says of a payment's refunds and disputes, asked before the payment is credited by hand."""

from dataclasses import replace

from shared.domain.reversal import Reversals

from ops.connection import Connection
from shared.domain.errors import Conflict
from shared.domain.purchase import Purchase


def refuse_unheard_reversals(at: Connection, purchase: Purchase) -> None:
    """Do nothing when the ledger knows of all that Stripe says went back: a credit takes that back at once.

    Raises:
        Conflict: something went back of which the ledger has not heard.
    """
    payment = purchase.payment_intent_id
    if payment is None:
        return
    refunded_cents, disputed = at.gateway().reversed_of_payment(payment)
    known = at.ledger.account(purchase.uid).reversals.get(payment, Reversals())
    known_cents = replace(known, disputes={}).taken(purchase.paid_cents, purchase.paid_cents)
    if refunded_cents > known_cents or (disputed and not known.disputes):
        what = "disputed" if disputed else f"refunded by {refunded_cents} cents"
        raise Conflict(
            "unheard_reversal",
            f"Stripe says that {payment} was {what}: the account of {purchase.uid} does not know",
        )
