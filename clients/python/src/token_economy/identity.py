"""The caller's identity: a Google ID token for Cloud Run, whose audience is the function's address."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

import httpx

from token_economy.errors import NotAuthorized, Unavailable

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_UNAUTHORIZED = 401
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class CloudRunIdentity(httpx.Auth):
    """Adds the ID token of the service that this process runs as; it is kept until shortly before it expires.

    Args:
        audience: the function's own URL, or whatever it accepts beside that.

    Raises:
        ImportError: google-auth is not installed.
    """

    def __init__(self, audience: str) -> None:
        try:
            import google.auth.transport.requests  # noqa: F401, PLC0415 - an optional package, asked for at once
        except ImportError as error:
            raise ImportError("An https address needs google-auth: pip install 'token-economy[cloud-run]'") from error
        self._audience = audience
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the token; if that is refused as invalid, once more with a new one."""
        request.headers["Authorization"] = f"Bearer {self.token()}"
        response = yield request
        if response.status_code == _UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {self.token(renew=True)}"
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Do the same without blocking the event loop: google-auth has no asynchronous way."""
        request.headers["Authorization"] = f"Bearer {await asyncio.to_thread(self.token)}"
        response = yield request
        if response.status_code == _UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await asyncio.to_thread(self.token, renew=True)}"
            yield request

    def token(self, *, renew: bool = False) -> str:
        """Return a valid ID token, a new one if the last is about to expire.

        Raises:
            Unavailable: Google does not answer now.
            NotAuthorized: this process has no identity.
        """
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError  # noqa: PLC0415 - an optional package

        with self._lock:
            try:
                return self._valid_token(renew=renew)
            except DefaultCredentialsError as error:
                raise NotAuthorized("no_identity", f"No identity token for {self._audience}: {error}") from error
            except GoogleAuthError as error:
                raise Unavailable(f"No identity token for {self._audience}: {error}") from error

    def _valid_token(self, *, renew: bool) -> str:
        from google.auth.transport.requests import Request  # noqa: PLC0415 - an optional package
        from google.oauth2.id_token import fetch_id_token_credentials  # noqa: PLC0415 - an optional package

        request = Request()
        if self._credentials is None:
            self._credentials = fetch_id_token_credentials(self._audience, request)  # type: ignore[no-untyped-call]
        if renew or not self._credentials.valid:
            self._credentials.refresh(request)
        return str(self._credentials.token)


def identity_for(url: str) -> httpx.Auth:
    """Return the identity for an address: Cloud Run's for https, none for http on this machine.

    Raises:
        ValueError: it is neither.
    """
    address = httpx.URL(url)
    if address.scheme == "https":
        return CloudRunIdentity(url)
    if address.scheme == "http" and address.host in _LOOPBACK:
        return httpx.Auth()
    raise ValueError(f"{url!r} is neither https nor http on this machine; pass auth= if that is what you want")
