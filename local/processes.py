"""Runs programs under supervisord: each can die, be stopped and be started again without the others.

supervisord is told about programs while it runs, because the functions' settings (Stripe's price ids) come from a
program of the same stack. Every program leads a process group of its own, and a stop ends the group: a gcloud emulator
is a script that starts another that starts Java.
"""

import contextlib
import hashlib
import http.client
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from supervisor.xmlrpc import SupervisorTransport

_BEGIN_SECONDS = 30
_STOP_SECONDS = 30
_POLL_SECONDS = 0.05
_FAILED_STATES = {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}

# What programs get of the developer's own environment. Nothing else: a real Stripe key must never reach them.
_INHERITED = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "JAVA_HOME", "CLOUDSDK_CONFIG", "CLOUDSDK_PYTHON")

_CONFIGURATION = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={directory}/supervisord.pid
childlogdir={logs}

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={programs}/*.conf
"""

_PROGRAM = """\
[program:{name}]
command={command}
directory={directory}
environment={environment}
autostart=true
autorestart=true
startsecs=5
stopasgroup=true
killasgroup=true
stopwaitsecs=10
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=0
"""


class ProgramError(RuntimeError):
    """A program did not start; the message ends with the tail of its log."""


@dataclass(frozen=True)
class Program:
    """One process to keep running, how to tell that it answers, and where it runs (else: where all do)."""

    name: str
    command: tuple[str, ...]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


class Processes:
    """A supervisord of its own in a directory; all files, the logs among them, are in there."""

    def __init__(self, directory: Path, *, working_directory: Path) -> None:
        self._directory = directory
        self._working_directory = working_directory
        self._programs = directory / "programs"
        self._logs = directory / "logs"
        # Not in the directory: a Unix socket's path may have no more than 107 characters.
        digest = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
        self._socket = Path(tempfile.gettempdir()) / f"token-economy-{digest}.sock"
        self._supervisord: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start supervisord, with no program yet. One that a crashed launcher left here is ended first."""
        self._end_leftover()
        for folder in (self._programs, self._logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        configuration = self._directory / "supervisord.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                directory=_escaped(self._directory),
                logs=_escaped(self._logs),
                programs=_escaped(self._programs),
                socket=_escaped(self._socket),
            )
        )
        command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(configuration)]
        if setpriv := shutil.which("setpriv"):  # Linux: a launcher that is killed outright takes supervisord with it
            command = [setpriv, "--pdeathsig", "TERM", "--", *command]
        with (self._logs / "supervisord.log").open("wb") as output:
            self._supervisord = subprocess.Popen(  # noqa: S603 -- every word of it is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,  # a terminal's Ctrl-C is the launcher's to handle, in its order
            )
        deadline = time.monotonic() + _BEGIN_SECONDS
        while not self._is_up():
            if self._supervisord.poll() is not None or time.monotonic() > deadline:
                raise ProgramError(f"supervisord does not run. {self._tail('supervisord')}")
            time.sleep(_POLL_SECONDS)

    def add(self, programs: Iterable[Program]) -> None:
        """Start programs, without waiting for them."""
        added = list(programs)
        for program in added:
            (self._programs / f"{program.name}.conf").write_text(
                _PROGRAM.format(
                    name=program.name,
                    command=shlex.join(program.command).replace("%", "%%"),
                    directory=_escaped(program.directory or self._working_directory),
                    environment=",".join(f'{k}="{_escaped(v)}"' for k, v in program.environment.items()),
                    log=_escaped(self.log_file(program.name)),
                )
            )
        self._call("reloadConfig")
        for program in added:
            self._call("addProcessGroup", program.name)

    def wait_until_answering(self, programs: Iterable[Program], *, seconds: float) -> None:
        """Return once every program answers.

        Raises:
            ProgramError: one ended, or does not answer after so many seconds.
        """
        deadline = time.monotonic() + seconds
        silent = list(programs)
        while silent := [program for program in silent if not program.answers()]:
            for program in silent:
                if self.state(program.name) in _FAILED_STATES:
                    raise ProgramError(f"{program.name} ended. {self._tail(program.name)}")
            if time.monotonic() > deadline:
                raise ProgramError(f"{silent[0].name} does not answer. {self._tail(silent[0].name)}")
            time.sleep(_POLL_SECONDS)

    def start(self, name: str) -> None:
        """Start a program that was stopped; it may take a moment to answer."""
        self._call("startProcess", name, False)  # noqa: FBT003 -- XML-RPC has no names: wait=False

    def stop(self, name: str) -> None:
        """End a program and everything it started, and return when it is gone."""
        self._call("stopProcess", name)

    def state(self, name: str) -> str:
        """Return supervisor's word for how the program is: RUNNING, STARTING, STOPPED, BACKOFF, ..."""
        return self._state_of("getProcessInfo", name)

    def log_file(self, name: str) -> Path:
        """Return the file with all that a program printed."""
        return self._logs / f"{name}.log"

    def wait(self) -> None:
        """Return when supervisord ends, which it does only when something else ended it."""
        if self._supervisord:
            self._supervisord.wait()

    def end(self) -> None:
        """Stop every program, then supervisord."""
        if self._supervisord is None:
            return
        self._shut_down()
        try:
            self._supervisord.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisord.kill()
            self._supervisord.wait()
        self._supervisord = None
        self._socket.unlink(missing_ok=True)

    def _end_leftover(self) -> None:
        if self._is_up():
            self._shut_down()
            deadline = time.monotonic() + _STOP_SECONDS
            while self._is_up() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        self._socket.unlink(missing_ok=True)

    def _shut_down(self) -> None:
        # supervisord alone would stop its programs one after the other; asked like this, it stops them all at once.
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._call("stopAllProcesses")
            self._call("shutdown")
            return
        if self._supervisord:
            self._supervisord.terminate()

    def _is_up(self) -> bool:
        try:
            return self._state_of("getState") == "RUNNING"
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def _tail(self, name: str, lines: int = 20) -> str:
        log = self.log_file(name)
        text = log.read_text(errors="replace") if log.exists() else ""
        return "\n  ".join(["The end of its log:", *text.splitlines()[-lines:], f"(all of it: {log})"])

    def _state_of(self, method: str, *arguments: str) -> str:
        return str(cast("dict[str, object]", self._call(method, *arguments))["statename"])

    def _call(self, method: str, *arguments: str | bool) -> object:
        with xmlrpc.client.ServerProxy(
            "http://localhost", transport=SupervisorTransport(None, None, f"unix://{self._socket}")
        ) as server:
            return cast("object", getattr(server.supervisor, method)(*arguments))


def _escaped(value: str | Path) -> str:
    """Write a value so that supervisor's parser, where % and quotes mean something, reads it back unchanged."""
    return str(value).replace("%", "%%").replace('"', '\\"')
