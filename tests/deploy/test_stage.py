"""What is uploaded for a function is enough to run it: it starts and answers where nothing else is installed."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.environment import Deployed, load_deployed, load_environment
from deploy.stage import pinned, stage
from topology.functions import ROOT

UV = Path(sys.executable).with_name("uv")
START_S = 30
ROWS = load_deployed()


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with nothing in it."""
    environment = tmp_path_factory.mktemp("environment")
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
    return environment / "bin" / "python"


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request: pytest.FixtureRequest) -> Deployed:
    deployed: Deployed = request.param
    return deployed


@pytest.fixture
def staged(row: Deployed, tmp_path: Path) -> Path:
    return stage(row.name, tmp_path / row.name)


@pytest.fixture
def python(staged: Path, clean: Path) -> Path:
    """The Python of an environment that has only the staged requirements: anything else is uninstalled."""
    _uv("pip", "sync", "--quiet", "--python", str(clean), str(staged / "requirements.txt"))
    return clean


@pytest.fixture
def address(row: Deployed, staged: Path, python: Path, tmp_path: Path) -> Iterator[str]:
    """Where functions-framework serves the staged function, with the settings of its row."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = row.variables(load_environment("dev"))
    framework = (str(python), "-m", "functions_framework", f"--target={row.name}", "--host=127.0.0.1", f"--port={port}")
    log = (tmp_path / "log").open("w+")
    # HOME is empty and PYTHONPATH is not set, so nothing of this checkout is importable.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **settings}
    # Google's clients need credentials or an emulator to be created; no test uses one.
    environment |= {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    server = subprocess.Popen(framework, cwd=staged, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            log.seek(0)
            assert server.poll() is None, log.read()
            assert time.monotonic() < deadline, log.read()
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
        log.close()


def test_a_staged_function_starts_and_answers_with_only_its_requirements(row: Deployed, address: str) -> None:
    status, body = _request(address, "GET")
    if row.name == "list_packages":
        assert (status, json.loads(body)["success"]) == (200, True)
    else:
        assert status in (401, 405), body
        assert json.loads(body)["success"] is False
    if row.name == "stripe_webhook":
        assert _request(address, "GET")[0] == 405


def test_the_upload_is_the_function_the_shared_code_and_pins(staged: Path) -> None:
    assert sorted(path.name for path in staged.iterdir()) == ["main.py", "requirements.txt", "shared", "topology"]
    assert all("==" in line for line in (staged / "requirements.txt").read_text().splitlines())
    assert not list(staged.rglob("__pycache__"))


def test_a_functions_own_pins_are_those_of_the_lock(row: Deployed) -> None:
    direct = (ROOT / "functions" / row.name / "requirements.txt").read_text().split()
    locked = pinned("\n".join(direct), (ROOT / "requirements-dev.txt").read_text())
    assert [pin for pin in direct if pin not in locked] == []


def _uv(*words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run([UV, *words], check=False, text=True, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(0.2)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _request(address: str, method: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, "/")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
