"""smoke_test.sh finds faults; tests/e2e/test_smoke.py runs it on the whole product, where it must find none."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from topology.functions import ROOT

WELL = {
    ("GET", "/"): 200,
    ("GET", "/api/tokens/packages"): 200,
    ("GET", "/api/tokens/balance"): 401,
    ("GET", "/api/tokens/transactions"): 401,
    ("POST", "/api/tokens/create-checkout-session"): 401,
    ("GET", "/api/tokens/create-checkout-session"): 405,
    ("POST", "/api/stripe/webhook"): 400,
    ("GET", "/api/stripe/webhook"): 405,
}


class System(ThreadingHTTPServer):
    """Answers each path with the status of a table."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.statuses = dict(WELL)
        self.available = [True, True]
        self.requests: list[tuple[str, str]] = []

    def smoke_test(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ("./smoke_test.sh", f"http://127.0.0.1:{self.server_port}", *arguments)
        variables = {**os.environ, **environment}
        return subprocess.run(command, cwd=ROOT, env=variables, check=False, text=True, capture_output=True)


class Answering(BaseHTTPRequestHandler):
    server: System

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        packages = [{"available": one} for one in self.server.available]
        body = json.dumps({"success": True, "packages": packages}).encode()
        self.send_response(self.server.statuses.get((self.command, self.path), 404))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def system() -> Iterator[System]:
    with System() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_healthy_system_passes_and_is_only_read(system: System) -> None:
    run = system.smoke_test()
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith("All checks passed.\n")
    assert set(system.requests) == WELL.keys()


@pytest.mark.parametrize("path", WELL)
def test_one_wrong_answer_fails(system: System, path: tuple[str, str]) -> None:
    system.statuses[path] = 500
    run = system.smoke_test()
    assert run.returncode == 1
    assert "FAILED" in run.stdout
    assert "500 instead of" in run.stdout


def test_a_package_that_is_not_on_sale_fails(system: System) -> None:
    system.available = [True, False]
    run = system.smoke_test()
    assert run.returncode == 1
    assert "FAILED  every package is on sale" in run.stdout


def test_a_system_that_does_not_answer_fails() -> None:
    run = subprocess.run(
        ("./smoke_test.sh", "http://127.0.0.1:1"), cwd=ROOT, check=False, text=True, capture_output=True
    )
    assert run.returncode == 1


@pytest.mark.parametrize("arguments", [(), ("http://127.0.0.1:1", "--buy"), ("http://127.0.0.1:1", "--purchase")])
def test_a_wrong_call_prints_the_usage(arguments: tuple[str, ...]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ID_TOKEN"}
    run = subprocess.run(
        ("./smoke_test.sh", *arguments), cwd=ROOT, check=False, text=True, capture_output=True, env=environment
    )
    assert run.returncode == 2
    assert "--purchase" in run.stderr
