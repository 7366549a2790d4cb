"""A function as it is deployed: functions-framework and gunicorn in a process of their own, without the stack."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import programs
from local.ports import HOST, Ports
from topology.functions import ROOT, load_functions

_START_S = 60
_STOP_S = 10


@dataclass(frozen=True)
class Served:
    """A running function; `process` leads a process group, in which gunicorn's worker is."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def resident_mib(self) -> float:
        """Return the memory that the function's processes have in use, in MiB."""
        listed = subprocess.run(("ps", "-A", "-o", "pgid=,rss="), capture_output=True, text=True, check=True)
        rows = (line.split() for line in listed.stdout.splitlines())
        return sum(int(kib) for group, kib in rows if int(group) == self.process.pid) / 1024


@contextmanager
def serving(name: str, settings: Mapping[str, str], folder: Path) -> Iterator[Served]:
    """Serve functions/<name> as the local stack does, with these settings alone; its log goes into the folder."""
    ports = Ports()
    port = ports.choose()
    row = next(row for row in load_functions() if row.name == name)
    program = programs.function(row, port, settings, {})
    inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            program.command,
            cwd=ROOT,
            env={**inherited, **settings, **program.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_S
        while not program.answers():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Served(port, process, log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
        ports.close()
