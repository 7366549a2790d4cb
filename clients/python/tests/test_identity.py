"""On Cloud Run, requests carry the ID token of the caller's service; google-auth fetches it, from a metadata server."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clients.python.tests.calling_backend import AUDIENCE
from clients.python.tests.fake_ledger import FakeLedger
from token_economy import AsyncTokens, CloudRunIdentity, Tokens
from token_economy.identity import identity_for

PROGRAM = Path(__file__).with_name("calling_backend.py")
SOURCES = Path(__file__).parents[1] / "src"


@dataclass
class Cloud:
    """A metadata server that issues tokens, and a function that takes them, at one address.

    Attributes:
        audiences: what each token was issued for; the third token is `token 3`.
        shown: the tokens that the function was shown.
        lifetimes_s: how long each token is valid; an hour when there is none left.
        refused: the numbers of the tokens that the function refuses as invalid.
    """

    audiences: list[str] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    lifetimes_s: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    ledger: FakeLedger = field(default_factory=lambda: FakeLedger({"ada": 1_000}))
    port: int = 0

    def issue(self, audience: str) -> str:
        """Return a new token, in the form of a JWT."""
        self.audiences.append(audience)
        lifetime_s = self.lifetimes_s.pop(0) if self.lifetimes_s else 3_600
        claims = {"number": len(self.audiences), "exp": int(time.time()) + lifetime_s}
        return ".".join(_encoded(part) for part in ({"alg": "RS256"}, claims, "signature"))

    def take(self, authorization: str) -> bool:
        """Note the token that a request shows, and return whether it is accepted."""
        kind, _, token = authorization.partition(" ")
        assert kind == "Bearer"
        claims = token.split(".")[1]
        number = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["number"]
        self.shown.append(number)
        return number not in self.refused

    def run(self, kind: str, *keys: str, **environment: str) -> str:
        """Run the backend, and return what it prints."""
        address = f"127.0.0.1:{self.port}"
        done = subprocess.run(
            (sys.executable, PROGRAM, kind, f"http://{address}", *keys),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(SOURCES),
                "GCE_METADATA_HOST": address,
                "GCE_METADATA_IP": address,
                **environment,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path.endswith("/identity"):
                self._answer(200, cloud.issue(parse_qs(address.query)["audience"][0]).encode())
            else:
                self._answer(
                    200, b'{"email": "chat@example.iam.gserviceaccount.com", "scopes": []}', "application/json"
                )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if cloud.take(self.headers["Authorization"]):
                with httpx.Client(transport=cloud.ledger.transport()) as http:
                    self._answer(200, http.post(f"http://ledger{self.path}", content=body).content)
            else:
                self._answer(401, b"<html>Unauthorized</html>")

        def _answer(self, status: int, body: bytes, type_: str = "text/html") -> None:
            self.send_response(status)
            self.send_header("Content-Type", type_)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cloud.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield cloud
        server.shutdown()
        thread.join()


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


each_kind = pytest.mark.parametrize("kind", ["sync", "async"])


@each_kind
def test_requests_carry_one_token_for_the_functions_address_until_it_expires(cloud: Cloud, kind: str) -> None:
    assert cloud.run(kind, "a", "b", "c") == "spent"

    assert cloud.audiences == [AUDIENCE]
    assert cloud.shown == [1, 1, 1]


@each_kind
def test_a_token_that_is_about_to_expire_is_replaced(cloud: Cloud, kind: str) -> None:
    cloud.lifetimes_s = [60]

    assert cloud.run(kind, "a", "b", "c") == "spent"

    assert cloud.shown == [1, 2, 2]


@each_kind
def test_a_token_that_is_refused_is_replaced_once(cloud: Cloud, kind: str) -> None:
    cloud.refused = {1}

    assert cloud.run(kind, "a", "b") == "spent"

    assert cloud.shown == [1, 2, 2]
    assert cloud.ledger.balances == {"ada": 998}


@each_kind
def test_an_identity_that_is_refused_twice_is_an_error(cloud: Cloud, kind: str) -> None:
    cloud.refused = {1, 2}

    assert cloud.run(kind, "a") == "NotAuthorized"

    assert cloud.shown == [1, 2]


def test_a_process_without_an_identity_is_not_authorized(cloud: Cloud) -> None:
    assert cloud.run("sync", "a", GOOGLE_APPLICATION_CREDENTIALS="missing.json") == "NotAuthorized"

    assert cloud.shown == []


def test_https_has_an_identity_and_this_machine_needs_none() -> None:
    assert isinstance(identity_for("https://spend-tokens.example.run.app"), CloudRunIdentity)
    for url in ("http://localhost:8090", "http://127.0.0.1:8090", "http://[::1]:8090"):
        assert type(identity_for(url)) is httpx.Auth


@pytest.mark.parametrize("url", ["http://spend-tokens.example.run.app", "spend-tokens.example.run.app", "ftp://x"])
def test_an_address_in_the_clear_is_refused_unless_the_caller_says_how_to_authorize(url: str) -> None:
    for client in (Tokens, AsyncTokens):
        with pytest.raises(ValueError, match="is neither https nor http on this machine"):
            client(url)
        client(url, auth=httpx.BasicAuth("ada", "secret"))
