"""APP_CHECK=required: only our own app may ask for a user's data, or start a payment."""

import io
import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from werkzeug.test import TestResponse

from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.identity_tokens import service_account, unsigned
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from topology.functions import ROOT

KEY, STRANGERS_KEY = (rsa.generate_private_key(public_exponent=65_537, key_size=2_048) for _ in range(2))
FUNCTIONS = {
    "create_checkout": "POST",
    "get_balance": "GET",
    "get_receipt": "GET",
    "list_transactions": "GET",
    "claim_welcome": "POST",
}


class OurStripe:
    """A gateway that makes one session, and has a receipt of it."""

    def get_or_create_customer(self, *_: object, **__: object) -> str:
        return "cus_ada"

    def create_token_checkout_session(self, **_: object) -> tuple[str, str]:
        return "cs_1", "https://stripe.example/cs_1"

    def receipt_url(self, session_id: str) -> str:
        return f"https://stripe.example/receipts/{session_id}"


@dataclass(frozen=True)
class App:
    """A function with a real identity, and the buyer's requests to it."""

    function: Deployed
    project: str
    method: str

    def ask(self, app_check: str | None, *, signed_in: bool = True) -> TestResponse:
        claims = {"iss": f"https://securetoken.google.com/{self.project}", "aud": self.project, "sub": "ada"}
        headers = {"Authorization": f"Bearer {unsigned({'alg': 'none'}, **claims)}."} if signed_in else {}
        if app_check is not None:
            headers["X-Firebase-AppCheck"] = app_check
        body = {"json": {"package": "popular"}} if self.method == "POST" else {}
        return self.function.request(self.method, headers=headers, query_string={"session_id": "cs_1"}, **body)

    def token(self, key: rsa.RSAPrivateKey = KEY, **changes: object) -> str:
        """Return an App Check token of this project's app, with these changes of its claims."""
        now = int(time.time())
        claims = {
            "iss": "https://firebaseappcheck.googleapis.com/123", "sub": "1:123:web:abc", "iat": now - 10,
            "aud": ["projects/123", f"projects/{self.project}"], "exp": now + 3_600, **changes,
        }  # fmt: skip
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "key-1"})


def code_of(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["error"]["code"]


def serve(name: str, app_check: str, folder: Path) -> Iterator[App]:
    project = f"demo-{uuid.uuid4().hex[:8]}"  # firebase-admin keeps an app, and Google's keys, for each
    environ = {
        "GOOGLE_CLOUD_PROJECT": project, "APP_CHECK": app_check, "STRIPE_SECRET_KEY": "sk_test_1",
        "APP_BASE_URL": "https://app.example", "STRIPE_TOKEN_POPULAR_PRICE_ID": "price_popular",
        "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9", "GOOGLE_APPLICATION_CREDENTIALS": str(service_account(folder)),
    }  # fmt: skip
    with deployed(name, environ) as function:
        ledger = ledger_of(FakeFirestore().as_client())
        ledger.credit(purchase("cs_1"), NO_LIMITS)
        function.main.connect_ledger = lambda _: ledger  # type: ignore[attr-defined]
        function.main.connect_stripe = lambda *_, **__: OurStripe()  # type: ignore[attr-defined]
        yield App(function, project, FUNCTIONS[name])


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Google's keys for App Check tokens, as its server gives them out; the list has every question."""
    keys = {"keys": [{**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "key-1", "use": "sig"}]}
    questions: list[str] = []

    def answer(_: object, request: urllib.request.Request, *__: object, **___: object) -> io.BytesIO:
        questions.append(request.full_url)
        return io.BytesIO(json.dumps(keys).encode())

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", answer)
    return questions


@pytest.fixture(params=FUNCTIONS)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    yield from serve(request.param, "required", tmp_path)


def test_our_apps_requests_are_answered(app: App, asked: list[str]) -> None:
    for _ in range(3):
        assert app.ask(app.token()).status_code == 200

    assert asked == ["https://firebaseappcheck.googleapis.com/v1/jwks"], "asked once, not at each request"


def test_without_a_token_of_the_app_a_signed_in_user_is_refused(app: App, asked: list[str]) -> None:
    assert code_of(app.ask(None)) == (403, "app_check_failed")
    assert code_of(app.ask("")) == (403, "app_check_failed")
    assert asked == []


def test_who_is_not_signed_in_is_told_so_first(app: App) -> None:
    assert code_of(app.ask(None, signed_in=False)) == (401, "not_signed_in")


NESTED = "W" * 8_000  # decodes to brackets
NOT_OURS: dict[str, Callable[[App], str]] = {
    "another key": lambda app: app.token(STRANGERS_KEY),
    "another project": lambda app: app.token(aud=["projects/123", "projects/another"]),
    "another issuer": lambda app: app.token(iss="https://securetoken.google.com/123"),
    "expired": lambda app: app.token(exp=int(time.time()) - 60),
    "no app": lambda app: app.token(sub=None),
    "alg none": lambda app: (
        f"{unsigned({'alg': 'none', 'typ': 'JWT', 'kid': 'key-1'}, aud=[f'projects/{app.project}'])}."
    ),
    "a shared secret": lambda app: (
        f"{unsigned({'alg': 'HS256', 'typ': 'JWT', 'kid': 'key-1'}, aud=[f'projects/{app.project}'])}.c2ln"
    ),
    "letters": lambda _: "a.b.c",
    "brackets": lambda _: f"{NESTED}.{NESTED}.c2ln",
}


@pytest.mark.parametrize("make", NOT_OURS.values(), ids=NOT_OURS)
def test_another_token_is_refused(app: App, make: Callable[[App], str]) -> None:
    assert code_of(app.ask(make(app))) == (403, "app_check_failed")


def test_without_googles_keys_the_app_has_to_try_again(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", away)

    assert code_of(app.ask(app.token())) == (503, "identity_unavailable")


def test_every_function_that_signs_users_in_is_tested_here() -> None:
    mains = (ROOT / "functions").glob("*/main.py")

    assert {main.parent.name for main in mains if "adapters.firebase_auth" in main.read_text()} == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_app_check_is_off_unless_it_is_required(name: str, tmp_path: Path, asked: list[str]) -> None:
    for app in serve(name, "", tmp_path):
        assert app.ask(None).status_code == 200

    assert asked == []
