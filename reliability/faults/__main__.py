"""`make faults`: break things in every way known, and judge."""

import json
import signal
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.progress import track

from local.stack import Stack
from reliability import report
from reliability.faults.kinds import Kind, all_kinds
from reliability.faults.trials import Trial, Trials
from reliability.faults.world import World
from topology.functions import ROOT

LOGS = ROOT / ".local" / "faults" / "logs"
_console = Console()


@click.command()
@click.argument("words", nargs=-1)
@click.option("--seed", default=1, show_default=True, help="Chooses how often each step is hit, and what users do.")
@click.option("--quick", is_flag=True, help="Leave out the kinds that take long.")
@click.option("--write", is_flag=True, help="Write the verdicts into docs/reliability.md as well.")
def main(words: tuple[str, ...], seed: int, *, quick: bool, write: bool) -> None:
    """Run every kind of fault, or those whose name contains one of WORDS. docs/reliability.md explains them."""
    signal.signal(signal.SIGTERM, _interrupt)  # so that every program is ended
    kinds = [kind for kind in all_kinds() if _chosen(kind, words) and not (quick and kind.slow)]
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory), emulators_only=True) as stack:
        project = f"demo-{uuid.uuid4().hex[:12]}"
        with World(stack.endpoints.firestore, project, LOGS, seed) as world:
            trials = Trials(world, seed)
            done = [trials.learn_steps()]
            _print(done[0])
            for kind in track(kinds, "Faults", console=_console):
                done.append(trials.run(kind))
                _print(done[-1])
    (ROOT / "reliability" / "faults.json").write_text(json.dumps(report.fields(done, seed), indent=2) + "\n")
    if write:
        report.write(done, seed, ROOT / "docs" / "reliability.md", datetime.now(UTC).date())
    failed = [trial.kind for trial in done if not trial.ok]
    _console.print(f"{len(done)} trials, {len(failed)} failed")
    raise SystemExit(1 if failed else 0)


def _chosen(kind: Kind, words: tuple[str, ...]) -> bool:
    return not words or any(word.lower() in kind.name.lower() for word in words)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print(trial: Trial) -> None:
    mark = "[green]held[/]" if trial.ok else "[red]failed[/]"
    steps = f"{trial.faults} faults at {len(trial.hit)} steps, " if trial.faults else ""
    _console.print(f"{mark}  {trial.kind}: {steps}{trial.seconds:.1f} s", highlight=False)
    for sentence in (*trial.wrong, *(f"never hit: {step}" for step in trial.missed)):
        _console.print(f"        {sentence}", highlight=False)


if __name__ == "__main__":
    main()
