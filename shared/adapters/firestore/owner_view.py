"""The owner's view of an account, users/{uid}: to the document and back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.firestore.documents import subscription_fields
from shared.domain.account import Account
from shared.domain.lots import Lot
from shared.domain.reservation import Reservation
from shared.domain.settling import settle


@dataclass(frozen=True, slots=True)
class OwnerView:
    """What users/{uid} tells its owner, in tokens; all zero for somebody who has no account yet.

    `expiring` are the UTC seconds at which tokens expire and how many do, the next ones first.
    """

    balance: int
    reserved: int
    purchased: int
    earned: int
    spent: int
    expiring: tuple[tuple[int, int], ...] = ()

    @property
    def available(self) -> int:
        """The tokens that can be spent."""
        return self.balance - self.reserved


def view_fields(account: Account) -> dict[str, Any]:
    """Return the ledger's fields of users/{uid}; the owner's profile fields beside them stay."""
    fields: dict[str, Any] = {
        "tokenBalance": account.balance,
        "tokensReserved": account.reserved,
        # What time alone will change, so that a reader is right however late it is swept.
        "reservations": [
            {"amount": one.amount, "due": one.due, "expiresAt": one.expires_at}
            # By time and key: Firestore keeps no order in a map, and the same account always has the same view.
            for _, one in sorted(account.reservations.items(), key=lambda item: (item[1].expires_at, item[0]))
        ],
        "expiringTokens": [{"amount": lot.left, "expiresAt": lot.expires_at} for lot in account.lots],
        "totalTokensPurchased": account.purchased,
        "totalTokensEarned": account.earned,
        "totalTokensSpent": account.spent,
        "stripeCustomerId": account.stripe_customer_id,
        "openPurchases": {id_: one.state for id_, one in account.open_purchases.items()},
    }
    return fields | ({"subscription": subscription_fields(account.subscription)} if account.subscription else {})


def view_from(fields: Mapping[str, Any], now: datetime) -> OwnerView:
    """Return what users/{uid} tells its owner, as it is once what has expired meanwhile is settled."""
    account = Account(
        uid="",
        balance=fields.get("tokenBalance", 0),
        purchased=fields.get("totalTokensPurchased", 0),
        earned=fields.get("totalTokensEarned", 0),
        spent=fields.get("totalTokensSpent", 0),
        # They are stored in the order in which they are spent.
        lots=tuple(
            Lot(str(place), one["amount"], one["expiresAt"], place, 0)
            for place, one in enumerate(fields.get("expiringTokens", ()))
        ),
        reservations={
            str(place): Reservation(one["amount"], one["due"], one["expiresAt"], "capture_used", "")
            for place, one in enumerate(fields.get("reservations", ()))
        },
    )
    settled = settle(account, {}, now)
    account = settled[0] if settled else account
    return OwnerView(
        balance=account.balance,
        reserved=account.reserved,
        purchased=account.purchased,
        earned=account.earned,
        spent=account.spent,
        expiring=tuple(sorted((lot.expires_at, lot.left) for lot in account.lots)),
    )
