"""What requests to a function would be billed, from the Firestore calls that bench/count_calls.py records."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.client import Request
from bench.lab import Lab
from bench.measure import run_concurrently

_CONNECTIONS = 40


@dataclass(frozen=True, slots=True)
class Bill:
    """Documents read and written."""

    reads: int
    writes: int


def bill_of(lab: Lab, project: str, function: str, requests: list[Request], *, warm_up: Request | None = None) -> Bill:
    """Return what the requests cost, not counting `warm_up`: an instance's first request may cost more."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "calls"
        with lab.function(function, project, call_log=log) as service:
            client = service.client()
            if warm_up is not None:
                client.send_ok(warm_up)
            skipped = len(_lines(log))
            run_concurrently(client.calls(requests), _CONNECTIONS)
            calls = [json.loads(line) for line in _lines(log)[skipped:]]
    return Bill(sum(call["reads"] for call in calls), sum(call["writes"] for call in calls))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
