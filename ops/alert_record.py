"""A security alert as it is stored, and the ones that operators' own actions leave. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.firestore.documents import SECURITY_ALERTS, alert_fields
from shared.domain.alert import Alert
from shared.domain.change import Known, Update


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who makes a change, and why. Every change that an operator makes has one."""

    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """security_alerts/{id}; `status` is open or closed."""

    id: str
    type: str
    severity: str
    uid: str | None
    evidence: Mapping[str, Any]
    status: str
    created_at: datetime
    closed_by: str | None = None
    close_reason: str | None = None
    closed_at: datetime | None = None


def alert_path(id_: str) -> str:
    """Return the document that records an alert."""
    return f"{SECURITY_ALERTS}/{id_}"


def alert_record_from(id_: str, fields: Mapping[str, Any]) -> AlertRecord:
    """Return the alert that security_alerts/{id} holds."""
    return AlertRecord(
        id=id_,
        type=fields["type"],
        severity=fields["severity"],
        uid=fields.get("userId"),
        evidence=fields.get("seen", {}),
        status=fields["status"],
        created_at=fields["createdAt"],
        closed_by=fields.get("closedBy"),
        close_reason=fields.get("closeReason"),
        closed_at=fields.get("closedAt"),
    )


def closed_fields(by: Attribution, now: datetime) -> dict[str, Any]:
    """Return the fields that close an alert."""
    return {"status": "closed", "closedBy": by.operator, "closeReason": by.reason, "closedAt": now}


def action_fields(
    id_: str, action: str, uid: str | None, by: Attribution, evidence: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Return the alert that records an operator's action: closed from the start, since nobody has to look into it."""
    every = {"action": action, "operator": by.operator, "reason": by.reason, **evidence}
    alert = Alert(id_, "operator_action", "low", uid, every)
    return alert_fields(alert, now) | closed_fields(by, now)


def closing(known: Known, alert_id: str, by: Attribution, now: datetime) -> tuple[Update, ...]:
    """Return what closes an alert; nothing when it is closed, or when there is none."""
    path = alert_path(alert_id)
    stored = known.documents[path]
    if stored is None or stored.fields["status"] != "open":
        return ()
    return (Update(path, closed_fields(by, now), stored.version),)
