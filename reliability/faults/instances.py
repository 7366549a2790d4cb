"""Instances of functions, as processes that can be killed at any moment and come back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from local import programs
from local.ports import HOST, Ports, answers
from topology.functions import ROOT, load_functions

_ROWS = {row.name: row for row in load_functions()}
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
_START_S = 90.0
_POLL_S = 0.02


class Instance:
    """One instance of a function. After a kill it starts again, as Cloud Run starts another one.

    Args:
        function: its name.
        settings: all that functions.toml says it reads, and what reliability/faults/instance.py does.
        ports: where its port comes from.
        logs: the folder for its output.
    """

    def __init__(self, function: str, settings: Mapping[str, str], ports: Ports, logs: Path) -> None:
        self.function = function
        port = ports.choose()
        program = programs.function(_ROWS[function], port, settings, {})
        self._port = port
        self._command = (sys.executable, "-m", "reliability.faults.instance", *program.command[1:])
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._environment = {**inherited, **settings, **program.environment}
        self._log = logs / f"{function}-{port}.log"
        self._output = str(self._log)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.kills = 0

    @property
    def url(self) -> str:
        """Its address, the same after each start."""
        return f"http://{HOST}:{self._port}"

    def start(self, *, offset_s: float = 0.0, output: str | None = None) -> None:
        """Start it, without waiting: with its clock off by seconds, or with its output to another file."""
        with self._lock:
            self._environment["CLOCK_OFFSET_S"] = str(offset_s)
            self._output = output or str(self._log)
            self._begin()

    def wait(self) -> None:
        """Return when it accepts connections.

        Raises:
            RuntimeError: it does not.
        """
        deadline = time.monotonic() + _START_S
        while not answers(self._port):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.function} does not start; see {self._log}")
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """End it with SIGKILL wherever it is, and start it again."""
        with self._lock:
            self.kills += 1
            self._end(signal.SIGKILL)
            self._begin()

    def ask_to_stop(self) -> None:
        """End it with SIGTERM, as Cloud Run does when it scales in, and start it again."""
        with self._lock:
            self._terminate()
            self._begin()

    def ask_to_end(self) -> None:
        """End it with SIGTERM, for good."""
        with self._lock:
            self._terminate()

    def end(self) -> None:
        """End it for good."""
        with self._lock:
            self._end(signal.SIGKILL)

    def _begin(self) -> None:
        with Path(self._output).open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - no part of the command comes from outside
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if self._output == str(self._log) else subprocess.DEVNULL,
                start_new_session=True,
            )

    def _terminate(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGTERM)
            self._process.wait()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._process.pid, number)
        self._process.wait()
        self._process = None
