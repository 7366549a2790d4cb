"""Lots: granted tokens that expire, and in which order they are spent. Pure.

A lot is what is left of one grant. Whatever of a balance is in no lot never expires: purchases, and grants without a
day. Spends take from the lots first, in their order, so that a user loses as few tokens to expiry as possible.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shared.domain.entry import Entry

LOTS_MAX = 48
"""The most lots an account keeps. One more joins two that are spent one after the other, on the later of their days."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Tokens of one grant that expire.

    `id` is the id of the grant's entry, `left` a number of tokens above zero, both times are UTC seconds. At
    `expires_at` the tokens are no longer there. Lots of a lower `priority` are spent first.
    """

    id: str
    left: int
    expires_at: int
    priority: int
    granted_at: int

    @property
    def order(self) -> tuple[int, int, str]:
        """The place in which it is spent."""
        return self.priority, self.expires_at, self.id


def total(lots: Iterable[Lot]) -> int:
    """Return how many tokens are left in lots."""
    return sum(lot.left for lot in lots)


def take(lots: Sequence[Lot], tokens: int) -> tuple[tuple[Lot, ...], dict[str, int]]:
    """Take tokens from lots in their order; return the lots after it, and how many came from which.

    Takes all that there is when it is less than `tokens`: the rest is taken from what never expires.
    """
    taken: dict[str, int] = {}
    rest = []
    for lot in lots:
        part = min(lot.left, tokens)
        tokens -= part
        if part:
            taken[lot.id] = part
        if lot.left > part:
            rest.append(replace(lot, left=lot.left - part))
    return tuple(rest), taken


def put(lots: Sequence[Lot], lot: Lot) -> tuple[tuple[Lot, ...], dict[str, str]]:
    """Add a lot, or tokens to the lot that has its id; return the lots, and which one had to join which.

    A full list is never a reason to refuse tokens: two lots of one priority join, and both then expire on the later of
    their days, which is never to the owner's harm.
    """
    same = next((one for one in lots if one.id == lot.id), None)
    others = [one for one in lots if one.id != lot.id]
    after = sorted((*others, replace(lot, left=lot.left + (same.left if same else 0))), key=lambda one: one.order)
    if len(after) <= LOTS_MAX:
        return tuple(after), {}
    first, second = min(pairwise(after), key=_gift)
    earlier, later = sorted((first, second), key=lambda one: (one.expires_at, one.id))
    joined = replace(later, left=earlier.left + later.left, granted_at=min(earlier.granted_at, later.granted_at))
    rest = [joined if one.id == later.id else one for one in after if one.id != earlier.id]
    return tuple(rest), {earlier.id: later.id}


def _gift(pair: tuple[Lot, Lot]) -> tuple[int, int]:
    """Return what it costs to join two lots: how far apart their priorities are, and the token-seconds that it gives.

    Joining those whose days are closest would let the same few tokens live on and on.
    """
    first, second = sorted(pair, key=lambda one: (one.expires_at, one.id))
    return abs(second.priority - first.priority), first.left * (second.expires_at - first.expires_at)


def given_back(sources: Sequence[Lot], spent: int, *, before: int, tokens: int) -> list[Lot]:
    """Return the lots to which tokens of a spend go back, with how many; the others never expire.

    What was taken last goes back first: the tokens that never expire come back before those that do.

    Args:
        sources: the lots that the spend took from, in the order in which it did, each with what was taken from it.
        spent: the tokens of the spend.
        before: how many of them were given back before.
        tokens: how many are given back now.
    """
    # The places, from the end of the spend, of what goes back: [before, before + tokens).
    returned = []
    start = spent - total(sources)  # behind what never expires
    for lot in reversed(sources):
        part = min(before + tokens, start + lot.left) - max(before, start)
        if part > 0:
            returned.append(replace(lot, left=part))
        start += lot.left
    return returned


def left_by(oldest_first: Iterable[Entry]) -> dict[str, int]:
    """Return what entries have left of the lots that they made, by the lot's id: the account's lots, told otherwise."""
    left: Counter[str] = Counter()
    for entry in oldest_first:
        details = entry.details
        left[entry.id] += details.get("expiring", 0)
        left.update(details.get("to", {}))
        left.subtract(details.get("from", {}))
        for earlier, later in details.get("lotsJoined", {}).items():
            left[later] += left.pop(earlier, 0)
        if entry.id == f"expiry:{details.get('lot')}":
            left[details["lot"]] += entry.amount
    return {id_: tokens for id_, tokens in left.items() if tokens}


def lot_faults(lots: Iterable[Lot], oldest_first: Iterable[Entry]) -> list[str]:
    """Say in which lots an account and its entries do not agree.

    The entries begin at least with the grant of the oldest of these lots; what older ones have left is not looked at.
    """
    told = left_by(oldest_first)
    return [
        f"{lot.id} has {lot.left} tokens left, the entries say {told.get(lot.id, 0)}"
        for lot in lots
        if lot.left != told.get(lot.id, 0)
    ]
