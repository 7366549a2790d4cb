"""The promises, checked on the documents themselves: nothing here uses the product's code."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from reliability.expectations import Answers, PaidSession

_IN_MAX = 30  # values in one `in` filter
_CLOCKS_DIFFER_S = 600  # how far ahead the clock of an instance may be that made a reservation

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Books:
    """Everything the ledger holds of some users: accounts and views by uid, entries in the order of their time."""

    accounts: Mapping[str, Document]
    views: Mapping[str, Document]
    entries: Mapping[str, Sequence[Document]]
    held: Mapping[str, Document]
    alerts: frozenset[str]


def read_books(database: firestore.Client, uids: Sequence[str]) -> Books:
    """Read the documents of these users."""
    entries: dict[str, list[Document]] = defaultdict(list)
    held: dict[str, Document] = {}
    alerts: set[str] = set()
    for first in range(0, len(uids), _IN_MAX):
        some = FieldFilter("userId", "in", list(uids[first : first + _IN_MAX]))
        for one in database.collection("transactions").where(filter=some).stream():
            fields = one.to_dict() or {}
            entries[fields["userId"]].append({**fields, "id": one.id})
        held |= {
            one.id: one.to_dict() or {} for one in database.collection("held_purchases").where(filter=some).stream()
        }
        alerts |= {one.id for one in database.collection("security_alerts").where(filter=some).stream()}
    for listed in entries.values():
        listed.sort(key=lambda one: one["timestamp"])
    return Books(
        _by_uid(database, "accounts", uids), _by_uid(database, "users", uids), entries, held, frozenset(alerts)
    )


def _by_uid(database: firestore.Client, collection: str, uids: Iterable[str]) -> dict[str, Document]:
    references = [database.collection(collection).document(uid) for uid in uids]
    return {one.id: one.to_dict() or {} for one in database.get_all(references) if one.exists}


def violations(books: Books, paid: Sequence[PaidSession], answers: Answers) -> list[str]:
    """Return what does not hold, in sentences; an empty list is what everybody wants to read."""
    return [
        *_credits(books, paid),
        *_sums(books),
        *_overdrafts(books),
        *_spends(books, answers),
        *_reversals(books, paid),
        *_reservations(books, answers, time.time()),
    ]


def _credits(books: Books, paid: Sequence[PaidSession]) -> Iterator[str]:
    entries = {entry["id"]: entry for listed in books.entries.values() for entry in listed}
    for session in paid:
        entry, hold = entries.get(f"purchase:{session.id}"), books.held.get(session.id)
        if entry is not None and hold is not None:
            yield f"{session.id} is credited and held"
        elif entry is not None:
            if (entry["userId"], entry["amount"]) != (session.uid, session.tokens):
                yield f"{session.id} credits {entry['amount']} to {entry['userId']}"
        elif hold is None:
            yield f"{session.id} is paid, and neither credited nor held"
        elif f"held:{session.id}" not in books.alerts:
            yield f"{session.id} is held without an alert"
    unpaid = {id_.removeprefix("purchase:") for id_ in entries if id_.startswith("purchase:")}
    yield from (f"{id_} is credited and not paid" for id_ in sorted(unpaid - {session.id for session in paid}))


def _sums(books: Books) -> Iterator[str]:
    for uid, account in books.accounts.items():
        running = 0
        for entry in books.entries.get(uid, ()):
            running += entry["amount"]
            if entry["balanceAfter"] != running:
                yield f"{uid}: {entry['id']} says {entry['balanceAfter']} tokens, its history {running}"
        shown = books.views.get(uid, {}).get("tokenBalance", 0)
        if not account["balance"] == running == shown:
            yield f"{uid}: balance {account['balance']}, entries {running}, shown {shown}"
    yield from (f"{uid} has entries and no account" for uid in books.entries.keys() - books.accounts.keys())


def _overdrafts(books: Books) -> Iterator[str]:
    for uid, listed in books.entries.items():
        for entry in listed:
            if entry["type"] == "spend" and entry["balanceAfter"] < 0:
                yield f"{uid}: {entry['id']} left {entry['balanceAfter']}"


def _spends(books: Books, answers: Answers) -> Iterator[str]:
    yield from answers.contradictions
    made = Counter(
        (uid, entry["details"]["idempotencyKey"], -entry["amount"])
        for uid, listed in books.entries.items()
        for entry in listed
        if entry["type"] == "spend" and "idempotencyKey" in entry["details"]
    )
    keys = {(uid, key) for uid, key, _ in made}
    yield from (f"{spend} happened {count} times" for spend, count in made.items() if count != 1)
    for (uid, key), amount in answers.accepted.items():
        if (uid, key, amount) not in made:
            yield f"spend {key} of {uid} was accepted and is not in the ledger"
    yield from (f"spend {key} of {uid} was refused and is in the ledger" for uid, key in keys & answers.refused)
    returned: Counter[tuple[str, str]] = Counter()
    for uid, listed in books.entries.items():
        for entry in listed:
            if entry["type"] == "spend_reversal":
                returned[uid, entry["details"]["spendKey"]] += entry["amount"]
    if returned != answers.given_back:
        yield f"given back: {dict(returned)}, asked for: {answers.given_back}"
    unasked = keys - answers.accepted.keys() - answers.refused - answers.unknown
    yield from (f"spend {key} of {uid} was never asked for" for uid, key in unasked)


def _reversals(books: Books, paid: Sequence[PaidSession]) -> Iterator[str]:
    for session in paid:
        kept = sum(
            entry["amount"]
            for entry in books.entries.get(session.uid, ())
            if entry["details"].get("stripePaymentIntentId") == session.payment_intent
        )
        credited = session.id not in books.held
        due = session.tokens if credited and not session.reversed else 0
        if kept != due:
            yield f"{session.id}: {kept} tokens are left of it, {due} should be"


def _reservations(books: Books, answers: Answers, now_s: float) -> Iterator[str]:
    closed = answers.accepted.keys() | answers.released
    for uid, account in books.accounts.items():
        for key, one in (account.get("reservations") or {}).items():
            if (uid, key) in closed:
                yield f"{uid}: {key} was captured or released, and is still reserved"
            elif one["expiresAt"] > now_s + _CLOCKS_DIFFER_S:
                yield f"{uid}: {key} stays reserved until {one['expiresAt']}"
        lots = sum(lot["left"] for lot in account.get("lots") or ())
        if lots > max(account["balance"], 0):
            yield f"{uid}: lots hold {lots} tokens of a balance of {account['balance']}"
    spent = {(uid, entry["details"].get("idempotencyKey")) for uid, listed in books.entries.items() for entry in listed}
    yield from (f"{uid}: {key} was released and charged" for uid, key in answers.released & spent)
