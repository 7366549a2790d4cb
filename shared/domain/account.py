"""A user's account and what a posting does to it. Pure: the ledger reads and writes, this decides.

An entry is one immutable change of a balance. Balance = the sum of the user's entries, always, and every entry says the
balance after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.domain.entry import Entry, Posting
from shared.domain.errors import NotEnoughTokens
from shared.domain.reversal import Reversals

# waiting: a delayed payment is on its way · failed: it did not come · held: a person decides · rejected: a person did
OpenPurchase = Literal["waiting", "failed", "held", "rejected"]

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Account:
    """What the server keeps on users/{uid}. Tokens are integers; totals only rise.

    `recent_purchases` (UTC seconds) is what the limits look at, `open_purchases` says how the sessions stand that were
    not credited, `reversals` what is known of each payment's refunds and disputes: all stand here so that one read of
    one document holds all that a credit depends on.
    """

    uid: str
    balance: int = 0
    purchased: int = 0
    earned: int = 0
    spent: int = 0
    stripe_customer_id: str | None = None
    recent_purchases: tuple[int, ...] = ()
    open_purchases: Mapping[str, OpenPurchase] = field(default_factory=dict)
    last_entry_at: datetime | None = None
    reversals: Mapping[str, Reversals] = field(default_factory=dict)
    exists: bool = False

    def opened(self, session_id: str, state: OpenPurchase) -> "Account":
        """Return the account with a purchase standing open."""
        return replace(self, open_purchases={**self.open_purchases, session_id: state})

    def closed(self, session_id: str) -> "Account":
        """Return the account without this open purchase."""
        return replace(self, open_purchases={id_: at for id_, at in self.open_purchases.items() if id_ != session_id})

    def post(self, posting: Posting, now: datetime) -> tuple["Account", Entry]:
        """Return the account after a posting, and its entry.

        Entries of one account have strictly rising timestamps whatever the clocks of two instances say, so that a
        history sorted by time is in the ledger's own order.

        Raises:
            NotEnoughTokens: the posting spends more than there is. A reversal may take a balance below zero: then it is
                a debt, which the next purchase pays first.
        """
        if posting.type == "spend" and self.balance + posting.amount < 0:
            raise NotEnoughTokens(self.balance)
        at = now if self.last_entry_at is None else max(now, self.last_entry_at + _TICK)
        after = replace(
            self,
            balance=self.balance + posting.amount,
            purchased=self.purchased + (posting.amount if posting.type == "purchase" else 0),
            earned=self.earned + (posting.amount if posting.type == "grant" else 0),
            spent=self.spent - (posting.amount if posting.type == "spend" else 0),
            last_entry_at=at,
        )
        entry = Entry(posting.id, self.uid, posting.type, posting.amount, after.balance, at, posting.details)
        return after, entry
