"""Times that several rules share, in seconds."""

from datetime import UTC, datetime

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400

YEAR_10000_S = 253_402_300_800
"""The first UTC second that no datetime can hold."""


def as_text(seconds: int) -> str:
    """Return a time in UTC seconds as `2026-11-21T10:30:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> int:
    """Return the UTC seconds of what `as_text` returned."""
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
