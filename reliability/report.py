"""Writes the verdicts of a run of `make faults`."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from reliability.faults.trials import Trial

_BEGIN, _END = "<!-- last faults -->", "<!-- end of faults -->"


def fields(trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Return a run as JSON has it."""
    rows = [
        {
            "kind": trial.kind,
            "ok": trial.ok,
            "faults": trial.faults,
            "steps": list(trial.hit),
            "never_hit": list(trial.missed),
            "wrong": list(trial.wrong),
            "seconds": round(trial.seconds, 1),
        }
        for trial in trials
    ]
    return {"seed": seed, "rows": rows}


def write(trials: Sequence[Trial], seed: int, file: Path, day: date) -> None:
    """Replace the text between the page's markers; the first trial is the one without a fault.

    Raises:
        ValueError: the file lacks the markers.
    """
    text = file.read_text(encoding="utf-8")
    before, found_begin, rest = text.partition(_BEGIN)
    _, found_end, after = rest.partition(_END)
    if not (found_begin and found_end):
        raise ValueError(f"{file} lacks {_BEGIN} and {_END}")
    _, *faulty = trials
    held = sum(trial.ok for trial in faulty)
    head = f"Run on {day:%Y-%m-%d} with `SEED={seed}`: every promise held through {held} of {len(faulty)} kinds."
    steps = "\n".join(f"- {step}" for step in sorted({step for trial in trials for step in trial.hit}))
    text = f"{head}\n\n{table(faulty)}\n\nThe steps:\n\n{steps}"
    file.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}", encoding="utf-8")


def table(trials: Sequence[Trial]) -> str:
    """Return the verdicts as a Markdown table."""
    lines = ["| what breaks | faults | at steps | seconds | invariants |", "| --- | --- | --- | --- | --- |"]
    for trial in trials:
        counts = f"{trial.faults} | {len(trial.hit)}" if trial.faults else " | "
        verdict = "hold" if trial.ok else f"**{len(trial.wrong)} violated, {len(trial.missed)} steps missed**"
        lines.append(f"| {trial.kind} | {counts} | {trial.seconds:.0f} | {verdict} |")
    return "\n".join(lines)
