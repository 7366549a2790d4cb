"""Programs under measurement: started, watched and ended; and how much memory they took."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.client import Caller
from local.ports import HOST, answers
from topology.functions import ROOT

LOGS = ROOT / ".local" / "bench" / "logs"
"""What each program printed, by its port."""

_START_S = 60.0
_POLL_S = 0.002
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Service:
    """A program that listens on this machine."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def caller(self) -> Caller:
        """Return something that sends requests to it."""
        return Caller(self.url)

    def wait_until_it_listens(self) -> None:
        """Return at the moment it accepts connections.

        Raises:
            RuntimeError: it ended, or does not listen in time.
        """
        deadline = time.monotonic() + _START_S
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"It does not listen; see {LOGS / f'{self.port}.log'}: {self.process.args!r}")
            time.sleep(_POLL_S)

    @property
    def peak_mib(self) -> float:
        """The most memory that the largest of its processes has held at once."""
        group = os.getpgid(self.process.pid)
        return max(_peak_kib(pid) for pid in _processes() if _group_of(pid) == group) / 1024


@contextmanager
def running(
    command: tuple[str, ...], port: int, environment: Mapping[str, str], directory: Path = ROOT
) -> Iterator[Service]:
    """Run a program that listens on a port, without waiting for it; end it with all that it started."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    LOGS.mkdir(parents=True, exist_ok=True)
    with (
        (LOGS / f"{port}.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - every word of it is ours
            command,
            cwd=directory,
            env={**kept, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Service(process, port)
        finally:
            # At once: gunicorn would wait for idle connections, and nothing that they hold is needed.
            os.killpg(process.pid, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
