"""Secrets: the value itself, or the name of one in Secret Manager. The only module that imports Secret Manager.

A value read from Secret Manager is kept for minutes, and for longer while Secret Manager is away. `fresh` reads it
again at once, which lets a rotated secret work without a deployment; it does so at most every few seconds, so that
forged requests cannot drive the number of reads.
"""

import re
import time
from collections.abc import Callable
from threading import Lock

from google.api_core import exceptions as google_errors
from google.cloud import secretmanager

from shared.domain.errors import Unavailable

_RESOURCE_NAME = re.compile(r"projects/[^/]+/secrets/[^/]+/versions/[^/]+")
_KEPT_S = 300.0
_FRESH_S = 10.0
_TRIED_AGAIN_S = 30.0
_CALL_TIMEOUT_S = 5.0
_PASSING = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
    google_errors.RetryError,
)


class SecretStore:
    """Reads secrets as the settings name them."""

    def __init__(
        self,
        connect: Callable[[], secretmanager.SecretManagerServiceClient] = secretmanager.SecretManagerServiceClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._client: secretmanager.SecretManagerServiceClient | None = None
        self._read: dict[str, tuple[float, str]] = {}
        self._lock = Lock()

    def get(self, setting: str) -> str:
        """Return the secret that a setting names or is.

        Raises:
            Unavailable: Secret Manager does not answer, or the secret is empty.
        """
        return self._value(setting, _KEPT_S, outlives_outages=True)

    def fresh(self, setting: str) -> str:
        """Return the secret as it is now, at most a few seconds old. Raises as `get`."""
        return self._value(setting, _FRESH_S, outlives_outages=False)

    def _value(self, setting: str, max_age_s: float, *, outlives_outages: bool) -> str:
        if not _RESOURCE_NAME.fullmatch(setting):
            return setting
        with self._lock:
            read_at, value = self._read.get(setting, (float("-inf"), ""))
            if self._clock() - read_at >= max_age_s:
                try:
                    value, read_at = self._access(setting), self._clock()
                except google_errors.GoogleAPIError as error:
                    # A secret that was taken away is another matter than one that cannot be asked for.
                    if not (value and outlives_outages and isinstance(error, _PASSING)):
                        raise Unavailable("secret_unavailable") from error
                    read_at = self._clock() - _KEPT_S + _TRIED_AGAIN_S
                self._read[setting] = (read_at, value)
        return value

    def _access(self, name: str) -> str:
        if self._client is None:
            self._client = self._connect()
        response = self._client.access_secret_version(name=name, timeout=_CALL_TIMEOUT_S)
        value = response.payload.data.decode("utf-8").strip()
        if not value:
            raise Unavailable("secret_unavailable")
        return value
