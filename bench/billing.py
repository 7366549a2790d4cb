"""What requests to a function would be billed, from the calls to Firestore that bench/counted.py notes."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.client import Request
from bench.lab import Lab, asks
from bench.measure import at_once

_CONNECTIONS = 40


@dataclass(frozen=True, slots=True)
class Billed:
    """What some requests were billed."""

    reads: int
    writes: int


def billed(lab: Lab, project: str, function: str, requests: list[Request], *, before: Request | None = None) -> Billed:
    """Return what the requests were billed, `before` apart: an instance's first request may be of another kind."""
    with tempfile.TemporaryDirectory() as directory:
        calls = Path(directory) / "calls"
        with lab.function(function, project, calls_to=calls) as service:
            caller = service.caller()
            if before is not None:
                caller.ask(before)
            first = len(_lines(calls))
            at_once(asks(caller, requests), _CONNECTIONS)
            noted = [json.loads(line) for line in _lines(calls)[first:]]
    return Billed(sum(call["reads"] for call in noted), sum(call["writes"] for call in noted))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
