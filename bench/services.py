"""Start and end the programs that are measured, and read their peak memory."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.client import HttpClient
from local.ports import HOST, answers
from topology.functions import ROOT

LOGS = ROOT / ".local" / "bench" / "logs"
"""The output of each program, named by its port."""

_START_TIMEOUT_S = 60.0
_POLL_S = 0.002
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Service:
    """A program that listens on a port of this machine."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def client(self) -> HttpClient:
        """Return a client for it."""
        return HttpClient(self.url)

    def wait_until_listening(self) -> None:
        """Return as soon as it accepts connections.

        Raises:
            RuntimeError: it exited, or did not listen in time.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.process.args!r} does not listen; see {LOGS / f'{self.port}.log'}")
            time.sleep(_POLL_S)

    @property
    def peak_mib(self) -> float:
        """The peak resident memory of the largest process of its group."""
        group = os.getpgid(self.process.pid)
        return max(_peak_kib(pid) for pid in _pids() if _group_of(pid) == group) / 1024


@contextmanager
def running(
    command: tuple[str, ...], port: int, environment: Mapping[str, str], directory: Path = ROOT
) -> Iterator[Service]:
    """Start a program that listens on a port, without waiting for it; on exit, kill it with all its children."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    LOGS.mkdir(parents=True, exist_ok=True)
    with (
        (LOGS / f"{port}.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - no part of the command comes from outside
            command,
            cwd=directory,
            env={**inherited, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Service(process, port)
        finally:
            # SIGTERM would make gunicorn wait for idle connections; no state in the process matters here.
            # A program that has ended by itself must not hide why: its waiter's error says where the log is.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has exited
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
