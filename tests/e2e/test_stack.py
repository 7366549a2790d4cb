"""The local stack itself: it stops without a trace, and survives crashes of its programs."""

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
    """Return the ids of all direct and indirect children of a process."""
    try:
        tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it exited meanwhile
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
    """A launcher that is stopped in any case."""
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
    processes = Processes(tmp_path, working_directory=tmp_path)
    yield processes
    processes.end()


@pytest.fixture
def port() -> Iterator[int]:
    ports = Ports()
    yield ports.choose()
    ports.close()


def web_server(port: int) -> Program:
    command = (sys.executable, "-m", "http.server", "--bind", HOST, str(port))
    return Program("server", command, lambda: answers(port))


def test_a_killed_program_is_restarted(processes: Processes, port: int) -> None:
    server = web_server(port)
    processes.begin()
    processes.add([server])
    processes.wait_until_answering([server], timeout_s=30)
    [pid] = [pid for pid in descendants(os.getpid()) if str(port) in Path(f"/proc/{pid}/cmdline").read_text()]

    os.kill(pid, signal.SIGKILL)

    eventually(lambda: not runs(pid) and answers(port))


def test_a_failing_program_is_reported_with_the_end_of_its_log(processes: Processes) -> None:
    failing = Program("failing", (sys.executable, "-c", "raise SystemExit('no such setting')"), lambda: False)
    processes.begin()
    processes.add([failing])

    with pytest.raises(ProgramError, match=r"failing exited[\s\S]*no such setting"):
        processes.wait_until_answering([failing], timeout_s=30)


def test_leftovers_of_a_crashed_launcher_do_not_block_the_next(processes: Processes, tmp_path: Path, port: int) -> None:
    server = web_server(port)
    processes.begin()
    processes.add([server])
    processes.wait_until_answering([server], timeout_s=30)

    successor = Processes(tmp_path, working_directory=tmp_path)
    successor.begin()

    assert not answers(port)
    successor.end()
