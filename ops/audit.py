"""Whether an account agrees with its entries. Pure.

Balance = the sum of the entries, every entry states the balance after it, the totals are the sums of their types, and
the lots are what the entries have left of them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.account import Account
from shared.domain.entry import Entry
from shared.domain.lots import lot_faults

_SHOWN_MAX = 20  # a chain that is broken once may be broken at every entry


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit of one account found; without faults it agrees."""

    uid: str
    balance: int
    entries: int
    faults: tuple[str, ...]


def audit(account: Account, newest_first: Iterable[Entry]) -> Audit:
    """Compare an account with all of its entries.

    Entries that came after the account was read are left out: their times are later than its last one's.
    """
    faults: list[str] = []
    sums: Counter[str] = Counter()
    counted: list[Entry] = []
    expected = account.balance
    for entry in newest_first:
        if account.last_entry_at is None or entry.timestamp > account.last_entry_at:
            continue
        if entry.balance_after != expected:
            faults.append(f"{entry.id} says {entry.balance_after} after it, the entries say {expected}")
        expected = entry.balance_after - entry.amount
        sums[entry.type] += entry.amount
        counted.append(entry)
    if expected != 0:
        faults.append(f"the oldest entry starts from {expected} instead of 0")
    if account.balance != sums.total():
        faults.insert(0, f"the balance is {account.balance}, the entries' sum {sums.total()}")
    totals = {
        "totalTokensPurchased": (account.purchased, sums["purchase"]),
        "totalTokensEarned": (account.earned, sums["grant"]),
        "totalTokensSpent": (account.spent, -sums["spend"]),
    }
    faults += [f"{name} is {stored}, the entries say {due}" for name, (stored, due) in totals.items() if stored != due]
    faults += lot_faults(account.lots, reversed(counted))
    return Audit(account.uid, account.balance, len(counted), tuple(faults[:_SHOWN_MAX]))
