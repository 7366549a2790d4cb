"""What each change would be billed, counted by an interceptor in the function's channel to Firestore."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import wire
from bench.client import Request
from bench.lab import Lab, asks
from bench.measure import at_once
from bench.results import Row, at_most, exactly

_AT_ONCE = 40
_SPENDS = 10 * _AT_ONCE


@dataclass(frozen=True, slots=True)
class Billed:
    """What some requests were billed."""

    reads: int
    writes: int


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows; README and docs/architecture.md promise these counts."""
    project = lab.project()
    lab.fund(project, {"ada": 10 * _SPENDS, "eve": 1})
    one_credit = wire.push(wire.purchase("ada", 0))
    credit = _billed(lab, project, "credit_tokens", [one_credit], before=wire.push(wire.purchase("eve", 0)))
    refund = _billed(lab, project, "credit_tokens", [wire.push(wire.refund("ada", 0))])
    spend = _billed(lab, project, "spend_tokens", [wire.spend("ada", "one")], before=wire.spend("eve", "one"))
    balance = _billed(lab, project, "get_balance", [wire.get("ada", project)])
    yield Row("reads per credit", credit.reads, exactly(1))
    yield Row("writes per credit", credit.writes, exactly(3))
    yield Row("reads per spend", spend.reads, at_most(1))
    yield Row("writes per spend", spend.writes, exactly(3))
    yield Row("reads per refund", refund.reads, at_most(2))
    yield Row("writes per refund", refund.writes, exactly(3))
    yield Row("reads per balance", balance.reads, exactly(1))
    yield Row("writes per balance", balance.writes, exactly(0))
    spends = [wire.spend("ada", f"folded-{number}") for number in range(_SPENDS)]
    folded = _billed(lab, project, "spend_tokens", spends, before=wire.spend("ada", "warm"))
    yield Row(f"writes per spend, {_AT_ONCE} at once", folded.writes / _SPENDS, at_most(1.2))
    yield Row(f"reads per spend, {_AT_ONCE} at once", folded.reads / _SPENDS)


def _billed(lab: Lab, project: str, function: str, requests: list[Request], *, before: Request | None = None) -> Billed:
    """Return what the requests were billed, `before` apart: an instance's first request may be of another kind."""
    with tempfile.TemporaryDirectory() as directory:
        calls = Path(directory) / "calls"
        with lab.function(function, project, calls_to=calls) as service:
            caller = service.caller()
            if before is not None:
                caller.ask(before)
            first = len(_lines(calls))
            at_once(asks(caller, requests), _AT_ONCE)
            noted = [json.loads(line) for line in _lines(calls)[first:]]
    return Billed(sum(call["reads"] for call in noted), sum(call["writes"] for call in noted))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
