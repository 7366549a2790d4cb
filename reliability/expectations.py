"""What has to be true at the end, whatever broke meanwhile: from Stripe's own records, and from the answers given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

_PAGE = 100


@dataclass(frozen=True, slots=True)
class PaidSession:
    """A session that Stripe says was paid. `reversed` tells whether all of its money went back."""

    id: str
    uid: str
    tokens: int
    payment_intent: str
    reversed: bool


@dataclass(slots=True)
class Answers:
    """What backends were told about their spends: by (uid, key), the amount, and whether it was accepted.

    `unknown` are those that got no answer that settles the matter: they may have happened once, or not.
    """

    accepted: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[tuple[str, str]] = field(default_factory=set)
    released: set[tuple[str, str]] = field(default_factory=set)
    given_back: dict[tuple[str, str], int] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)

    def accept(self, uid: str, key: str, amount: int) -> None:
        """Note that a spend was answered with its entry."""
        if (uid, key) in self.refused:
            self.contradictions.append(f"spend {key} of {uid} was refused and accepted")
        self.accepted[uid, key] = amount
        self.unknown.discard((uid, key))

    def refuse(self, uid: str, key: str) -> None:
        """Note that a spend was refused for lack of tokens; a later attempt with the key may still be accepted."""
        if (uid, key) in self.accepted:
            self.contradictions.append(f"spend {key} of {uid} was accepted and refused")
        self.refused.add((uid, key))
        self.unknown.discard((uid, key))

    def release(self, uid: str, key: str) -> None:
        """Note that a reservation was freed: nothing may be charged for it."""
        self.released.add((uid, key))

    def give_up(self, uid: str, key: str) -> None:
        """Note that nobody answered in time."""
        if (uid, key) not in self.accepted and (uid, key) not in self.refused:
            self.unknown.add((uid, key))


def paid_sessions(stripe: httpx.Client, uids: Iterable[str]) -> list[PaidSession]:
    """Return the paid sessions of these users, as Stripe has them: newest first, as far back as these users go."""
    wanted, found = set(uids), []
    for session in _listed(stripe, "/v1/checkout/sessions"):
        metadata = session["metadata"] or {}
        uid = metadata.get("firebase_uid")
        if uid in wanted and session["payment_status"] == "paid":
            payment = session["payment_intent"]
            found.append(PaidSession(session["id"], uid, int(metadata["tokens"]), payment, _gone(stripe, payment)))
        elif found and uid not in wanted:
            break  # an earlier trial's
    return found


def _gone(stripe: httpx.Client, payment: str) -> bool:
    charges = stripe.get("/v1/charges", params={"payment_intent": payment}).json()["data"]
    disputes = stripe.get("/v1/disputes", params={"payment_intent": payment}).json()["data"]
    withdrawn = -sum(one["amount"] for dispute in disputes for one in dispute["balance_transactions"])
    return any(charge["amount_refunded"] + withdrawn >= charge["amount"] for charge in charges)


def _listed(stripe: httpx.Client, path: str) -> Iterable[Mapping[str, Any]]:
    after: dict[str, str] = {}
    while True:
        page = stripe.get(path, params={"limit": str(_PAGE), **after}).raise_for_status().json()
        yield from page["data"]
        if not page["has_more"]:
            return
        after = {"starting_after": page["data"][-1]["id"]}
