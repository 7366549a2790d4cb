"""What Stripe says of a payment's refunds and disputes, asked before the payment is credited by hand."""

from ops.connection import Connection
from shared.domain.errors import Conflict
from shared.domain.purchase import Purchase


def refuse_unknown_reversals(connection: Connection, purchase: Purchase) -> None:
    """Do nothing when the ledger knows all that Stripe says went back: a credit takes that back at once.

    Raises:
        Conflict: Stripe reports a refund or dispute unknown to the ledger.
    """
    payment = purchase.payment_intent_id
    if payment is None:
        return
    refunded_cents, disputed = connection.gateway().reversed_of_payment(payment)
    known = connection.ledger.facts_of_payment(payment)
    if refunded_cents > known.refunded_cents or (disputed and not known.disputes):
        what = "disputed" if disputed else f"refunded by {refunded_cents} cents"
        raise Conflict("unknown_reversal", f"Stripe says that {payment} was {what}: the ledger does not know")
