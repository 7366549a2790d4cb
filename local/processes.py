"""Runs programs under supervisord: each can crash, stop and restart without the others.

Programs are added while supervisord runs, because the functions' settings (Stripe's price ids) come from a program of
the same stack. Every program leads its own process group, and stopping it stops the group: a gcloud emulator is a
script that starts another script that starts Java.
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

_BEGIN_S = 30
_STOP_S = 30
_POLL_S = 0.05
_FAILED_STATES = {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}

# The only variables of the developer's environment that programs get: a real Stripe key must never reach them.
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
    """One process to keep running.

    Attributes:
        name: its name in supervisord and of its log.
        command: what to run.
        answers: whether it answers.
        environment: its variables, besides the few that every program gets.
        directory: its working directory; None for the one that all share.
    """

    name: str
    command: tuple[str, ...]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


class Processes:
    """A supervisord, with its files and logs in a directory of its own."""

    def __init__(self, directory: Path, *, working_directory: Path) -> None:
        self._directory = directory
        self._working_directory = working_directory
        self._programs = directory / "programs"
        self._logs = directory / "logs"
        # Not in the directory: the path of a Unix socket is limited to 107 characters.
        digest = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
        self._socket = Path(tempfile.gettempdir()) / f"token-economy-{digest}.sock"
        self._supervisord: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start supervisord, without programs. First stop one that a crashed launcher left here."""
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
        if setpriv := shutil.which("setpriv"):  # Linux: if the launcher is killed, so is supervisord
            command = [setpriv, "--pdeathsig", "TERM", "--", *command]
        with (self._logs / "supervisord.log").open("wb") as output:
            self._supervisord = subprocess.Popen(  # noqa: S603 -- every word of the command is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,  # the launcher handles a terminal's Ctrl-C
            )
        deadline = time.monotonic() + _BEGIN_S
        while not self._is_up():
            if self._supervisord.poll() is not None or time.monotonic() > deadline:
                raise ProgramError(f"supervisord did not start. {self._tail('supervisord')}")
            time.sleep(_POLL_S)

    def add(self, programs: Iterable[Program]) -> None:
        """Start programs without waiting for them."""
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

    def wait_until_answering(self, programs: Iterable[Program], *, timeout_s: float) -> None:
        """Return once every program answers.

        Raises:
            ProgramError: one exited, or does not answer within the time.
        """
        deadline = time.monotonic() + timeout_s
        silent = list(programs)
        while silent := [program for program in silent if not program.answers()]:
            for program in silent:
                if self.state(program.name) in _FAILED_STATES:
                    raise ProgramError(f"{program.name} exited. {self._tail(program.name)}")
            if time.monotonic() > deadline:
                raise ProgramError(f"{silent[0].name} does not answer. {self._tail(silent[0].name)}")
            time.sleep(_POLL_S)

    def start(self, name: str) -> None:
        """Start a stopped program; it may take a moment to answer."""
        self._call("startProcess", name, False)  # noqa: FBT003 -- wait=False; XML-RPC has no keyword arguments

    def stop(self, name: str) -> None:
        """Stop a program and everything it started, and return when it is gone."""
        self._call("stopProcess", name)

    def state(self, name: str) -> str:
        """Return the program's state in supervisor's terms: RUNNING, STARTING, STOPPED, BACKOFF, ..."""
        return self._state_of("getProcessInfo", name)

    def log_file(self, name: str) -> Path:
        """Return the file that holds a program's output."""
        return self._logs / f"{name}.log"

    def wait(self) -> None:
        """Return when supervisord exits, which it does only if something else stops it."""
        if self._supervisord:
            self._supervisord.wait()

    def end(self) -> None:
        """Stop every program, then supervisord."""
        if self._supervisord is None:
            return
        self._shut_down()
        try:
            self._supervisord.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._supervisord.kill()
            self._supervisord.wait()
        self._supervisord = None
        self._socket.unlink(missing_ok=True)

    def _end_leftover(self) -> None:
        if self._is_up():
            self._shut_down()
            deadline = time.monotonic() + _STOP_S
            while self._is_up() and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        self._socket.unlink(missing_ok=True)

    def _shut_down(self) -> None:
        # On shutdown supervisord stops its programs one after the other; stopAllProcesses stops them all at once.
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
        return "\n  ".join(["The end of its log:", *text.splitlines()[-lines:], f"(full log: {log})"])

    def _state_of(self, method: str, *arguments: str) -> str:
        return str(cast("dict[str, object]", self._call(method, *arguments))["statename"])

    def _call(self, method: str, *arguments: str | bool) -> object:
        with xmlrpc.client.ServerProxy(
            "http://localhost", transport=SupervisorTransport(None, None, f"unix://{self._socket}")
        ) as server:
            return cast("object", getattr(server.supervisor, method)(*arguments))


def _escaped(value: str | Path) -> str:
    """Escape a value for supervisor's parser, in which % and quotes have a meaning."""
    return str(value).replace("%", "%%").replace('"', '\\"')
