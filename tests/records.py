"""The log records that a test's calls wrote to standard output."""

import json
from typing import Any

import pytest


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the records written since the last call."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def sentences(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    """Return severity, event name and sentence of each record written since the last call."""
    return [(record["severity"], record["event"], record["message"]) for record in records(capsys)]
