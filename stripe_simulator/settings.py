"""The simulator's settings, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

API_VERSION = "2026-10-28.endive"
"""The API version of every object and event: the one that stripe-python 16.1 pins."""


@dataclass(frozen=True)
class Settings:
    """Where the simulator listens, which key it accepts, and how it delivers webhooks."""

    host: str = "127.0.0.1"
    port: int = 12111
    base_url: str = ""
    """Where buyers reach the payment page; empty: this machine, at the port."""
    secret_key: str = "sk_test_local"  # noqa: S105 - the default for a machine of one's own; not a real secret
    webhook_urls: tuple[str, ...] = ()
    webhook_secrets: tuple[str, ...] = ("whsec_local",)
    retry_first_s: float = 0.5
    retry_longest_s: float = 30.0
    attempts_max: int = 40
    webhook_timeout_s: float = 20.0
    redirect_wait_s: float = 10.0
    shuffle_window_s: float = 0.4

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read HOST, PORT, SIMULATOR_BASE_URL, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_URL and STRIPE_WEBHOOK_SECRET.

        The webhook's URL and secret may each be several, separated by commas: each URL gets every event, and each event
        carries one signature per secret, as while a secret is being rolled. SIMULATOR_RETRY_FIRST_S,
        SIMULATOR_RETRY_LONGEST_S and SIMULATOR_ATTEMPTS_MAX shape the retries, SIMULATOR_WEBHOOK_TIMEOUT_S is how long
        an endpoint may take.
        """
        return cls(
            host=environment.get("HOST") or cls.host,
            port=int(environment.get("PORT") or cls.port),
            base_url=environment.get("SIMULATOR_BASE_URL", "").rstrip("/"),
            secret_key=environment.get("STRIPE_SECRET_KEY") or cls.secret_key,
            webhook_urls=_split(environment.get("STRIPE_WEBHOOK_URL", "")),
            webhook_secrets=_split(environment.get("STRIPE_WEBHOOK_SECRET", "")) or cls.webhook_secrets,
            retry_first_s=float(environment.get("SIMULATOR_RETRY_FIRST_S") or cls.retry_first_s),
            retry_longest_s=float(environment.get("SIMULATOR_RETRY_LONGEST_S") or cls.retry_longest_s),
            attempts_max=int(environment.get("SIMULATOR_ATTEMPTS_MAX") or cls.attempts_max),
            webhook_timeout_s=float(environment.get("SIMULATOR_WEBHOOK_TIMEOUT_S") or cls.webhook_timeout_s),
        )


def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
