"""An entry made by hand, and the alert beside it that says who made it and why. Pure.

Both land in one commit: users read their entries, but not the alerts.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from ops.alert_record import Attribution, action_fields, alert_path
from shared.domain.change import Known
from shared.domain.entry import Entry, NewEntry
from shared.domain.errors import LedgerConflict


def recorded(new: NewEntry) -> NewEntry:
    """Return a new entry with the id of the alert that says who made it: its own, so that an entry has one alert."""
    return replace(new, details={**new.details, "operatorAction": f"operator:{new.id}"})


def record_path(new: NewEntry) -> str:
    """Return the document that says who made an entry and why."""
    return alert_path(new.details["operatorAction"])


def record_documents(uid: str, new: NewEntry, by: Attribution, now: datetime) -> dict[str, Mapping[str, Any]]:
    """Return the alert that says who made an entry and why, by path."""
    evidence = {"entryId": new.id, "amount": new.amount}
    action = action_fields(new.details["operatorAction"], f"{new.type} by hand", uid, by, evidence, now=now)
    return {record_path(new): action}


def existing_entry(uid: str, known: Known, new: NewEntry, by: Attribution) -> Entry | None:
    """Return the entry when it was made before.

    Raises:
        LedgerConflict: it has other contents, or its record another operator or reason.
    """
    entry = known.entries[new.id]
    if entry is None:
        return None
    differences = entry.differences(uid, new)
    record = known.documents[record_path(new)]
    if record is not None:
        evidence = record.fields["seen"]
        differences += [name for name, value in asdict(by).items() if evidence[name] != value]
    if differences:
        raise LedgerConflict(entry.id, differences)
    return entry
