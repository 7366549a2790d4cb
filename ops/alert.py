"""A security alert as operators see it, and the one that their own actions leave. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.adapters.firestore.documents import alert_document


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, and why. Every change that an operator makes has one."""

    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class Alert:
    """security_alerts/{id}; `status` is open or closed."""

    id: str
    type: str
    severity: str
    uid: str | None
    seen: Mapping[str, Any]
    status: str
    created_at: datetime
    closed_by: str | None = None
    close_reason: str | None = None
    closed_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts; times are datetimes still."""
        return asdict(self)


def alert_from(id_: str, fields: Mapping[str, Any]) -> Alert:
    """Return the alert that security_alerts/{id} holds."""
    return Alert(
        id=id_,
        type=fields["type"],
        severity=fields["severity"],
        uid=fields.get("userId"),
        seen=fields.get("seen", {}),
        status=fields["status"],
        created_at=fields["createdAt"],
        closed_by=fields.get("closedBy"),
        close_reason=fields.get("closeReason"),
        closed_at=fields.get("closedAt"),
    )


def closed_fields(decision: Decision, now: datetime) -> dict[str, Any]:
    """Return the fields that close an alert."""
    return {"status": "closed", "closedBy": decision.operator, "closeReason": decision.reason, "closedAt": now}


def operator_action(
    action: str, uid: str | None, decision: Decision, seen: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return the alert that records an action: closed from the start, since nobody has to look into it."""
    what = {"action": action, "operator": decision.operator, "reason": decision.reason, **seen}
    return alert_document("operator_action", "low", uid, what, now) | closed_fields(decision, now)
