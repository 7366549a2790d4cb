"""What each operation would be billed, counted by an interceptor in the function's Firestore channel."""

from collections.abc import Iterator

from bench import wire
from bench.billing import bill_of
from bench.lab import Lab
from bench.results import Row, at_most, exactly

_AT_ONCE = 40
_SPENDS = 10 * _AT_ONCE


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows. They are counts: the same on every machine."""
    project = lab.project()
    lab.fund(project, {"ada": 2 * _SPENDS, "eve": 2})
    push = wire.push(wire.purchase("ada", 0))
    credit = bill_of(lab, project, "credit_tokens", [push], warm_up=wire.push(wire.purchase("eve", 0)))
    refund = bill_of(lab, project, "credit_tokens", [wire.push(wire.refund("ada", 0))])
    spend = bill_of(lab, project, "spend_tokens", [wire.spend("ada", "one")], warm_up=wire.spend("eve", "one"))
    warm_up = wire.reserve("eve", "warm-up")
    reservation = bill_of(lab, project, "spend_tokens", [wire.reserve("ada", "job")], warm_up=warm_up)
    capture = bill_of(
        lab, project, "spend_tokens", [wire.capture("ada", "job")], warm_up=wire.capture("eve", "warm-up")
    )
    balance = bill_of(lab, project, "get_balance", [wire.get("ada", project)])
    yield Row("reads per credit", credit.reads, exactly(1))
    yield Row("writes per credit", credit.writes, exactly(3))
    yield Row("reads per spend", spend.reads, at_most(1))
    yield Row("writes per spend", spend.writes, exactly(3))
    yield Row("reads per reservation", reservation.reads, exactly(1))
    yield Row("writes per reservation", reservation.writes, exactly(3))
    yield Row("reads per capture", capture.reads, exactly(1))
    yield Row("writes per capture", capture.writes, exactly(3))
    yield Row("reads per refund", refund.reads, exactly(4))
    yield Row("writes per refund", refund.writes, exactly(4))
    yield Row("reads per balance", balance.reads, exactly(1))
    yield Row("writes per balance", balance.writes, exactly(0))
    spends = [wire.spend("ada", f"folded-{number}") for number in range(_SPENDS)]
    folded = bill_of(lab, project, "spend_tokens", spends, warm_up=wire.spend("ada", "warm-up"))
    yield Row(f"writes per spend, {_AT_ONCE} at once", folded.writes / _SPENDS, at_most(1.2))
    yield Row(f"reads per spend, {_AT_ONCE} at once", folded.reads / _SPENDS)
