"""The ledger as a reconciliation sees it: what it lacks, whether it adds up, and the reports on both."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore.database import WriteConflict, retry_on_conflict
from shared.adapters.firestore.documents import (
    ACCOUNTS,
    DUE_SHARDS,
    HELD_PURCHASES,
    RECONCILIATION_REPORTS,
    TRANSACTIONS,
    USERS,
    due_mark,
    entry_from,
    report_fields,
    report_from,
)
from shared.adapters.firestore.owner_view import view_fields
from shared.adapters.firestore.store import CHANGE_TIMEOUT_S, AccountStore
from shared.domain.account import Account
from shared.domain.entry import Entry
from shared.domain.errors import Unavailable
from shared.domain.lots import lot_faults
from shared.domain.purchase import entry_id
from shared.domain.reconciliation import BalanceCheck, Report
from shared.domain.reserving import path_of
from shared.domain.spend_requests import ReservationKey

LOT_ENTRIES_MAX = 3_000
"""Beyond so many entries since the grant of its oldest lot, an account's lots are not recomputed."""

_CHECK_TIMEOUT_S = 5.0
_PAGE = 300


def _view_faults(account: Account, shown: Mapping[str, Any]) -> list[str]:
    """Compare what the owner sees with the account. An older version of the code did not show all of it."""
    expected = {name: value for name, value in view_fields(account).items() if value or name in shown}
    return [
        f"the owner sees {shown.get(name)} as {name} instead of {value}"
        for name, value in expected.items()
        if name in ("tokensReserved", "reservations", "expiringTokens") and shown.get(name) != value
    ]


class LedgerAudit:
    """Looks through a ledger. Raises, from every method: Unavailable and LedgerRefused, as the ledger does."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._database = store.database

    def knows_session(self, session_id: str) -> bool:
        """Tell whether a session was credited or held, whatever became of the hold. One or two reads."""
        credited = self._database.get(TRANSACTIONS, entry_id(session_id))
        return credited is not None or self._database.get(HELD_PURCHASES, session_id) is not None

    def check_balance(self, uid: str) -> BalanceCheck | None:
        """Return a user's balance, the sum of the entries and what the owner sees; None if the account keeps changing.

        A change writes all of them in one commit, so they are of one moment when the account is the same before and
        after.
        """
        amounts = (
            self._database.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", uid))
            .sum("amount", alias="total")
        )

        def attempt() -> BalanceCheck:
            before = self._store.read(uid)
            total, view = self._database.total(amounts), self._database.get(USERS, uid)
            shown = view.fields if view else {}
            faults = (
                *self._lot_faults(before.account),
                *self._reservation_faults(before.account),
                *_view_faults(before.account, shown),
            )
            if self._store.read(uid).version != before.version:
                raise WriteConflict
            return BalanceCheck(before.account.balance, total, shown.get("tokenBalance", 0), faults)

        try:
            return retry_on_conflict(attempt, _CHECK_TIMEOUT_S)
        except Unavailable as error:
            if error.code == "account_busy":
                return None
            raise

    def _lot_faults(self, account: Account) -> list[str]:
        """Recompute an account's lots from its entries, which is given up where there are too many of them."""
        if not account.lots:
            return []
        since = min(lot.granted_at for lot in account.lots)
        query = (
            self._database.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", account.uid))
            .order_by("timestamp", direction="DESCENDING")
        )
        entries: list[Entry] = []
        while len(entries) < LOT_ENTRIES_MAX:
            rest = query.start_after({"timestamp": entries[-1].timestamp}) if entries else query
            page = [entry_from(id_, fields) for id_, fields in self._database.stream(rest.limit(_PAGE))]
            entries += page
            if len(page) < _PAGE or page[-1].timestamp.timestamp() < since:
                return lot_faults(account.lots, reversed(entries))
        return []

    def _reservation_faults(self, account: Account) -> list[str]:
        """Compare an account's open reservations with the documents that were created with them."""
        paths = {key: path_of(ReservationKey(account.uid, key)) for key in account.reservations}
        stored = self._database.get_all(paths.values())
        return [
            f"the reservation {key} is not as {paths[key]} says"
            for key, one in account.reservations.items()
            if (found := stored[paths[key]]) is None
            or (found.fields["amount"], found.fields["state"]) != (one.amount, "open")
        ]

    def due(self, now: datetime, limit: int) -> list[str]:
        """Return the uids of accounts in which something expires by the end of this hour, at most `limit` per shard."""
        found: list[str] = []
        for shard in range(DUE_SHARDS):
            query = (
                self._database.collection(ACCOUNTS)
                .where(filter=FieldFilter("due", ">=", due_mark(shard)))
                .where(filter=FieldFilter("due", "<=", due_mark(shard, int(now.timestamp()))))
                .order_by("due")
            )
            found += [id_ for id_, _ in self._database.stream(query.limit(limit))]
        return found

    def purchases_on(self, day: str, *, after: str | None, limit: int) -> list[Entry]:
        """Return purchase entries of a day (UTC, YYYY-MM-DD), in the order of their ids, after this id."""
        query = (
            self._database.collection(TRANSACTIONS)
            .where(filter=FieldFilter("purchasedOn", "==", day))
            .order_by("__name__")
        )
        if after is not None:
            query = query.start_after({"__name__": after})
        return [entry_from(id_, fields) for id_, fields in self._database.stream(query.limit(limit))]

    def uids_after(self, uid: str | None, limit: int) -> list[str]:
        """Return the uids of the accounts after this one (the first ones for None), in order."""
        query = self._database.collection(ACCOUNTS).order_by("__name__").select([])
        if uid is not None:
            query = query.start_after({"__name__": uid})
        return [id_ for id_, _ in self._database.stream(query.limit(limit))] if limit else []

    def last_report(self) -> Report | None:
        """Return the most recently saved report."""
        query = self._database.collection(RECONCILIATION_REPORTS).order_by("savedAt", direction="DESCENDING")
        return next((report_from(fields) for _, fields in self._database.stream(query.limit(1))), None)

    def add_report(self, day: str, report: Report) -> None:
        """Save the report of a call, and add its counts to those of the day's earlier calls."""

        def attempt() -> None:
            stored = self._database.get(RECONCILIATION_REPORTS, day)
            earlier = report_from(stored.fields) if stored else None
            batch = self._database.batch()
            fields, version = report_fields(report.after(earlier)), stored.version if stored else None
            batch.write(f"{RECONCILIATION_REPORTS}/{day}", fields, version=version)
            batch.commit_or_conflict()

        retry_on_conflict(attempt, CHANGE_TIMEOUT_S)
