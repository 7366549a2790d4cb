"""The image's folder is enough to run every function: each starts and answers where nothing else is installed."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.environment import load_environment
from deploy.stage import digest, pinned, stage
from topology.functions import ROOT, Function, load_functions

UV = Path(sys.executable).with_name("uv")
DOCKERFILE = (ROOT / "deploy" / "image" / "Dockerfile").read_text()
START_S = 60


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("image") / "app")


@pytest.fixture(scope="session")
def programs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has only the image's requirements, installed as the Dockerfile does."""
    environment = tmp_path_factory.mktemp("environment")
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
    python = str(environment / "bin" / "python")
    install = ("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", python)
    _uv(*install, "--requirement", str(folder / "requirements.txt"))
    return environment / "bin"


@pytest.fixture(params=load_functions(), ids=lambda row: row.name)
def row(request: pytest.FixtureRequest) -> Function:
    deployed: Function = request.param
    return deployed


@pytest.fixture
def address(row: Function, folder: Path, programs: Path, tmp_path: Path) -> Iterator[str]:
    """Where the image serves the function, with the variables of its row."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (program,) = json.loads(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[0])
    image = dict(pair.split("=") for pair in re.findall(r"^ENV (.*)$", DOCKERFILE, re.MULTILINE)[0].split())
    image = {name: value.replace("/app", str(folder)) for name, value in image.items()}
    # HOME is empty, and PYTHONPATH is the image's, so nothing of this checkout is importable.
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PORT": str(port), **image}
    variables |= load_environment("dev").variables(row)
    # Google's clients need credentials or an emulator to be created; no test uses one.
    variables |= {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    # The first function compiles what the others import; the folder, which all tests share, gets no bytecode.
    variables["PYTHONPYCACHEPREFIX"] = str(programs.with_name("bytecode"))
    log = (tmp_path / "log").open("w+")
    server = subprocess.Popen([programs / program], cwd=folder, env=variables, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            log.seek(0)
            assert server.poll() is None, log.read()
            assert time.monotonic() < deadline, log.read()
            time.sleep(0.05)  # or this would take a processor from the server, which starts
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
        log.close()


def test_the_image_serves_each_function(row: Function, address: str) -> None:
    status, body = _request(address, "GET")
    if row.name == "list_packages":
        assert (status, json.loads(body)["success"]) == (200, True)
    else:
        assert status in (401, 405), body
        assert json.loads(body)["success"] is False


def test_the_folder_holds_code_and_pins_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "Dockerfile",
        "functions",
        "requirements.txt",
        "shared",
        "topology",
    ]
    files = {path.name for path in (folder / "functions").rglob("*") if path.is_file()}
    assert files == {"main.py"}
    assert not list(folder.rglob("__pycache__"))


def test_every_requirement_is_pinned_with_its_hashes(folder: Path) -> None:
    text = (folder / "requirements.txt").read_text()
    pins = re.findall(r"^(\S+?)==", text, re.MULTILINE)
    assert {"stripe", "google-cloud-firestore", "functions-framework"} <= set(pins)
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert re.search(r"^\S+==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", block), block


def test_the_same_content_gives_the_same_image(folder: Path, tmp_path: Path) -> None:
    again = stage(tmp_path / "again")
    assert digest(again) == digest(folder)
    (again / "shared" / "domain" / "purchase.py").write_text("# another version")
    assert digest(again) != digest(folder)


def test_a_functions_own_pins_are_those_of_the_lock(row: Function) -> None:
    direct = (ROOT / "functions" / row.name / "requirements.txt").read_text().split()
    locked = " ".join(pinned("\n".join(direct), (ROOT / "requirements-dev.txt").read_text()))
    assert [pin for pin in direct if f"{pin} " not in f"{locked} "] == []


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
