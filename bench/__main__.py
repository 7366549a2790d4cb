"""`make bench`: how fast the ledger is on the official emulator, and how long each function takes to load.

Numbers compare within one run: the machines are shared, and an emulator is not Firestore.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.cloud import firestore
from rich.console import Console
from rich.table import Table

from local.stack import Stack
from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.domain.errors import NotEnoughTokens
from shared.domain.limits import Limits
from shared.domain.purchase import Purchase
from topology.functions import ROOT, load_functions

_NO_LIMITS = Limits(per_hour=1_000_000, per_day=1_000_000)
_LOADS = 5


def purchase(uid: str, number: int) -> Purchase:
    """Return a purchase of `popular`."""
    return Purchase(
        session_id=f"cs_{uid}_{number}",
        uid=uid,
        package_id="popular",
        tokens=110,
        bonus=10,
        subtotal_cents=999,
        paid_cents=999,
        currency="usd",
        customer_id="cus_1",
        payment_intent_id=f"pi_{uid}_{number}",
        paid_at=1_760_000_000 + number,
    )


def timed(calls: list[Callable[[], object]], threads: int) -> tuple[float, list[float]]:
    """Run calls on so many threads; return the seconds in all, and each call's milliseconds."""

    def one(call: Callable[[], object]) -> float:
        begun = time.perf_counter()
        call()
        return (time.perf_counter() - begun) * 1000

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        each_ms = list(pool.map(one, calls))
    return time.perf_counter() - begun, each_ms


def ledger_rows(ledger: Ledger) -> list[tuple[str, float, list[float]]]:
    """Measure the ledger's ways of changing a balance."""

    def credit(uid: str, number: int) -> Callable[[], object]:
        return lambda: ledger.credit(purchase(uid, number), _NO_LIMITS)

    def spend(number: int) -> Callable[[], object]:
        def call() -> None:
            with contextlib.suppress(NotEnoughTokens):
                ledger.post("spender", NewEntry(f"spend:spender:{number}", "spend", -10, {"reason": "bench"}))

        return call

    ledger.credit(purchase("warm-up", 0), _NO_LIMITS)
    for number in range(5):
        ledger.credit(purchase("spender", number), _NO_LIMITS)
    return [
        ("credit, one after another", *timed([credit("alone", n) for n in range(100)], 1)),
        ("credit, 100 users at once", *timed([credit(f"user{n}", 0) for n in range(100)], 32)),
        ("credit, 100 of one user at once", *timed([credit("hot", n) for n in range(100)], 100)),
        ("the same credit, 50 at once", *timed([credit("same", 0)] * 50, 50)),
        ("spend 10 of 550, 100 at once", *timed([spend(n) for n in range(100)], 100)),
        ("balance", *timed([lambda: ledger.account("hot")] * 100, 1)),
        ("history, 20 entries", *timed([lambda: ledger.transactions("hot", limit=20)] * 50, 1)),
    ]


def load_ms(function: str) -> float:
    """Return the median milliseconds to load a function's main.py in a fresh process, Python's own start included."""
    program = f"from functions_framework import create_app; create_app('{function}', 'functions/{function}/main.py')"
    needed = {
        "GOOGLE_CLOUD_PROJECT": "demo-bench",
        "STRIPE_SECRET_KEY": "sk_test_bench",
        "STRIPE_WEBHOOK_SECRET": "whsec_bench",
        "APP_BASE_URL": "http://localhost",
    }
    times = []
    for _ in range(_LOADS):
        begun = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program], check=True, cwd=ROOT, env={**os.environ, **needed, "PYTHONPATH": str(ROOT)}
        )
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def main() -> None:
    """Measure, and print two tables."""
    console = Console()
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory), emulators_only=True) as stack:
        os.environ["FIRESTORE_EMULATOR_HOST"] = stack.endpoints.firestore
        rows = ledger_rows(Ledger(firestore.Client(project=f"demo-bench-{uuid.uuid4().hex[:8]}")))
    table = Table("ledger, on the emulator", "in all (s)", "median (ms)", "slowest (ms)")
    for name, seconds, each_ms in rows:
        table.add_row(name, f"{seconds:.2f}", f"{statistics.median(each_ms):.1f}", f"{max(each_ms):.0f}")
    console.print(table)
    loads = Table("function", "loads in (ms)")
    for row in load_functions():
        loads.add_row(row.name, f"{load_ms(row.name):.0f}")
    console.print(loads)


if __name__ == "__main__":
    main()
