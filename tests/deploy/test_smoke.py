"""smoke_test.sh finds faults; tests/e2e/test_smoke.py runs it on the whole product, where it must find none."""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy import smoke
from deploy.environment import Environment, load_environment
from shared.runtime.catalog_file import load_catalog
from topology.functions import ROOT, load_functions

PACKAGES = [
    {
        "id": one.id,
        "tokens": one.current.tokens,
        "price": one.current.price_cents / 100,
        "amount": one.current.price_cents,
        "currency": one.current.currency,
        "available": True,
    }
    for one in load_catalog().packages
]
TOKEN = f"e30.{base64.urlsafe_b64encode(json.dumps({'sub': 'ada'}).encode()).decode().rstrip('=')}.c2ln"
INIT = "/__/firebase/init.json"
DOCUMENTS = "/v1/projects/demo/databases/(default)/documents/users"
STATUSES = {
    **{("GET", page): 200 for page in smoke.PAGES},
    ("GET", INIT): 200,
    ("GET", "/api/tokens/packages"): 200,
    ("GET", "/api/tokens/balance"): 401,
    ("GET", "/api/tokens/transactions"): 401,
    ("GET", "/api/tokens/receipt"): 401,
    ("POST", "/api/tokens/welcome"): 401,
    ("POST", "/api/tokens/create-checkout-session"): 401,
    ("GET", "/api/tokens/create-checkout-session"): 405,
    ("POST", "/api/stripe/webhook"): 400,
    ("GET", "/api/stripe/webhook"): 405,
    ("GET", f"{DOCUMENTS}/smoke-test"): 403,
}


class System(ThreadingHTTPServer):
    """Answers each path with the status of a table; a user who is signed in has bought once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.statuses = dict(STATUSES)
        self.packages: list[dict[str, Any]] = [dict(one) for one in PACKAGES]
        self.init: dict[str, Any] = {
            "apiKey": "key",
            "projectId": "demo",
            "authDomain": "demo.firebaseapp.com",
            "emulators": {"firestore": f"127.0.0.1:{self.server_port}"},
        }
        self.balance = 10
        self.entries: list[dict[str, Any]] = []
        self.write_status = 403
        self.requests: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, token: str) -> tuple[int, object]:
        path = path.partition("?")[0]
        if method == "PATCH":
            return self.write_status, {}
        if token == TOKEN and path == "/api/tokens/balance":
            return 200, {"balance": self.balance}
        if token == TOKEN and path == "/api/tokens/transactions":
            return 200, {"transactions": self.entries}
        if token == TOKEN and path == "/api/tokens/create-checkout-session":
            return 200, {"session_id": "cs_1", "url": "https://pay.test"}
        if path == "/_sim/sessions/cs_1/pay":
            self.balance += 50
            self.entries = [{"type": "purchase", "amount": 50, "details": {"stripeSessionId": "cs_1"}}, *self.entries]
            return 200, {}
        bodies = {INIT: self.init, "/api/tokens/packages": {"success": True, "packages": self.packages}}
        return self.statuses.get((method, path), 404), bodies.get(path, {})


class Answering(BaseHTTPRequestHandler):
    server: System

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, document = self.server.answer(self.command, self.path, token)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the names that http.server calls
    do_PATCH = do_GET  # noqa: N815

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


class Smoke:
    """One run against the system: its rows, by what they check."""

    def __init__(self, system: System, capsys: pytest.CaptureFixture[str]) -> None:
        self._system = system
        self._capsys = capsys
        self.rows: dict[str, str] = {}

    def __call__(self, token: str = "", environment: Environment | None = None, catalog: str = "default") -> list[str]:
        """Return what failed."""
        test = smoke.SmokeTest(self._system.url)
        test.system(environment, catalog, token)
        return self._failed(test)

    def purchase(self) -> list[str]:
        test = smoke.SmokeTest(self._system.url, sleep=lambda _: None)
        test.purchase(TOKEN, self._system.url)
        return self._failed(test)

    def candidates(self, *services: str) -> list[str]:
        test = smoke.SmokeTest("")
        test.candidates(f"{self._system.url}/{{}}".replace("/{}", ""), services)
        return self._failed(test)

    def _failed(self, test: smoke.SmokeTest) -> list[str]:
        failed = [
            line[8:66].strip() for line in self._capsys.readouterr().out.splitlines() if line.startswith("FAILED")
        ]
        assert len(failed) == test.failures
        return failed


@pytest.fixture
def run(system: System, capsys: pytest.CaptureFixture[str]) -> Smoke:
    return Smoke(system, capsys)


def test_a_healthy_system_passes_and_is_only_read(system: System, run: Smoke) -> None:
    assert run() == []
    assert {(method, path.partition("?")[0]) for method, path in system.requests} == STATUSES.keys()


@pytest.mark.parametrize("path", STATUSES)
def test_one_wrong_answer_fails(system: System, run: Smoke, path: tuple[str, str]) -> None:
    system.statuses[path] = 500
    if path[1] == INIT:
        system.init = {}
    assert run()


@pytest.mark.parametrize("field", ["apiKey", "projectId", "authDomain"])
def test_pages_that_cannot_sign_anybody_in_fail(system: System, run: Smoke, field: str) -> None:
    """The web app is not linked to the site."""
    del system.init[field]
    assert "the pages know their Firebase project" in run()


def test_a_package_that_is_not_on_sale_fails(system: System, run: Smoke) -> None:
    system.packages[0]["available"] = False
    assert run() == ["every package is on sale"]


@pytest.mark.parametrize(
    ("field", "value"), [("price", 0.99), ("amount", 99), ("currency", "eur"), ("tokens", 999), ("id", "other")]
)
def test_a_package_at_other_terms_fails(system: System, run: Smoke, field: str, value: object) -> None:
    system.packages[1][field] = value
    assert run() == ["packages and prices are those of catalog default"]


def test_a_missing_package_and_one_too_many_fail(system: System, run: Smoke) -> None:
    system.packages.pop()
    assert run() == ["packages and prices are those of catalog default"]
    assert run(catalog="classic") == ["packages and prices are those of catalog classic"]


def test_a_user_who_can_write_a_balance_fails(system: System, run: Smoke) -> None:
    assert run(TOKEN) == []
    system.write_status = 200
    assert run(TOKEN) == ["a user cannot write a balance"]


def test_the_write_that_is_tried_would_change_nothing(system: System, run: Smoke) -> None:
    run(TOKEN)
    written = [path for method, path in system.requests if method == "PATCH"]
    assert written == [f"{DOCUMENTS}/ada?updateMask.fieldPaths=tokenBalance"]


@pytest.mark.parametrize(("status", "fails"), [(403, False), (404, False), (200, True), (400, True), (500, True)])
def test_a_private_function_answers_nobody(
    system: System, run: Smoke, monkeypatch: pytest.MonkeyPatch, status: int, fails: bool
) -> None:
    monkeypatch.setattr(Environment, "url", lambda _self, service: f"{system.url}/{service}")
    private = [row.service for row in load_functions() if not row.path]
    system.statuses |= {("POST", f"/{service}"): status for service in private}

    failed = run(environment=load_environment("dev"))

    assert len(private) >= 4
    assert len(failed) == (len(private) if fails else 0)


# --- a purchase


def test_a_purchase_that_arrives_passes(run: Smoke) -> None:
    assert run.purchase() == []


def test_a_purchase_without_an_entry_fails(system: System, run: Smoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "answer", _without_entries(system))
    assert run.purchase() == ["the transaction is recorded, once"]


def _without_entries(system: System) -> Callable[[str, str, str], tuple[int, object]]:
    answer = system.answer

    def other(method: str, path: str, token: str) -> tuple[int, object]:
        found = answer(method, path, token)
        return (200, {"transactions": []}) if "transactions" in path else found

    return other


def test_a_purchase_that_never_arrives_fails(system: System, run: Smoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_PURCHASE_S", 0)
    assert run.purchase() == ["the tokens are credited"]


# --- candidates, and the script


def test_only_the_named_services_are_asked_at_their_own_addresses(system: System, run: Smoke) -> None:
    assert run.candidates("get-balance", "list-packages") == []
    assert {path for _, path in system.requests} == {"/api/tokens/balance", "/api/tokens/packages"}


def test_a_candidate_that_answers_wrongly_fails(system: System, run: Smoke) -> None:
    system.statuses["GET", "/api/tokens/balance"] = 503
    assert len(run.candidates("get-balance")) == 2


def test_every_public_function_is_checked() -> None:
    assert {one.function for one in smoke.API} == {row.name for row in load_functions() if row.path}
    assert {one.path for one in smoke.API} == {row.path for row in load_functions() if row.path}


def script(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "ID_TOKEN"} | extra
    command = ("./smoke_test.sh", *arguments)
    return subprocess.run(command, cwd=ROOT, env=variables, check=False, text=True, capture_output=True)


def test_the_script_passes_on_a_healthy_system(system: System) -> None:
    done = script(system.url)
    assert (done.returncode, done.stdout.endswith("All checks passed.\n")) == (0, True), done.stdout + done.stderr


def test_the_script_buys(system: System) -> None:
    done = script(system.url, "--purchase", "--simulator", system.url, ID_TOKEN=TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the transaction is recorded, once" in done.stdout


def test_a_system_that_does_not_answer_fails() -> None:
    assert script("http://127.0.0.1:1").returncode == 1


@pytest.mark.parametrize(
    "arguments", [(), ("http://127.0.0.1:1", "--buy"), ("http://127.0.0.1:1", "--purchase"), ("x",)]
)
def test_a_wrong_call_prints_the_usage(arguments: tuple[str, ...]) -> None:
    done = script(*arguments)
    assert done.returncode == 2
    assert "--purchase" in done.stderr
