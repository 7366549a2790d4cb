"""A lean HTTP client: it shares the machine with what it measures."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import Retry

__all__ = ["HttpClient", "Request", "Response", "TransportError", "UnexpectedResponseError"]

# Reopens a connection that the server closed while it was idle. A response is never retried, whatever its status.
_RECONNECT = Retry(total=2, status=0, redirect=0, allowed_methods=None, respect_retry_after_header=False)
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The body's JSON object."""
        return dict(json.loads(self.body))


class UnexpectedResponseError(RuntimeError):
    """A service did not respond as the measurement requires, so there is no result."""


class HttpClient:
    """Sends requests to one service. Thread-safe; each thread uses a connection of its own."""

    def __init__(self, url: str, connections: int = 64) -> None:
        parts = urlsplit(url)
        self._pool = HTTPConnectionPool(
            parts.hostname or "", parts.port, maxsize=connections, timeout=_TIMEOUT_S, retries=_RECONNECT
        )

    def send(self, request: Request) -> Response:
        """Send a request and return the response, whatever its status."""
        response = self._pool.urlopen(request.method, request.path, body=request.body, headers=request.headers)
        return Response(response.status, response.data)

    def send_ok(self, request: Request) -> Response:
        """Send a request that must succeed.

        Raises:
            UnexpectedResponseError: the status is not 200.
        """
        response = self.send(request)
        if response.status != HTTPStatus.OK:
            where = f"{request.method} port {self._pool.port} {request.path}"
            raise UnexpectedResponseError(f"{where}: {response.status} {response.body[:300]!r}")
        return response

    def calls(self, requests: Iterable[Request]) -> list[Callable[[], Response]]:
        """Return calls that send these requests, each of which must succeed."""
        return [partial(self.send_ok, request) for request in requests]
