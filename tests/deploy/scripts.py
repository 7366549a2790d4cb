"""A copy of this checkout whose scripts find the fake Google Cloud on PATH."""

import os
import shutil
import socketserver
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from deploy.environment import load_environment
from tests.deploy.fake_google.cloud import FakeGoogle
from topology.functions import ROOT

_PROGRAM = ROOT / "tests" / "deploy" / "fakes" / "program.sh"
_FOLDERS = ("deploy", "functions", "monitoring", "shared", "topology")
_END = b"\0\4\0"


class Scripts:
    """Runs the scripts of a copy; `state` is the fake project's."""

    def __init__(self, folder: Path, environment: str) -> None:
        self.environment = environment
        self.checkout = folder / "checkout"
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.env"))
        for file in (*ROOT.glob("*.sh"), *ROOT.glob("fire*"), ROOT / "requirements-dev.txt"):
            shutil.copy(file, self.checkout)
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name in ("gcloud", "firebase", "curl", "make"):
            (self._programs / name).symlink_to(_PROGRAM)
        self._google = FakeGoogle(load_environment(environment).project, self.checkout)

    @property
    def state(self) -> dict[str, Any]:
        return self._google.state

    def change(self, **state: object) -> None:
        self.state.update(state)

    def run(
        self, script: str, *arguments: str, answers: str = "", extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = f"{self._programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {name: value for name, value in os.environ.items() if name != "GOOGLE_CLOUD_PROJECT"}
        command = (*script.split(), *arguments)
        with _listening(self._google) as port:
            variables = {**own, "PATH": path, "FAKE_GOOGLE": str(port), **(extra or {})}
            return subprocess.run(
                command, cwd=self.checkout, env=variables, text=True, capture_output=True, check=False, input=answers
            )

    def changes(self) -> list[str]:
        """Return the changes since the previous call."""
        return self._google.changes()


@contextmanager
def _listening(google: FakeGoogle) -> Iterator[int]:
    """Run the commands that fakes/program.sh sends to this port."""

    class Program(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request = b""
            while not request.endswith(_END):
                request += self._received()
            stdin, *command = request.removesuffix(_END).decode().split("\0")
            done = google(tuple(command), stdin)
            assert not (done.stdout and done.stderr), "the program has one stream to print to"
            stream = 2 if done.stderr else 1
            self.request.sendall(f"{done.returncode} {stream}\n{done.stdout}{done.stderr}".encode())

        def _received(self) -> bytes:
            received: bytes = self.request.recv(65_536)
            if not received:
                raise ConnectionError("the program ended before its request did")
            return received

    with socketserver.TCPServer(("127.0.0.1", 0), Program) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
