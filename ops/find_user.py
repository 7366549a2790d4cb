"""Who is meant: operators are given sessions, payments, customers and e-mail addresses, seldom uids."""

from ops.connection import Connection
from shared.domain.errors import NotFound
from shared.domain.purchase import buyer_in
from shared.domain.session_fields import metadata_of


def find_uid(connection: Connection, who: str) -> str:
    """Return the uid of a user who has an account.

    Args:
        connection: where.
        who: a uid, an e-mail address, or the id of a Checkout Session (cs_…), a PaymentIntent (pi_…) or a Stripe
            customer (cus_…).

    Raises:
        NotFound: nothing names a user, or the one it names has no account.
    """
    if connection.ledger.account(who).exists:
        return who
    if "@" in who:
        uid, what = connection.uid_of_email(who), "address"
    elif who.startswith("cs_"):
        uid, what = _of_session(connection, who), "session"
    elif who.startswith("pi_"):
        uid, what = _of_payment(connection, who), "payment"
    elif who.startswith("cus_"):
        uid, what = connection.ledger.uid_of_customer(who), "customer"
    else:
        raise NotFound("unknown_user", f"There is no user {who}")
    if uid is None:
        raise NotFound("unknown_user", f"There is no user with the {what} {who}")
    if not connection.ledger.account(uid).exists:
        raise NotFound("no_account", f"The {what} {who} belongs to user {uid}, who has no account yet")
    return uid


def _of_session(connection: Connection, session_id: str) -> str | None:
    uid = connection.operator_ledger.uid_of_session(session_id)
    if uid is None and connection.settings.stripe_secret_key:
        # Not paid yet, or its event is on its way.
        uid = buyer_in(metadata_of(connection.gateway().session(session_id) or {}))
    return uid


def _of_payment(connection: Connection, payment_intent_id: str) -> str | None:
    uid = connection.operator_ledger.uid_of_payment(payment_intent_id)
    if uid is None and connection.settings.stripe_secret_key:
        uid = buyer_in(connection.gateway().metadata_of_payment(payment_intent_id))
    return uid
