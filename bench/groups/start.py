"""How long `make run` takes when everything is installed."""

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
_TIMEOUT_S = 300.0
_POLL_S = 0.05


def measure(_lab: Lab) -> Iterator[Row]:
    """Yield the row. A first start does not count: it may still install or build something."""
    seconds = [_seconds_to_start() for _ in range(_ROUNDS + 1)][1:]
    note = f"{min(seconds):.1f} to {max(seconds):.1f} s"
    yield Row("make run, second time, seconds", statistics.median(seconds), at_most(15), note)


def _seconds_to_start() -> float:
    """Return how long it takes until the stack writes where everything is."""
    with tempfile.TemporaryDirectory() as directory:
        endpoints = Path(directory) / "endpoints.json"
        start = time.perf_counter()
        with subprocess.Popen(  # noqa: S603 - no part of the command comes from outside
            ("make", "run", f"ARGS=--directory {directory}"),  # noqa: S607 - the command that developers type
            cwd=ROOT,
            env={**os.environ, "MAKEFLAGS": ""},  # this make is not part of the one that runs the bench
            stdout=subprocess.DEVNULL,
        ) as launcher:
            try:
                while not endpoints.exists():
                    if launcher.poll() is not None or time.perf_counter() - start > _TIMEOUT_S:
                        raise RuntimeError("make run did not start the stack")
                    time.sleep(_POLL_S)
                return time.perf_counter() - start
            finally:
                launcher.terminate()
