"""A Firebase ID token becomes a user, or the request is not signed in."""

import base64
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.firebase_auth import Identity, User
from shared.domain.errors import NotSignedIn, Unavailable
from tests.identity_tokens import service_account


def part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def unsigned(project: str, **changes: object) -> str:
    """Return a token as the Auth emulator gives it out."""
    now = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project}", "aud": project, "sub": "ada",
        "email": "ada@example.com", "email_verified": True, "iat": now - 10, "exp": now + 3_600, **changes,
    }  # fmt: skip
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


@pytest.fixture
def project() -> str:
    return f"demo-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def emulated(project: str, monkeypatch: pytest.MonkeyPatch) -> Identity:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    return Identity(project)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_names_its_user(emulated: Identity, project: str, scheme: str) -> None:
    assert emulated.user_of(f"{scheme} {unsigned(project)}") == User("ada", "ada@example.com")


@pytest.mark.parametrize(
    "changes",
    [{"email": None}, {"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": 1}],
    ids=str,
)
def test_an_email_that_is_not_verified_is_not_the_users(
    emulated: Identity, project: str, changes: dict[str, object]
) -> None:
    assert emulated.user_of(f"Bearer {unsigned(project, **changes)}") == User("ada", None)


@pytest.mark.parametrize("uid", ["a/b", "a/b/c", ".", "..", "__ada__", "/", "a\x00b", "\ud800"])
def test_a_uid_that_cannot_name_a_document_signs_nobody_in(emulated: Identity, project: str, uid: str) -> None:
    """Such a token wrote an account below another user's document."""
    with pytest.raises(NotSignedIn):
        emulated.user_of(f"Bearer {unsigned(project, sub=uid)}")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer    ", "Basic YTpi", "token"])
def test_without_a_bearer_token_nobody_is_signed_in(emulated: Identity, header: str | None) -> None:
    with pytest.raises(NotSignedIn):
        emulated.user_of(header)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-project"},
        {"iss": "https://securetoken.google.com/another-project"},
        {"sub": ""},
        {"sub": "x" * 129},
    ],
    ids=["another project's", "another issuer's", "nobody's", "too long"],
)
def test_a_token_that_is_not_good_here_signs_nobody_in(
    emulated: Identity, project: str, changes: dict[str, object]
) -> None:
    with pytest.raises(NotSignedIn):
        emulated.user_of(f"Bearer {unsigned(project, **changes)}")


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


NESTED = encoded("[" * 100_000)
JUNK = {
    "a letter": "x",
    "letters": "a.b.c",
    "no ASCII": "é.é.é",
    "dots": "." * 100,
    "a nested header": f"{NESTED}.e30.c2ln",
    "nested claims": f"{encoded('{}')}.{NESTED}.c2ln",
    "lists": f"{encoded('[]')}.{encoded('[]')}.c2ln",
    "numbers": f"{encoded('1')}.{encoded('1')}.c2ln",
}


@pytest.mark.parametrize("token", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("place", ["emulated", "deployed"])
def test_junk_signs_nobody_in(request: pytest.FixtureRequest, place: str, token: str) -> None:
    identity: Identity = request.getfixturevalue(place)

    with pytest.raises(NotSignedIn):
        identity.user_of(f"Bearer {token}")


@pytest.fixture
def deployed(project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identity:
    """Return the identity of a deployment, which no network can reach."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path)))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    return Identity(project)


def test_a_deployment_takes_no_unsigned_token(deployed: Identity, project: str) -> None:
    with pytest.raises(NotSignedIn):
        deployed.user_of(f"Bearer {unsigned(project)}")


def test_a_deployment_that_cannot_fetch_googles_certificates_asks_to_try_again(
    deployed: Identity, project: str
) -> None:
    _, claims, _ = unsigned(project).split(".")
    token = f"{part({'alg': 'RS256', 'kid': 'key-1', 'typ': 'JWT'})}.{claims}.{part({'a': 'signature'})}"

    with pytest.raises(Unavailable) as raised:
        deployed.user_of(f"Bearer {token}")
    assert raised.value.code == "identity_unavailable"


def test_two_first_requests_at_once_share_the_projects_app(project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    first, second = Identity(project), Identity(project)

    token = f"Bearer {unsigned(project)}"
    assert first.user_of(token) == second.user_of(token)
