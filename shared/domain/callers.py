"""Who may call a function that no browser calls, as the claims of their Google ID token say. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CLOCK_SKEW_S = 10


@dataclass(frozen=True, slots=True)
class Callers:
    """The callers of one function.

    Attributes:
        audience: the function's own address, for which its callers get their tokens.
        emails: the addresses of the callers' accounts; nobody may call if there is none.
    """

    audience: str
    emails: frozenset[str]

    def objection_to(self, claims: Mapping[str, Any], now: float) -> str | None:
        """Return what is wrong with the claims of a token at `now` (UTC seconds), or None.

        Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#validate_tokens
        """
        email, issued_at, expires_at = claims.get("email"), claims.get("iat"), claims.get("exp")
        is_timely = (
            isinstance(issued_at, int)
            and isinstance(expires_at, int)
            and issued_at - CLOCK_SKEW_S <= now < expires_at + CLOCK_SKEW_S
        )
        objections = {
            "another issuer": claims.get("iss") not in _ISSUERS,
            "another audience": claims.get("aud") != self.audience,
            "expired, or not valid yet": not is_timely,
            "an email address that is not verified": claims.get("email_verified") is not True,
            "another caller": not isinstance(email, str) or email not in self.emails,
        }
        return next((objection for objection, is_raised in objections.items() if is_raised), None)
