"""Google ID token → one of a function's callers: a second lock behind Cloud Run's IAM.

Cloud Run checks the token of a private service itself, and takes the signature off before it hands the request over.
Such a token is judged by its claims. That stops every caller that IAM admits by mistake, but not somebody who may call
without any check and writes a stripped token by hand (docs/decisions/0031-second-lock.md).
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from google.auth import exceptions, jwt
from google.auth.transport.requests import Request
from werkzeug.datastructures import Headers

from shared.domain.callers import CLOCK_SKEW_S, Callers
from shared.domain.errors import CallerRefused, Unavailable

# Source: https://cloud.google.com/run/docs/troubleshooting#signature-removed
_STRIPPED = ".SIGNATURE_REMOVED_BY_GOOGLE"
_CERTIFICATES_URL = "https://www.googleapis.com/oauth2/v1/certs"
_CERTIFICATES_TIMEOUT_S = 5
_KEEP_S = 3_600
_FETCH_AT_MOST_EVERY_S = 60

Certificates = Mapping[str, str]
"""Certificates (PEM) by the ids of their keys."""


def fetch_certificates() -> Certificates:
    """Ask Google for the certificates that verify its ID tokens.

    Raises:
        Unavailable: Google does not answer.
    """
    try:
        response = Request()(_CERTIFICATES_URL, timeout=_CERTIFICATES_TIMEOUT_S)
        certificates: Certificates = json.loads(response.data)
    except (exceptions.TransportError, ValueError) as error:
        raise Unavailable("identity_unavailable") from error
    return certificates


class Admission:
    """Admits the callers of one function."""

    def __init__(
        self,
        callers: Callers | None,
        *,
        on_cloud_run: bool,
        fetch: Callable[[], Certificates] = fetch_certificates,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the rule.

        Args:
            callers: who may call; None on a machine of one's own, where anyone may.
            on_cloud_run: whether a token without signature can come from Cloud Run.
            fetch: returns the certificates that verify signatures.
            seconds: a clock that only rises.
        """
        self._callers = callers
        self._on_cloud_run = on_cloud_run
        self._fetch = fetch
        self._seconds = seconds
        self._certificates: Certificates = {}
        self._fetched_at = -math.inf

    def check(self, headers: Headers) -> None:
        """Return if the request's headers carry the token of a caller.

        Raises:
            CallerRefused: they do not; the message for the log says why.
            Unavailable: Google's certificates cannot be fetched.
        """
        if self._callers is None:
            return
        # Of two, Cloud Run checks this one alone: somebody else could have written the other.
        header = headers.get("X-Serverless-Authorization") or headers.get("Authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise CallerRefused("no token")
        objection = self._callers.objection_to(self._claims_of(token), time.time())
        if objection:
            raise CallerRefused(objection)

    def _claims_of(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token that Google signed."""
        stripped = token.endswith(_STRIPPED)
        if stripped and not self._on_cloud_run:
            raise CallerRefused("no signature")
        try:
            if stripped:
                claims = jwt.decode(token, verify=False)
            else:
                certificates = self._certificates_with(jwt.decode_header(token).get("kid"))
                claims = jwt.decode(token, certificates, clock_skew_in_seconds=CLOCK_SKEW_S)
        except (exceptions.GoogleAuthError, ValueError, TypeError, RecursionError) as error:
            raise CallerRefused("not a token of Google's") from error
        return cast("Mapping[str, Any]", claims)

    def _certificates_with(self, key_id: object) -> Certificates:
        """Return the certificates, fetched again when they are old or lack a key, but not at every request."""
        age_s = self._seconds() - self._fetched_at
        is_known = isinstance(key_id, str) and key_id in self._certificates
        if age_s > _KEEP_S or (not is_known and age_s > _FETCH_AT_MOST_EVERY_S):
            self._certificates = self._fetch()
            self._fetched_at = self._seconds()
        return self._certificates
