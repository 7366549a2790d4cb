"""Functions that no browser calls admit their own callers, by Google's ID tokens."""

import base64
import json
import time
from collections.abc import Callable

import pytest
from google.auth import exceptions
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from shared.adapters import google_identity
from shared.adapters.google_identity import Admission
from shared.domain.callers import Callers
from shared.domain.errors import CallerRefused, Unavailable
from tests.deployed import deployed
from tests.identity_tokens import AUDIENCE, CALLER, STRIPPED, Signer, unsigned
from tests.records import records
from topology.functions import Function, load_functions

GOOGLE, STRANGER = Signer("google-1"), Signer("google-1")
CALLERS = Callers(AUDIENCE, frozenset({CALLER, "scheduler@demo.iam.gserviceaccount.com"}))
RS256 = {"alg": "RS256", "kid": "google-1"}


class KeySet:
    """Google's certificates. `fetches` counts how often they were asked for."""

    def __init__(self, *signers: Signer) -> None:
        self.signers = list(signers)
        self.fetches = 0

    def __call__(self) -> dict[str, str]:
        self.fetches += 1
        return {signer.key_id: signer.certificate for signer in self.signers}


def admission(*, on_cloud_run: bool = False, callers: Callers | None = CALLERS) -> Admission:
    return Admission(callers, on_cloud_run=on_cloud_run, fetch=KeySet(GOOGLE))


def bearer(token: str, scheme: str = "Bearer") -> Headers:
    return Headers({"Authorization": f"{scheme} {token}"})


def refusal(admits: Admission, headers: Headers) -> str:
    with pytest.raises(CallerRefused) as raised:
        admits.check(headers)
    assert raised.value.status == 403
    return raised.value.reason


BOTH = pytest.mark.parametrize("on_cloud_run", [False, True], ids=["elsewhere", "on Cloud Run"])


@BOTH
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_callers_signed_token_is_admitted(scheme: str, on_cloud_run: bool) -> None:
    admission(on_cloud_run=on_cloud_run).check(bearer(GOOGLE.token(), scheme))


LATE = "expired, or not valid yet"


def claims_that_no_caller_has() -> dict[str, tuple[dict[str, object], str]]:
    now = int(time.time())
    return {
        "another issuer": ({"iss": "https://securetoken.google.com/demo"}, "another issuer"),
        "no issuer": ({"iss": None}, "another issuer"),
        "another audience": ({"aud": "https://spend-tokens-123.us-central1.run.app"}, "another audience"),
        "two audiences": ({"aud": [AUDIENCE]}, "another audience"),
        "no audience": ({"aud": None}, "another audience"),
        "another caller": ({"email": "ada@demo.iam.gserviceaccount.com"}, "another caller"),
        "two callers": ({"email": [CALLER]}, "another caller"),
        "no address": ({"email": None}, "another caller"),
        "an unverified address": ({"email_verified": False}, "an email address that is not verified"),
        "not said to be verified": ({"email_verified": None}, "an email address that is not verified"),
        "verified by a word": ({"email_verified": "true"}, "an email address that is not verified"),
        "expired": ({"iat": now - 7_200, "exp": now - 60}, LATE),
        "of tomorrow": ({"iat": now + 86_400, "exp": now + 90_000}, LATE),
        "without an end": ({"exp": None}, LATE),
        "with an end in words": ({"exp": "never"}, LATE),
    }


CLAIMS = claims_that_no_caller_has()


@pytest.mark.parametrize(("claims", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_a_signed_token_with_other_claims_is_refused(claims: dict[str, object], reason: str) -> None:
    # google-auth judges the times itself, and says no more than that the token is not good.
    expected = "not a token of Google's" if reason == LATE else reason

    assert refusal(admission(), bearer(GOOGLE.token(**claims))) == expected


@pytest.mark.parametrize(("claims", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_a_stripped_token_with_other_claims_is_refused(claims: dict[str, object], reason: str) -> None:
    token = f"{unsigned(RS256, **claims)}.{STRIPPED}"

    assert refusal(admission(on_cloud_run=True), bearer(token)) == reason


NESTED = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
NOT_SIGNED_BY_GOOGLE: dict[str, Callable[[], str]] = {
    "another key": STRANGER.token,
    "an unknown key": lambda: GOOGLE.token(key_id="google-2"),
    "a list for a key": lambda: GOOGLE.token(key_id=["google-1"]),
    "alg none": lambda: f"{unsigned({'alg': 'none'})}.",
    "alg none, of a known key": lambda: f"{unsigned({'alg': 'none', 'kid': 'google-1'})}.",
    "an algorithm with a shared secret": lambda: f"{unsigned({'alg': 'HS256', 'kid': 'google-1'})}.c2ln",
    "no signature": lambda: f"{unsigned(RS256)}.",
    "two parts": lambda: unsigned(RS256),
    "changed claims": lambda: f"{unsigned(RS256, sub='2')}.{GOOGLE.token().rpartition('.')[2]}",
    "letters": lambda: "a.b.c",
    "no ASCII": lambda: "é.é.é",
    "deep": lambda: f"{NESTED}.{NESTED}.c2ln",
    "two tokens": lambda: f"{GOOGLE.token()},Bearer {GOOGLE.token()}",
}


@BOTH
@pytest.mark.parametrize("make", NOT_SIGNED_BY_GOOGLE.values(), ids=NOT_SIGNED_BY_GOOGLE)
def test_what_google_did_not_sign_is_refused(make: Callable[[], str], on_cloud_run: bool) -> None:
    assert refusal(admission(on_cloud_run=on_cloud_run), bearer(make())) == "not a token of Google's"


@BOTH
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi"])
def test_without_a_token_nobody_is_admitted(header: str | None, on_cloud_run: bool) -> None:
    headers = Headers({} if header is None else {"Authorization": header})

    assert refusal(admission(on_cloud_run=on_cloud_run), headers) == "no token"


def test_a_token_that_cloud_run_has_checked_is_admitted_there_alone() -> None:
    headers = bearer(f"{unsigned(RS256)}.{STRIPPED}")

    admission(on_cloud_run=True).check(headers)
    assert refusal(admission(), headers) == "no signature"


def test_of_two_tokens_the_one_that_cloud_run_checks_counts() -> None:
    """Whoever may call with a token of their own could write a caller's into the other header."""
    headers = bearer(f"{unsigned(RS256)}.{STRIPPED}")
    headers["X-Serverless-Authorization"] = f"Bearer {unsigned(RS256, email='ada@example.com')}.{STRIPPED}"

    assert refusal(admission(on_cloud_run=True), headers) == "another caller"


def test_where_no_callers_are_named_nobody_is_admitted() -> None:
    nobody = admission(on_cloud_run=True, callers=Callers(AUDIENCE, frozenset()))

    assert refusal(nobody, bearer(GOOGLE.token())) == "another caller"


# --- Google's certificates


def test_certificates_are_fetched_once_an_hour_and_for_a_new_key_at_most_once_a_minute() -> None:
    seconds = [0.0]
    keys = KeySet(GOOGLE)
    admits = Admission(CALLERS, on_cloud_run=False, fetch=keys, seconds=lambda: seconds[0])
    newer = Signer("google-2")
    keys_after: list[tuple[float, Signer, int]] = [
        (0, GOOGLE, 1), (3_600, GOOGLE, 1), (3_601, GOOGLE, 2),
    ]  # fmt: skip
    for at, signer, fetches in keys_after:
        seconds[0] = at
        admits.check(bearer(signer.token()))
        assert keys.fetches == fetches

    keys.signers.append(newer)
    seconds[0] = 3_660.0
    for _ in range(3):
        assert refusal(admits, bearer(newer.token())) == "not a token of Google's"
    assert keys.fetches == 2
    seconds[0] = 3_662.0
    admits.check(bearer(newer.token()))
    assert keys.fetches == 3


def test_without_googles_answer_the_caller_has_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise exceptions.TransportError("no network")

    monkeypatch.setattr(google_identity, "Request", lambda: away)
    admits = Admission(CALLERS, on_cloud_run=False)

    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            admits.check(bearer(GOOGLE.token()))
        assert raised.value.code == "identity_unavailable"


# --- the functions

PRIVATE = [row for row in load_functions() if not row.path]
KEY = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1"}
CLOUD_RUN = {**KEY, "K_SERVICE": "x", "CALLER_AUDIENCE": AUDIENCE, "CALLER_EMAILS": CALLER}


def reached() -> None:
    """Stand where a function builds its clients: whoever gets here was admitted."""
    raise AssertionError


@pytest.mark.parametrize("row", PRIVATE, ids=lambda row: row.name)
@pytest.mark.parametrize("token", [None, "x", f"{unsigned(RS256, aud='https://x')}.{STRIPPED}", STRANGER.token()])
def test_a_private_function_refuses_strangers_before_it_reads_anything(
    row: Function, token: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(google_identity, "Request", Certificates)
    with deployed(row.name, CLOUD_RUN) as function:
        function.main.dependencies = reached  # type: ignore[attr-defined]
        answer = function.post({}, headers=None if token is None else bearer(token))

    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["error"]["code"] == "caller_refused"
    (record,) = records(capsys)
    assert record["event"] == "caller.refused"
    assert record["severity"] == "WARNING"


def is_admitted(answer: TestResponse) -> bool:
    return answer.json is not None and answer.json["error"]["code"] == "internal"


class Certificates:
    """Google's answer to the question for its certificates."""

    def __init__(self) -> None:
        self.data = json.dumps({"google-1": GOOGLE.certificate}).encode()

    def __call__(self, *_: object, **__: object) -> "Certificates":
        return self


@pytest.mark.parametrize("row", PRIVATE, ids=lambda row: row.name)
@pytest.mark.parametrize("token", [f"{unsigned(RS256)}.{STRIPPED}", GOOGLE.token()], ids=["stripped", "signed"])
def test_a_private_function_admits_its_callers(row: Function, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_identity, "Request", Certificates)
    with deployed(row.name, CLOUD_RUN) as function:
        function.main.dependencies = reached  # type: ignore[attr-defined]
        answer = function.post({}, headers=bearer(token))

    assert is_admitted(answer)


@pytest.mark.parametrize("row", PRIVATE, ids=lambda row: row.name)
def test_on_a_machine_of_ones_own_anybody_may_call(row: Function) -> None:
    with deployed(row.name, KEY) as function:
        function.main.dependencies = reached  # type: ignore[attr-defined]
        assert is_admitted(function.post({}))
