"""The ledger as a reconciliation sees it: what it lacks, whether it adds up, and the reports on both."""

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore.database import WriteConflict, retry_on_conflict
from shared.adapters.firestore.documents import (
    ACCOUNTS,
    HELD_PURCHASES,
    RECONCILIATION_REPORTS,
    TRANSACTIONS,
    USERS,
    entry_from,
    report_fields,
    report_from,
)
from shared.adapters.firestore.store import CHANGE_TIMEOUT_S, AccountStore
from shared.domain.entry import Entry
from shared.domain.errors import Unavailable
from shared.domain.purchase import entry_id
from shared.domain.reconciliation import BalanceCheck, Report

_CHECK_TIMEOUT_S = 5.0


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
            if self._store.read(uid).version != before.version:
                raise WriteConflict
            shown = view.fields.get("tokenBalance", 0) if view else 0
            return BalanceCheck(before.account.balance, total, shown)

        try:
            return retry_on_conflict(attempt, _CHECK_TIMEOUT_S)
        except Unavailable as error:
            if error.code == "account_busy":
                return None
            raise

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
