# ruff: noqa: INP001 - it is loaded by its path
"""Formats of secrets that detect-secrets does not know: Stripe's signing secrets and test keys, Google's tokens."""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class ProjectSecretsDetector(RegexBasedDetector):
    """Finds what this project's accounts give out. The tests' own secrets are shorter."""

    secret_type = "Stripe or Google secret"  # noqa: S105 - a name
    denylist = (
        re.compile(r"whsec_[A-Za-z0-9+/=]{24,}"),
        re.compile(r"(?:sk|rk)_test_[A-Za-z0-9]{24,}"),
        re.compile(r"ya29\.[A-Za-z0-9_-]{24,}"),  # access token
        re.compile(r"1//[A-Za-z0-9_-]{40,}"),  # refresh token
        re.compile(r"GOCSPX-[A-Za-z0-9_-]{20,}"),  # OAuth client's secret
    )
