"""The ledger as a reconciliation sees it: what it lacks, whether it adds up, and the reports on both."""

from typing import Any

from google.api_core import exceptions as google_errors
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore.documents import (
    HELD_PURCHASES,
    RECONCILIATION_REPORTS,
    TRANSACTIONS,
    USERS,
    report_fields,
    report_from,
)
from shared.adapters.firestore.ledger import Ledger
from shared.adapters.firestore.store import (
    CALL_TIMEOUT_S,
    CHANGE_TIMEOUT_S,
    RETRY_READ,
    Moved,
    firestore_faults,
    until_unmoved,
)
from shared.domain.errors import Unavailable
from shared.domain.reconciliation import Audit, Report

_AUDIT_TIMEOUT_S = 5.0


class AuditedLedger(Ledger):
    """A ledger that can be looked through. Raises, from every method: Unavailable, as the ledger does."""

    def knows_session(self, session_id: str) -> bool:
        """Tell whether a session was credited or held, whatever became of the hold. One or two reads."""
        return self.get_by_stripe_session(session_id) is not None or self._get(HELD_PURCHASES, session_id).exists

    def audit(self, uid: str) -> Audit | None:
        """Return a user's balance beside the sum of the entries; None while the account will not hold still.

        A change writes both in one commit, so they are of one moment when the account is the same before and after.
        """
        entries: Any = (  # the library says that sum() returns the class
            self._client.collection(TRANSACTIONS)
            .where(filter=FieldFilter("userId", "==", uid))
            .sum("amount", alias="entries")
        )

        def attempt() -> Audit:
            account, read_at = self._read_account(uid)
            with firestore_faults():
                sums = entries.get(retry=RETRY_READ, timeout=CALL_TIMEOUT_S)
            if self._read_account(uid)[1] != read_at:
                raise Moved
            return Audit(account.balance, int(sums[0][0].value))

        try:
            return until_unmoved(attempt, _AUDIT_TIMEOUT_S)
        except google_errors.RetryError:
            return None

    def users_after(self, uid: str | None, limit: int) -> list[str]:
        """Return the ids of the users behind this one (of the first ones for None), in order."""
        query = self._client.collection(USERS).order_by("__name__").select([])
        if uid is not None:
            query = query.start_after({"__name__": uid})
        return [snapshot.id for snapshot in self._stream(query.limit(limit))] if limit else []

    def last_report(self) -> Report | None:
        """Return the report that was saved last, of whatever day."""
        query = self._client.collection(RECONCILIATION_REPORTS).order_by("savedAt", direction="DESCENDING").limit(1)
        snapshots = self._stream(query)
        return report_from(snapshots[0].to_dict() or {}) if snapshots else None

    def add_report(self, day: str, report: Report) -> None:
        """Keep the report of a call, and add what it did to what the day's earlier calls did."""

        def attempt() -> None:
            snapshot = self._get(RECONCILIATION_REPORTS, day)
            earlier = report_from(snapshot.to_dict() or {}) if snapshot.exists else None
            fields, batch = report_fields(report.after(earlier)), self._client.batch()
            if earlier is None:
                batch.create(self._document(RECONCILIATION_REPORTS, day), fields)
            else:
                unmoved = self._client.write_option(last_update_time=snapshot.update_time)
                batch.update(self._document(RECONCILIATION_REPORTS, day), fields, option=unmoved)
            try:
                self._commit(batch)
            except (google_errors.AlreadyExists, google_errors.FailedPrecondition, google_errors.Aborted) as error:
                raise Moved from error

        try:
            until_unmoved(attempt, CHANGE_TIMEOUT_S)
        except google_errors.RetryError as error:
            raise Unavailable("ledger_unavailable") from error
