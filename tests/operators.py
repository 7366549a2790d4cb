"""The operator's command line as tests call it: over an in-memory Firestore (or the emulator) and a fake Stripe."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from click.testing import CliRunner, Result
from google.cloud import firestore

from ops.cli import cli
from ops.connection import Connection
from ops.operator_ledger import OperatorLedger
from ops.topic_admin import TopicAdmin
from shared.adapters.firestore.ledger import Ledger
from shared.domain.catalog import Catalog
from shared.runtime import settings
from shared.runtime.catalog_file import load_catalog
from tests.fakes.firestore import FakeFirestore
from tests.fakes.gateway import FakeGateway
from tests.ledgers import ledger_of

WHO_AND_WHY = ("--operator", "Grace", "--reason", "ticket 7")


def _no_topic() -> NoReturn:
    raise AssertionError("these tests have no Pub/Sub: see tests/integration/test_ops_topic.py")


@dataclass
class Operator:
    """Runs commands; it keeps nothing between them."""

    database: FakeFirestore = field(default_factory=FakeFirestore)
    stripe: FakeGateway = field(default_factory=FakeGateway)
    catalog: Catalog = field(default_factory=load_catalog)
    emails: dict[str, str] = field(default_factory=dict)
    topic: Callable[[], TopicAdmin] = _no_topic
    emulated: firestore.Client | None = None
    """An emulator's client, to be used instead of `database`."""

    @property
    def client(self) -> firestore.Client:
        return self.emulated or self.database.as_client()

    @property
    def ledger(self) -> Ledger:
        return ledger_of(self.client)

    @property
    def operator_ledger(self) -> OperatorLedger:
        return OperatorLedger(self.ledger)

    def connection(self) -> Connection:
        return Connection(
            settings=settings.load(environ={"GOOGLE_CLOUD_PROJECT": "demo-ops", "STRIPE_SECRET_KEY": "sk_test_ops"}),
            catalog=self.catalog,
            ledger=self.ledger,
            operator_ledger=self.operator_ledger,
            gateway=self.stripe.as_gateway,
            topic=self.topic,
            uid_of_email=self.emails.get,
            has_signed_up=lambda uid: uid in self.emails.values(),
        )

    def run(self, *words: str, answer: str | None = None) -> Result:
        """Run a command; `answer` is what is typed."""
        return CliRunner().invoke(cli, words, obj=self.connection(), input=answer)

    def change(self, *words: str) -> dict[str, Any]:
        """Carry out a change, and return its answer."""
        done: dict[str, Any] = self.read(*words, *WHO_AND_WHY, "--yes")
        return done

    def read(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON that a command answers."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def documents(self) -> dict[str, dict[str, Any] | None]:
        """Return every document, to be compared."""
        collections = ("accounts", "users", "payments", "transactions", "held_purchases", "security_alerts")
        return {path: self.database.fields_of(path) for name in collections for path in self.database.paths(name)}

    def refused(self, *words: str) -> str:
        """Run a command that must fail and change nothing; return its one line."""
        before = self.documents()
        result = self.run(*words)
        assert result.exit_code != 0, result.output
        assert result.stdout == ""
        [line] = result.stderr.splitlines()
        assert self.documents() == before
        return line
