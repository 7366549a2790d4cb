"""A Secret Manager in memory, with one secret and a clock of its own."""

from types import SimpleNamespace
from typing import cast

from google.cloud import secretmanager

from shared.adapters.secret_manager import SecretStore

NAME = "projects/demo/secrets/webhook/versions/latest"


class FakeSecretManager:
    """Holds secrets, counts the reads, and can be away. It is its own clock too."""

    def __init__(self) -> None:
        self.secrets = {NAME: b"whsec_1"}
        self.reads = 0
        self.attempts = 0
        self.clients = 0
        self.now = 0.0
        self.error: Exception | None = None

    def access_secret_version(self, *, name: str, retry: object, timeout: float) -> SimpleNamespace:
        assert timeout <= 10
        self.attempts += 1
        if self.error:
            raise self.error
        self.reads += 1
        return SimpleNamespace(payload=SimpleNamespace(data=self.secrets[name]))

    def connect(self) -> secretmanager.SecretManagerServiceClient:
        self.clients += 1
        return cast("secretmanager.SecretManagerServiceClient", self)

    def store(self) -> SecretStore:
        return SecretStore(self.connect, clock=lambda: self.now)
