"""The commands of the local stack, as far as they can run without starting it."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import _print_addresses
from local.stack import Endpoints
from local.stripe_account import StripeAccount, StripeAccountError
from shared.runtime import settings

ROOT = Path(__file__).parents[2]


def run(*command: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=60)


def endpoints(web: str) -> Endpoints:
    return Endpoints(
        web=web,
        examples="http://localhost:8081",
        firestore="127.0.0.1:8180",
        pubsub="127.0.0.1:8085",
        auth="127.0.0.1:9099",
        stripe="http://127.0.0.1:12111",
        project="demo-token-economy",
        webhook_secret="whsec_1",
        stripe_secret_key="sk_test_local",
        catalog="default",
    )


def test_an_unknown_catalog_stops_the_start_with_one_line(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    started = run(sys.executable, "-m", "local", "--directory", str(directory), "--catalog", "nonsense", where=ROOT)

    assert started.returncode == 1
    assert started.stderr == "No catalog 'nonsense' in catalog.toml; there are: default, classic, international\n"
    assert started.stdout == ""
    assert not directory.exists()


def test_reconcile_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    outcome = run("make", "--file", str(ROOT / "Makefile"), "reconcile", where=tmp_path)

    assert outcome.returncode != 0
    assert "No stack runs here: start one with make run\n" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("web", "shown"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://localhost:23456", "http://localhost:23456 (8080 was taken)"),
    ],
)
def test_the_addresses_say_if_the_usual_port_was_taken(
    web: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _print_addresses(endpoints(web), Path(".local"))

    first = capsys.readouterr().out.splitlines()[0]
    assert first.split(maxsplit=4)[4] == shown


# --- one's own Stripe account


SIMULATOR = "http://127.0.0.1:12111"


def loaded_with(account: StripeAccount) -> settings.Settings:
    return settings.load(environ={**account.settings("sk_test_local", "whsec_local"), **account.switches(SIMULATOR)})


def test_functions_buy_at_the_simulator_unless_they_have_a_key() -> None:
    loaded = loaded_with(StripeAccount(cli_secret="whsec_cli"))

    assert (loaded.stripe_api_base, loaded.stripe_secret_key) == (SIMULATOR, "sk_test_local")
    assert loaded.stripe_webhook_secret == "whsec_local,whsec_cli"
    assert StripeAccount().url(SIMULATOR) == SIMULATOR


def test_functions_with_a_key_buy_at_stripe() -> None:
    account = StripeAccount(test_key="sk_test_mine")
    loaded = loaded_with(account)

    assert (loaded.stripe_api_base, loaded.stripe_secret_key) == (None, "sk_test_mine")
    assert account.url(SIMULATOR) == "https://api.stripe.com"


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ({"test_key": "sk_live_1"}, "STRIPE_TEST_KEY must be a key of test mode"),
        ({"test_key": "projects/p/secrets/s/versions/1"}, "STRIPE_TEST_KEY must be a key of test mode"),
        ({"cli_secret": "sk_test_1"}, "STRIPE_CLI_SECRET must be what `stripe listen"),
        ({"cli_secret": "whsec_1,whsec_2"}, "STRIPE_CLI_SECRET must be what `stripe listen"),
    ],
)
def test_no_live_key_and_nothing_else_gets_in(account: dict[str, str], says: str) -> None:
    with pytest.raises(StripeAccountError, match=says) as raised:
        StripeAccount(**account)
    assert not set(account.values()) & set(str(raised.value).split())
