"""A security alert: something that an operator should look at. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["low", "medium", "high", "critical"]


@dataclass(frozen=True, slots=True)
class Alert:
    """What is recorded in security_alerts/{id}. `evidence` holds ids and amounts, no personal data.

    The id names the subject, so that a change of its evidence updates the alert and opens it again.
    """

    id: str
    type: str
    severity: Severity
    uid: str | None
    evidence: Mapping[str, Any]
