"""Secrets: given, or read from Secret Manager, kept for minutes and read again on demand, but not too often."""

import subprocess
import sys

import pytest
from google.api_core import exceptions as google_errors

from shared.domain.errors import Unavailable
from tests.fakes.secret_manager import NAME, FakeSecretManager
from topology.functions import ROOT


@pytest.fixture
def manager() -> FakeSecretManager:
    return FakeSecretManager()


@pytest.mark.parametrize("value", ["whsec_1", "whsec_1,whsec_2", "sk_test_1"])
def test_a_literal_is_the_secret_itself(manager: FakeSecretManager, value: str) -> None:
    store = manager.store()

    assert (store.get(value), store.fresh(value)) == (value, value)
    assert manager.clients == 0


def test_a_resource_name_is_read_from_secret_manager(manager: FakeSecretManager) -> None:
    manager.secrets[NAME] = b" whsec_1\n"

    assert manager.store().get(NAME) == "whsec_1"


def test_several_secrets_are_each_a_literal_or_a_name(manager: FakeSecretManager) -> None:
    """While one is being rotated."""
    other = "projects/demo/secrets/webhook/versions/2"
    manager.secrets[other] = b"whsec_2"

    assert manager.store().get(f"{NAME},whsec_literal,{other}") == "whsec_1,whsec_literal,whsec_2"


def test_one_missing_secret_among_several_is_not_overlooked(manager: FakeSecretManager) -> None:
    manager.error = google_errors.NotFound("none")

    with pytest.raises(Unavailable):
        manager.store().get(f"whsec_literal,{NAME}")


def test_secret_manager_is_not_loaded_before_a_secret_is_read() -> None:
    """Its client takes longer to load than the rest of a function."""
    program = (
        "import sys; from shared.adapters.secret_manager import SecretStore; SecretStore().get('whsec_1'); "
        "sys.exit('google.cloud.secretmanager' in sys.modules)"
    )
    assert subprocess.run((sys.executable, "-c", program), cwd=ROOT, check=False).returncode == 0


def test_a_read_secret_is_kept_for_minutes_and_then_read_again(manager: FakeSecretManager) -> None:
    store = manager.store()
    store.get(NAME)
    manager.secrets[NAME] = b"whsec_2"

    manager.now = 299
    assert store.get(NAME) == "whsec_1"
    manager.now = 300
    assert store.get(NAME) == "whsec_2"
    assert (manager.reads, manager.clients) == (2, 1)


def test_fresh_reads_a_rotated_secret_long_before_it_is_due(manager: FakeSecretManager) -> None:
    store = manager.store()
    store.get(NAME)
    manager.secrets[NAME] = b"whsec_2"

    manager.now = 10
    assert store.fresh(NAME) == "whsec_2"
    assert store.get(NAME) == "whsec_2"


def test_a_flood_of_forged_requests_reads_the_secret_once_in_ten_seconds(manager: FakeSecretManager) -> None:
    store = manager.store()
    for moment in range(60):
        manager.now = moment
        for _ in range(20):
            store.fresh(NAME)

    assert manager.reads == 6


def test_each_secret_is_kept_by_itself(manager: FakeSecretManager) -> None:
    other = "projects/demo/secrets/key/versions/3"
    manager.secrets[other] = b"sk_test_1"
    store = manager.store()

    assert (store.get(NAME), store.get(other), store.get(NAME)) == ("whsec_1", "sk_test_1", "whsec_1")


@pytest.mark.parametrize(
    "error",
    [google_errors.ServiceUnavailable("away"), google_errors.PermissionDenied("no"), google_errors.NotFound("none")],
    ids=lambda error: type(error).__name__,
)
def test_a_secret_that_cannot_be_read_is_unavailable(manager: FakeSecretManager, error: Exception) -> None:
    manager.error = error

    with pytest.raises(Unavailable) as raised:
        manager.store().get(NAME)
    assert raised.value.code == "secret_unavailable"


def test_a_kept_secret_outlives_an_outage_of_secret_manager(manager: FakeSecretManager) -> None:
    store = manager.store()
    store.get(NAME)
    manager.error = google_errors.ServiceUnavailable("away")

    for manager.now in (300, 329, 330, 10_000):
        assert store.get(NAME) == "whsec_1"
        with pytest.raises(Unavailable):
            store.fresh(NAME)

    manager.error = None
    manager.secrets[NAME] = b"whsec_2"
    assert store.get(NAME) == "whsec_1"  # it was just asked for
    manager.now += 30
    assert store.get(NAME) == "whsec_2"


def test_a_secret_that_was_taken_away_is_not_kept(manager: FakeSecretManager) -> None:
    store = manager.store()
    store.get(NAME)
    manager.error = google_errors.FailedPrecondition("disabled")
    manager.now = 300

    with pytest.raises(Unavailable):
        store.get(NAME)


@pytest.mark.parametrize("empty", [b"", b"  \n"])
def test_an_empty_secret_is_not_a_secret(manager: FakeSecretManager, empty: bytes) -> None:
    manager.secrets[NAME] = empty

    with pytest.raises(Unavailable):
        manager.store().get(NAME)


def test_who_waited_for_a_read_that_failed_does_not_wait_for_another(manager: FakeSecretManager) -> None:
    """As many waiting requests as there are threads would else outlast the function's time, one after another."""
    store = manager.store()
    manager.error = google_errors.ServiceUnavailable("away")
    for _ in range(40):
        with pytest.raises(Unavailable):
            store.get(NAME)
    assert manager.attempts == 1

    manager.now, manager.error = 1, None
    assert store.get(NAME) == "whsec_1"
