"""`make simulate`: play a business through the domain's code, and print what it earned, owed and cost."""

import gc
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from reliability.simulation.assumptions import Assumptions
from reliability.simulation.business import Business
from topology.functions import ROOT

_OUTPUT = ROOT / ".local" / "simulation"
_PROMISES = (
    "each paid session is credited once, or held with an alert",
    "a balance is the sum of its entries, and no entry is made twice",
    "nobody is overdrawn by spending",
    "what was refunded or disputed is taken back, once and in proportion",
    "nothing stays reserved past its time, and lots never exceed a balance",
)
_console = Console()


@click.command()
@click.option("--users", default=10_000, show_default=True, help="How many join in all.")
@click.option("--days", default=365, show_default=True, help="How long the business goes on.")
@click.option("--seed", default=1, show_default=True, help="What chance depends on.")
@click.option("--purchases", default=5.0, show_default=True, help="How many purchases a user makes, on average.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=_OUTPUT, help="Where plots go.")
@click.option("--no-plots", is_flag=True, help="Draw nothing.")
def main(users: int, days: int, seed: int, purchases: float, output: Path, *, no_plots: bool) -> None:
    """Play purchases, duplicates, losses, refunds, disputes, spends, reservations and grants. docs/reliability.md."""
    gc.disable()  # it would look for cycles, of which there are none, among millions of entries
    business = Business(users, days, seed, Assumptions(purchases_per_user=purchases))
    began, cpu = time.perf_counter(), time.process_time()
    columns = (TextColumn("Days"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console) as bar:
        task = bar.add_task("Days", total=days)
        for day in range(days):
            business.play(day)
            bar.update(task, advance=1)
        wrong = business.finish()
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    _print(business, wrong, took_s, cpu_s)
    if not no_plots:
        from reliability.simulation import report  # noqa: PLC0415 - it loads matplotlib, which takes seconds

        output.mkdir(parents=True, exist_ok=True)
        files = [output / f"simulation.{suffix}" for suffix in ("png", "svg")]
        report.plot(business, files)
        _console.print("Plots:", *files)
    raise SystemExit(1 if wrong else 0)


def _print(business: Business, wrong: list[str], took_s: float, cpu_s: float) -> None:
    from reliability.simulation import report  # noqa: PLC0415 - as above

    table = Table("figure", "value")
    for name, value in report.rows(business):
        table.add_row(name, value)
    million_s = cpu_s / business.figures.total("purchases") * 1e6
    table.add_row("time", f"{took_s:.1f} s, {cpu_s:.1f} s of them on a processor")
    table.add_row("processor time of a million purchases", f"{million_s:.0f} s")
    _console.print(table)
    for sentence in wrong[:20]:
        _console.print(f"[red]{sentence}[/]", highlight=False)
    if wrong:
        _console.print(f"[red]{len(wrong)} violations[/]")
    else:
        _console.print("[green]Held:[/]", *(f"\n  {promise}" for promise in _PROMISES), highlight=False)


if __name__ == "__main__":
    main()
