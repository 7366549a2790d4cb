"""How long `make run` takes when nothing is left to install."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.lab import Lab
from bench.results import Row, at_most
from topology.functions import ROOT

_ROUNDS = 3
_GIVE_UP_S = 300.0
_POLL_S = 0.05


def measure(_lab: Lab) -> Iterator[Row]:
    """Yield the row, after a start that does not count: it may still install or build something."""
    seconds = [_start_s() for _ in range(_ROUNDS + 1)][1:]
    note = f"{min(seconds):.1f} to {max(seconds):.1f} s"
    yield Row("make run, second time, seconds", statistics.median(seconds), at_most(15), note)


def _start_s() -> float:
    """Return the seconds until everything answers."""
    with tempfile.TemporaryDirectory() as directory:
        endpoints = Path(directory) / "endpoints.json"
        begun = time.perf_counter()
        with subprocess.Popen(  # noqa: S603 - every word of it is ours
            # As a developer types it.
            ("make", "run", f"ARGS=--directory {directory}"),  # noqa: S607
            cwd=ROOT,
            env={**os.environ, "MAKEFLAGS": ""},
            stdout=subprocess.DEVNULL,
        ) as launcher:
            try:
                while not endpoints.exists():
                    if launcher.poll() is not None or time.perf_counter() - begun > _GIVE_UP_S:
                        raise RuntimeError("make run did not start")
                    time.sleep(_POLL_S)
                return time.perf_counter() - begun
            finally:
                launcher.terminate()
