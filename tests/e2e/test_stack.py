"""The local stack itself: it survives crashes of its programs, and those of its launcher.

pages/test_page_currencies.py starts one as a developer does, and sees that it stops without a trace.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import HOST, Ports, answers
from local.processes import Processes, Program, ProgramError
from local.stack import AlreadyRunningError, Stack
from tests.e2e.buyer import eventually
from tests.e2e.launcher import descendants, runs


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
