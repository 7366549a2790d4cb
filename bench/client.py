"""Calls a service over HTTP with as little work of its own as possible: the caller shares the machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import Retry

__all__ = ["Answer", "Caller", "Request", "TransportError", "WrongAnswerError"]

# Only a connection that was closed while idle is opened again; what was answered is never asked again.
_RECONNECT = Retry(total=2, status=0, redirect=0, allowed_methods=None, respect_retry_after_header=False)
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to send."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object that was answered."""
        return dict(json.loads(self.body))


class WrongAnswerError(RuntimeError):
    """A service did not answer what the measurement needs: the measurement is void."""


class Caller:
    """Sends requests to one service; safe to use from many threads, one connection for each."""

    def __init__(self, url: str, connections: int = 64) -> None:
        parts = urlsplit(url)
        self._pool = HTTPConnectionPool(
            parts.hostname or "", parts.port, maxsize=connections, timeout=_TIMEOUT_S, retries=_RECONNECT
        )

    def send(self, request: Request) -> Answer:
        """Send a request, and return whatever is answered."""
        answer = self._pool.urlopen(request.method, request.path, body=request.body, headers=request.headers)
        return Answer(answer.status, answer.data)

    def ask(self, request: Request) -> Answer:
        """Send a request that must succeed.

        Raises:
            WrongAnswerError: it did not.
        """
        answer = self.send(request)
        if answer.status != HTTPStatus.OK:
            where = f"{request.method} port {self._pool.port} {request.path}"
            raise WrongAnswerError(f"{where}: {answer.status} {answer.body[:300]!r}")
        return answer
