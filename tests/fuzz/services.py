"""Every function of docs/openapi.yaml with fakes around it, and all that a request can have an effect on."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from google.cloud import firestore
from hypothesis import HealthCheck, settings

from shared.adapters.firebase_auth import User
from shared.adapters.pubsub import EventPublisher
from shared.domain.catalog import Package
from shared.domain.errors import NotSignedIn
from shared.domain.rate import Rate
from shared.domain.welcome import WelcomeGrant
from shared.runtime.throttle import Throttle
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.pubsub import FakePublisher
from tests.fakes.secret_manager import FakeSecretManager
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.stripe_events import SECRET
from topology.functions import load_functions

ENVIRON = {
    "GOOGLE_CLOUD_PROJECT": "demo",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "APP_BASE_URL": "https://app.example",
    "STRIPE_TOKEN_POPULAR_PRICE_ID": "price_popular",
    "MAX_CHECKOUTS_PER_MINUTE": "10000",
    "MAX_CHECKOUTS_PER_INSTANCE": "10000",
}
SIGNED_IN = "Bearer adas-token"
"""The only header that signs anybody in."""
TOKENS = 110


class OnlyAda:
    """Knows one token."""

    def user_of(self, authorization: str | None, _app_check_token: str | None = None) -> User:
        if authorization != SIGNED_IN:
            raise NotSignedIn
        return User("ada", "ada@example.com")


class CountingGateway:
    """Stripe, which counts what it is asked for."""

    def __init__(self) -> None:
        self.calls = 0

    def get_or_create_customer(self, uid: str, _email: str | None, *, instead_of: str | None = None) -> str:
        self.calls += 1
        return f"cus_{uid}_{instead_of}"

    def create_token_checkout_session(self, *, package: Package, app_base_url: str, **_: object) -> tuple[str, str]:
        self.calls += 1
        return f"cs_{package.id}", f"{app_base_url}/pay"

    def receipt_url(self, session_id: str) -> str:
        self.calls += 1
        return f"https://stripe.example/receipts/{session_id}"

    def metadata_of_payment(self, _payment: str) -> Mapping[str, str]:
        self.calls += 1
        return {}


@dataclass
class Services:
    """The functions by name, and the world around them: ada has bought 110 tokens."""

    functions: dict[str, Deployed] = field(default_factory=dict)
    store: FakeFirestore = field(default_factory=FakeFirestore)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    gateway: CountingGateway = field(default_factory=CountingGateway)

    @property
    def client(self) -> firestore.Client:
        return self.store.as_client()

    def effects(self) -> tuple[int, int, int]:
        """Return what changes when anything happens: writes, messages, calls of Stripe."""
        return self.store.writes, len(self.publisher.published), self.gateway.calls

    def balance(self, uid: str = "ada") -> int:
        return ledger_of(self.client).account(uid).balance

    def new_entries(self) -> list[Mapping[str, Any]]:
        """Return the entries beside the purchase that ada begins with."""
        found = (self.store.fields_of(path) for path in self.store.paths("transactions") if "cs_1" not in path)
        return [fields for fields in found if fields is not None]

    def refresh(self) -> None:
        """Forget what happened: every example begins alike."""
        self.store.__init__()  # type: ignore[misc] # the functions keep their client
        self.publisher.published.clear()
        self.gateway.calls = 0
        ledger_of(self.client).credit(purchase("cs_1", tokens=TOKENS), NO_LIMITS)


@contextmanager
def services() -> Iterator[Services]:
    """Load the functions."""
    world = Services()
    ledger, identity = ledger_of(world.client), OnlyAda()
    secrets = FakeSecretManager().store()
    parts: dict[str, tuple[Any, ...]] = {
        "list_packages": (),
        "create_checkout": (identity, ledger, world.gateway),
        "get_balance": (identity, ledger),
        "list_transactions": (identity, ledger),
        "get_receipt": (identity, ledger, world.gateway, Throttle(Rate(10_000), Rate(10_000))),
        "claim_welcome": (identity, ledger, WelcomeGrant(20, 10)),
        "stripe_webhook": (secrets, EventPublisher(world.publisher.as_client(), "demo")),
        "spend_tokens": (ledger,),
        "grant_tokens": (ledger,),
        "credit_tokens": (ledger, lambda: world.gateway),
    }
    with ExitStack() as exits:
        for name, used in parts.items():
            world.functions[name] = exits.enter_context(deployed(name, ENVIRON, parts=used or None))
        yield world


def function_of(path: str, operation: str) -> str:
    """Return the function that serves a described operation."""
    by_path = {row.path: row.name for row in load_functions() if row.path}
    return by_path.get(path) or ("grant_tokens" if "grant" in operation.lower() else "spend_tokens")


def bounded(examples: int) -> settings:
    """Return settings that repeat the same examples in `make test`, and other ones for each seed of `make fuzz`."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
