"""Fixtures that start programs: once a session, and only when a selected test asks for them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.cloud import firestore

from local.stack import Stack
from local.stripe_account import StripeAccount
from shared.adapters.firestore.client import Client
from tests.stripe_events import CLI_SECRET

# Tests that use this go through the whole product; then the emulators of that stack serve all others too.
_WHOLE_STACK_FIXTURE = "stack"


@pytest.fixture(scope="session")
def stack(emulators: Stack) -> Stack:
    """The whole product, running, on ports of its own."""
    return emulators


@pytest.fixture(scope="session")
def emulators(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The Firestore and Pub/Sub emulators: of the whole stack when a selected test needs that, else alone."""
    needs_all = any(_WHOLE_STACK_FIXTURE in getattr(item, "fixturenames", ()) for item in request.session.items)
    account = StripeAccount(cli_secret=CLI_SECRET)
    with Stack(tmp_path_factory.mktemp("stack"), emulators_only=not needs_all, account=account) as running:
        yield running


@pytest.fixture(scope="session")
def firestore_emulator(emulators: Stack) -> str:
    """host:port of the Firestore emulator, which keeps any number of projects apart."""
    return emulators.endpoints.firestore


@pytest.fixture(scope="session")
def pubsub_emulator(emulators: Stack) -> str:
    """host:port of the Pub/Sub emulator, which keeps any number of projects apart."""
    return emulators.endpoints.pubsub


@pytest.fixture
def firestore_client(firestore_emulator: str) -> Iterator[firestore.Client]:
    """A client of an empty database: each test has a project of its own."""
    with _emulated_firestore(firestore_emulator, f"demo-{uuid.uuid4().hex[:12]}") as client:
        yield client


@pytest.fixture(scope="session")
def database(stack: Stack) -> Iterator[firestore.Client]:
    """The running stack's database, with a server's rights."""
    with _emulated_firestore(stack.endpoints.firestore, stack.endpoints.project) as client:
        yield client


@contextmanager
def _emulated_firestore(emulator: str, project: str) -> Iterator[firestore.Client]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", emulator)
        client = Client(project=project)
    yield client
    client.close()  # type: ignore[no-untyped-call]  # the library leaves it untyped
