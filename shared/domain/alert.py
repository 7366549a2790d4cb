"""A security alert: something that an operator should look at. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

Severity = Literal["low", "medium", "high", "critical"]


@dataclass(frozen=True, slots=True)
class Alert:
    """What is recorded in security_alerts/{id}. `evidence` holds ids and amounts, no personal data.

    The id names the subject: new evidence on it updates the alert. `raised_at` is None for a new one.
    """

    id: str
    type: str
    severity: Severity
    uid: str | None
    evidence: Mapping[str, Any]
    status: Literal["open", "closed"] = "open"
    raised_at: datetime | None = None

    @property
    def path(self) -> str:
        """The document that records the alert."""
        return f"security_alerts/{self.id}"

    def updating(self, stored: Mapping[str, Any] | None) -> "Alert":
        """Return the alert as it replaces a stored one: one that was closed opens again when its outcome changes."""
        if stored is None:
            return self
        same = stored["seen"].get("outcome") == self.evidence.get("outcome")
        return replace(self, status=stored["status"] if same else "open", raised_at=stored["createdAt"])
