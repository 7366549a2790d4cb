"""Secrets: the value itself, or the name of one in Secret Manager. The only module that imports Secret Manager.

A value read from Secret Manager is kept for minutes, and for longer while Secret Manager is unavailable. `fresh` reads
it again at once, so that a rotated secret works without a deployment; it does so at most every few seconds, so that
forged requests cannot drive the number of reads.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type

from shared.domain.errors import Unavailable

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

_NAME_PREFIX = "projects/"  # the settings have checked the rest
_MAX_AGE_S = 300.0
_FRESH_MAX_AGE_S = 10.0
_RETRY_AFTER_S = 30.0
_CALL_TIMEOUT_S = 5.0
_FAILED_FOR_S = 1.0
"""How long after a failed read nobody asks again: whoever waited for it would else wait as long once more."""
_TRANSIENT = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
    google_errors.RetryError,
)
# The client's own would go on for a minute, longer than the caller waits.
_RETRY = Retry(
    if_exception_type(google_errors.ServiceUnavailable, google_errors.TooManyRequests),
    initial=0.1,
    maximum=1.0,
    timeout=_CALL_TIMEOUT_S,
)


def _connect() -> "SecretManagerServiceClient":
    # Loading the client takes longer than the rest of a function's start. Where no setting names a secret, and where no
    # request needs one, it is never loaded.
    from google.cloud import secretmanager  # noqa: PLC0415

    return secretmanager.SecretManagerServiceClient()


class SecretStore:
    """Reads secrets as the settings name them: one, or several separated by commas."""

    def __init__(
        self,
        connect: "Callable[[], SecretManagerServiceClient]" = _connect,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._client: SecretManagerServiceClient | None = None
        self._values: dict[str, tuple[float, str]] = {}
        self._failures: dict[str, tuple[float, google_errors.GoogleAPIError]] = {}
        self._lock = Lock()

    def get(self, setting: str) -> str:
        """Return the secrets that a setting names or is, separated by commas.

        Raises:
            Unavailable: Secret Manager does not answer, or a secret is empty.
        """
        return self._values_of(setting, _MAX_AGE_S, survives_outages=True)

    def fresh(self, setting: str) -> str:
        """Return the secrets as they are now, at most a few seconds old. Raises as `get`."""
        return self._values_of(setting, _FRESH_MAX_AGE_S, survives_outages=False)

    def _values_of(self, setting: str, max_age_s: float, *, survives_outages: bool) -> str:
        return ",".join(
            self._value(part, max_age_s, survives_outages=survives_outages) if part.startswith(_NAME_PREFIX) else part
            for part in setting.split(",")
        )

    def _value(self, name: str, max_age_s: float, *, survives_outages: bool) -> str:
        with self._lock:
            read_at, value = self._values.get(name, (float("-inf"), ""))
            if self._clock() - read_at >= max_age_s:
                try:
                    value, read_at = self._access(name), self._clock()
                except google_errors.GoogleAPIError as error:
                    # A secret that was deleted or disabled is gone; one that cannot be read just now is not.
                    if not (value and survives_outages and isinstance(error, _TRANSIENT)):
                        raise Unavailable("secret_unavailable") from error
                    read_at = self._clock() - _MAX_AGE_S + _RETRY_AFTER_S
                self._values[name] = (read_at, value)
        return value

    def _access(self, name: str) -> str:
        failed_at, failure = self._failures.get(name, (float("-inf"), None))
        if failure is not None and self._clock() - failed_at < _FAILED_FOR_S:
            raise failure
        if self._client is None:
            self._client = self._connect()
        try:
            response = self._client.access_secret_version(name=name, retry=_RETRY, timeout=_CALL_TIMEOUT_S)
        except google_errors.GoogleAPIError as error:
            self._failures[name] = (self._clock(), error)
            raise
        value = response.payload.data.decode("utf-8").strip()
        if not value:
            raise Unavailable("secret_unavailable")
        return value
