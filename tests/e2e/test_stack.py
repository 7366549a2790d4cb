"""The local stack itself: it ends without a trace, and survives what happens to its programs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.ports import HOST, Ports, answers
from local.processes import Processes, Program, ProgramError
from local.stack import AlreadyRunningError, Stack
from tests.e2e.buyer import eventually
from topology.functions import ROOT, load_functions


def descendants(pid: int) -> set[int]:
    """All processes that a process started, and those that these started."""
    try:
        tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it ended while we looked
        return set()
    children = {int(child) for task in tasks for child in task.split()}
    return children.union(*(descendants(child) for child in children))


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A launcher that is ended, whatever the test found."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as launcher:
        try:
            yield launcher
        finally:
            launcher.terminate()


def test_start_local_runs_the_product_and_sigterm_leaves_nothing_running(tmp_path: Path) -> None:
    endpoints_file = tmp_path / "endpoints.json"
    with started("./start_local.sh", "--directory", str(tmp_path)) as launcher:
        eventually(lambda: endpoints_file.exists() or launcher.poll() is not None, seconds=180)
        assert launcher.poll() is None, launcher.stdout and launcher.stdout.read()
        endpoints = json.loads(endpoints_file.read_text())
        everything = descendants(launcher.pid)

        assert set(endpoints) >= {"web", "firestore", "pubsub", "auth", "stripe", "project", "webhook_secret"}
        assert set(endpoints["functions"]) == {row.name for row in load_functions()}
        assert httpx.get(f"{endpoints['web']}/api/tokens/packages").is_success
        assert len(everything) > len(load_functions())

        launcher.terminate()
        printed, _ = launcher.communicate(timeout=60)

    assert endpoints["web"] in printed
    assert not endpoints_file.exists()
    assert [pid for pid in everything if runs(pid)] == []


def test_a_second_stack_in_the_same_directory_is_refused(stack: Stack) -> None:
    with pytest.raises(AlreadyRunningError, match=r"endpoints\.json"), Stack(stack.directory, emulators_only=True):
        pass
    assert stack.endpoints_file.exists()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with_one = Processes(tmp_path, working_directory=tmp_path)
    yield with_one
    with_one.end()


@pytest.fixture
def port() -> Iterator[int]:
    ports = Ports()
    yield ports.choose()
    ports.close()


def web_server(port: int) -> Program:
    command = (sys.executable, "-m", "http.server", "--bind", HOST, str(port))
    return Program("server", command, lambda: answers(port))


def test_a_program_that_is_killed_is_started_again(processes: Processes, port: int) -> None:
    server = web_server(port)
    processes.begin()
    processes.add([server])
    processes.wait_until_answering([server], seconds=30)
    [pid] = [pid for pid in descendants(os.getpid()) if str(port) in Path(f"/proc/{pid}/cmdline").read_text()]

    os.kill(pid, signal.SIGKILL)

    eventually(lambda: not runs(pid) and answers(port))


def test_a_program_that_fails_is_named_with_the_end_of_its_log(processes: Processes) -> None:
    failing = Program("failing", (sys.executable, "-c", "raise SystemExit('no such setting')"), lambda: False)
    processes.begin()
    processes.add([failing])

    with pytest.raises(ProgramError, match=r"failing ended[\s\S]*no such setting"):
        processes.wait_until_answering([failing], seconds=30)


def test_what_a_crashed_launcher_left_running_does_not_block_the_next(
    processes: Processes, tmp_path: Path, port: int
) -> None:
    server = web_server(port)
    processes.begin()
    processes.add([server])
    processes.wait_until_answering([server], seconds=30)

    following = Processes(tmp_path, working_directory=tmp_path)
    following.begin()

    assert not answers(port)
    following.end()
