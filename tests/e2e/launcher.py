"""The stack as a developer starts it: by start_local.sh."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.stack import Endpoints
from tests.e2e.buyer import eventually
from topology.functions import ROOT

_START_S = 180
_STOP_S = 60


@dataclass(frozen=True)
class LaunchedStack:
    """A running stack, and its launcher."""

    launcher: subprocess.Popen[str]
    endpoints_file: Path
    endpoints: Endpoints

    def stop(self) -> str:
        """Send SIGTERM, wait for the end, and return what the launcher has printed."""
        self.launcher.terminate()
        printed, _ = self.launcher.communicate(timeout=_STOP_S)
        return printed


@contextmanager
def launched(directory: Path, *options: str) -> Iterator[LaunchedStack]:
    """Start a stack in a directory, and stop it in any case."""
    file = directory / "endpoints.json"
    command = ("./start_local.sh", "--directory", str(directory), *options)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as launcher:
        try:
            eventually(lambda: file.exists() or launcher.poll() is not None, seconds=_START_S)
            assert launcher.poll() is None, launcher.stdout and launcher.stdout.read()
            yield LaunchedStack(launcher, file, Endpoints(**json.loads(file.read_text())))
        finally:
            launcher.terminate()


def descendants(pid: int) -> set[int]:
    """Return the ids of all direct and indirect children of a process."""
    try:
        tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it exited meanwhile
        return set()
    children = {int(child) for task in tasks for child in task.split()}
    return children.union(*(descendants(child) for child in children))


def runs(pid: int) -> bool:
    """Tell whether a process exists that has not ended."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
