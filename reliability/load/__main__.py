"""`make load`: the whole local stack under mixed traffic, and the books checked at the end."""

import json
import os
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import click
import httpx
from google.cloud import firestore
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from local.stack import Endpoints, Stack
from reliability.expectations import Answers, paid_sessions
from reliability.invariants import read_books, violations
from reliability.load.measurements import Memory, Requests, growth_of
from reliability.load.users import Users, dawdle_until
from topology.functions import ROOT

_SETTLE_S = 300.0
_SERVER_ERROR = 500
_console = Console()


@click.command()
@click.option("--seconds", default=60, show_default=True, help="How long the traffic lasts.")
@click.option("--threads", default=12, show_default=True, help="How many users and backends act at once.")
@click.option("--slow", default=2, show_default=True, help="How many clients send byte by byte.")
@click.option("--seed", default=1, show_default=True, help="What users do.")
def main(seconds: int, threads: int, slow: int, seed: int) -> None:
    """Buy, spend, reserve, read and refund, with duplicates and slow clients. docs/reliability.md has a run."""
    signal.signal(signal.SIGTERM, _interrupt)  # so that every program is ended
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory)) as stack:
        _console.print(f"{threads} users and {slow} slow clients for {seconds} s on {stack.endpoints.web}")
        memory = Memory(stack.endpoints.functions)
        memory.start()
        requests, answers = Requests(), Answers()
        users = [Users(stack.endpoints, number, seed, requests, answers) for number in range(threads)]
        _run(users, slow, seconds, stack.endpoints, requests)
        took_s = time.monotonic() - requests.begun
        memory.stop()
        wrong = _judge(stack.endpoints, [person.uid for one in users for person in one.people], answers)
    growths = {name: growth_of(samples) for name, samples in memory.samples_mib.items() if samples}
    wrong += [f"the memory of {name} grew from {early:.0f} to {late:.0f} MiB"
              for name, (early, late, flat) in growths.items() if not flat]  # fmt: skip
    _print(requests, took_s, growths)
    _save(requests, memory, wrong, seconds)
    for sentence in wrong:
        _console.print(f"[red]{sentence}[/]", highlight=False)
    _console.print("[green]Every invariant holds, memory is flat.[/]" if not wrong else f"{len(wrong)} violations")
    raise SystemExit(1 if wrong else 0)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(users: list[Users], slow: int, seconds: int, endpoints: Endpoints, requests: Requests) -> None:
    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(len(users) + slow) as pool, Progress(console=_console) as progress:
        task = progress.add_task("Load", total=seconds)
        running = [pool.submit(one.act_until, deadline) for one in users]
        running += [pool.submit(dawdle_until, endpoints, deadline, requests) for _ in range(slow)]
        while time.monotonic() < deadline:
            time.sleep(0.5)
            progress.update(task, completed=time.monotonic() - requests.begun)
        for one in running:
            one.result()


def _judge(endpoints: Endpoints, uids: list[str], answers: Answers) -> list[str]:
    """Wait until all events are delivered, and return what does not hold."""
    headers = {"Authorization": f"Bearer {endpoints.stripe_secret_key}"}
    os.environ["FIRESTORE_EMULATOR_HOST"] = endpoints.firestore
    database = firestore.Client(project=endpoints.project)
    deadline = time.monotonic() + _SETTLE_S
    with httpx.Client(base_url=endpoints.stripe, headers=headers, timeout=60) as stripe:
        paid = paid_sessions(stripe, uids)
        while True:  # the topic of the emulator does not say what is on its way
            wrong = violations(read_books(database, uids), paid, answers)
            idle = stripe.get("/_sim/webhooks").json()["idle"]
            if (not wrong and idle) or time.monotonic() > deadline:
                return wrong + ([] if idle else ["webhooks were not delivered"])
            time.sleep(1)


def _print(requests: Requests, took_s: float, growths: dict[str, tuple[float, float, bool]]) -> None:
    table = Table("operation", "requests", "per second", "p50 ms", "p95 ms", "p99 ms", "answers")
    for operation in sorted(requests.by_operation):
        sent = len(requests.by_operation[operation])
        statuses = ", ".join(f"{number} x {status}" for status, number in requests.statuses(operation).most_common())
        times = [f"{ms:.0f}" for ms in requests.percentiles_ms(operation)]
        table.add_row(operation, str(sent), f"{sent / took_s:.1f}", *times, statuses)
    _console.print(table)
    memory = Table("function", "MiB after the warm-up", "MiB at the end")
    for name, (early, late, _) in growths.items():
        memory.add_row(name, f"{early:.0f}", f"{late:.0f}")
    _console.print(memory)


def _save(requests: Requests, memory: Memory, wrong: list[str], seconds: int) -> None:
    operations = {
        name: {"requests": len(sent), "percentiles_ms": requests.percentiles_ms(name),
               "server_errors": sum(one.status >= _SERVER_ERROR or not one.status for one in sent)}
        for name, sent in requests.by_operation.items()
    }  # fmt: skip
    fields = {"seconds": seconds, "operations": operations, "memory_mib": memory.samples_mib, "wrong": wrong}
    (ROOT / "reliability" / "load.json").write_text(json.dumps(fields, indent=2) + "\n")


if __name__ == "__main__":
    main()
