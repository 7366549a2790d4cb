"""Your own Stripe account in test mode, in the place of the simulator, or beside it."""

import re
from dataclasses import dataclass

_API = "https://api.stripe.com"


class StripeAccountError(Exception):
    """A key or a secret is not one for the local stack."""


@dataclass(frozen=True)
class StripeAccount:
    """What the stack was given of an account; without anything, it buys at the simulator.

    Attributes:
        test_key: the key with which functions call Stripe itself.
        cli_secret: with which `stripe listen` signs the events that it forwards.
    """

    test_key: str = ""
    cli_secret: str = ""

    def __post_init__(self) -> None:
        if self.test_key and not re.fullmatch(r"(sk|rk)_test_\w+", self.test_key):
            raise StripeAccountError("STRIPE_TEST_KEY must be a key of test mode, sk_test_… or rk_test_…")
        if self.cli_secret and not re.fullmatch(r"whsec_\w+", self.cli_secret):
            raise StripeAccountError("STRIPE_CLI_SECRET must be what `stripe listen --print-secret` prints, whsec_…")

    def url(self, simulator: str) -> str:
        """Return where Stripe's API is."""
        return _API if self.test_key else simulator

    def settings(self, secret_key: str, webhook_secret: str) -> dict[str, str]:
        """Return the settings of functions, given the simulator's."""
        secrets = (webhook_secret, self.cli_secret)
        return {
            "STRIPE_SECRET_KEY": self.test_key or secret_key,
            "STRIPE_WEBHOOK_SECRET": ",".join(filter(None, secrets)),
        }

    def switches(self, simulator: str) -> dict[str, str]:
        """Return what directs functions to the simulator."""
        return {} if self.test_key else {"STRIPE_API_BASE": simulator}
