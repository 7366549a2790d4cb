"""What each change would be billed, counted by an interceptor in the function's channel to Firestore."""

from collections.abc import Iterator

from bench import wire
from bench.billing import billed
from bench.lab import Lab
from bench.results import Row, at_most, exactly

_AT_ONCE = 40
_SPENDS = 10 * _AT_ONCE


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows; README and docs/architecture.md promise these counts."""
    project = lab.project()
    lab.fund(project, {"ada": 10 * _SPENDS, "eve": 1})
    one_credit = wire.push(wire.purchase("ada", 0))
    credit = billed(lab, project, "credit_tokens", [one_credit], before=wire.push(wire.purchase("eve", 0)))
    refund = billed(lab, project, "credit_tokens", [wire.push(wire.refund("ada", 0))])
    spend = billed(lab, project, "spend_tokens", [wire.spend("ada", "one")], before=wire.spend("eve", "one"))
    balance = billed(lab, project, "get_balance", [wire.get("ada", project)])
    yield Row("reads per credit", credit.reads, exactly(1))
    yield Row("writes per credit", credit.writes, exactly(3))
    yield Row("reads per spend", spend.reads, at_most(1))
    yield Row("writes per spend", spend.writes, exactly(3))
    yield Row("reads per refund", refund.reads, at_most(2))
    yield Row("writes per refund", refund.writes, exactly(3))
    yield Row("reads per balance", balance.reads, exactly(1))
    yield Row("writes per balance", balance.writes, exactly(0))
    spends = [wire.spend("ada", f"folded-{number}") for number in range(_SPENDS)]
    folded = billed(lab, project, "spend_tokens", spends, before=wire.spend("ada", "warm"))
    yield Row(f"writes per spend, {_AT_ONCE} at once", folded.writes / _SPENDS, at_most(1.2))
    yield Row(f"reads per spend, {_AT_ONCE} at once", folded.reads / _SPENDS)
