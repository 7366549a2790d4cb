"""Setting up Stripe's keys and objects: nothing leaks, nothing is created twice, no test key reaches production."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.catalog import Terms
from shared.domain.stripe_events import API_VERSION, HANDLED_EVENTS
from shared.runtime.catalog_file import load_catalog
from stripe_simulator.server import serving
from stripe_simulator.settings import Settings
from tests.deploy.scripts import Scripts
from topology.stripe_prices import set_up as set_up_prices

SECRET_KEY, WEBHOOK_SECRET, PUBLISHABLE_KEY = "sk_test_Abc123", "whsec_Abc123", "pk_test_Abc123"
SET_UP = f"{sys.executable} -m deploy.stripe_setup"
ANSWERS = f"{SECRET_KEY}\n{WEBHOOK_SECRET}\n{PUBLISHABLE_KEY}\n"


@pytest.fixture
def cloud(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path, "dev")


def set_keys(cloud: Scripts, answers: str) -> subprocess.CompletedProcess[str]:
    return cloud.run("./setup_stripe_secrets.sh", cloud.environment, answers=answers)


# --- setup_stripe_secrets.sh


def test_keys_go_only_to_secret_manager_and_only_functions_that_need_one_can_read_it(cloud: Scripts) -> None:
    run = set_keys(cloud, ANSWERS)
    assert run.returncode == 0, run.stderr
    state = cloud.state
    assert state["secret_values"] == {
        "stripe-secret-key": [SECRET_KEY],
        "stripe-webhook-secret": [WEBHOOK_SECRET],
        "stripe-publishable-key": [PUBLISHABLE_KEY],
    }
    commands = "\n".join(cloud.changes())
    files = b"".join(file.read_bytes() for file in cloud.checkout.rglob("*") if file.is_file()).decode(errors="ignore")
    for value in (SECRET_KEY, WEBHOOK_SECRET, PUBLISHABLE_KEY):
        assert value not in run.stdout + run.stderr + commands + files

    policies = state["policies"]
    readers = {
        secret: {
            member.split(":")[1].split("@")[0]
            for one in policies[f"secrets {secret}"]["bindings"]
            for member in one["members"]
        }
        for secret in ("stripe-secret-key", "stripe-webhook-secret")
    }
    assert readers["stripe-webhook-secret"] == {"stripe-webhook"}
    assert {"create-checkout", "credit-tokens"} <= readers["stripe-secret-key"]
    assert not {"stripe-webhook", "get-balance", "list-packages"} & readers["stripe-secret-key"]
    assert "secrets stripe-publishable-key" not in policies


def test_only_a_new_value_adds_a_version(cloud: Scripts) -> None:
    set_keys(cloud, ANSWERS)
    cloud.changes()
    assert set_keys(cloud, ANSWERS).returncode == 0
    assert cloud.changes() == []
    assert set_keys(cloud, "\nwhsec_new,whsec_Abc123\n\n").returncode == 0
    assert cloud.state["secret_values"]["stripe-webhook-secret"] == [WEBHOOK_SECRET, "whsec_new,whsec_Abc123"]
    assert cloud.state["secret_values"]["stripe-secret-key"] == [SECRET_KEY]


@pytest.mark.parametrize(
    ("environment", "answers", "says"),
    [
        ("prod", "sk_test_Abc123\n\n\n", "this is not a secret key for prod: it must look like (sk|rk)_live_"),
        ("prod", "sk_live_Abc123\n\npk_test_Abc123\n", "this is not a publishable key for prod"),
        ("dev", "sk_live_Abc123\n\n\n", "this is not a secret key for dev"),
        ("dev", "whsec_Abc123\n\n\n", "this is not a secret key for dev"),
        ("dev", "\nsk_test_Abc123\n\n", "this is not a webhook secret for dev"),
        ("staging", "", "There is no environment 'staging'"),
    ],
)
def test_a_wrong_key_is_rejected_before_anything_is_stored(
    tmp_path: Path, environment: str, answers: str, says: str
) -> None:
    cloud = Scripts(tmp_path, "dev")
    cloud.environment = environment
    run = set_keys(cloud, answers)
    assert run.returncode == 1
    assert says in run.stderr
    assert "Abc123" not in run.stderr
    assert cloud.changes() == []


# --- python -m deploy.stripe_setup, on the simulator


@dataclass(frozen=True)
class Stripe:
    """The simulator, called directly."""

    url: str

    def all(self, kind: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/v1/{kind}", params={"limit": 100}, auth=(SECRET_KEY, ""))
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return found


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    with serving(Settings(port=0, secret_key=SECRET_KEY)) as url:
        yield Stripe(url)


def set_up(cloud: Scripts, stripe: Stripe, *arguments: str) -> subprocess.CompletedProcess[str]:
    cloud.change(secret_values={"stripe-secret-key": [SECRET_KEY], **cloud.state["secret_values"]})
    return cloud.run(SET_UP, cloud.environment, *arguments, extra={"STRIPE_API_BASE": stripe.url})


def test_buyers_read_how_many_tokens_they_pay_for(cloud: Scripts, stripe: Stripe) -> None:
    """On Stripe's page and on the receipt."""
    assert set_up(cloud, stripe).returncode == 0
    described = {one["name"]: one["description"] for one in stripe.all("products")}
    assert described["Popular Pack"] == "110 tokens - Most popular choice - 10% bonus!"

    catalog = cloud.checkout / "shared" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("Most popular choice", "Everybody's choice"))
    assert set_up(cloud, stripe).returncode == 0

    described = {one["name"]: one["description"] for one in stripe.all("products")}
    assert described["Popular Pack"] == "110 tokens - Everybody's choice - 10% bonus!"


def test_a_key_given_by_resource_name_is_read_from_secret_manager(cloud: Scripts, stripe: Stripe) -> None:
    """docs/runbook.md sets the variable to that name, for python -m ops."""
    cloud.change(secret_values={"stripe-secret-key": [SECRET_KEY]})
    named = "projects/token-economy-dev/secrets/stripe-secret-key/versions/latest"
    extra = {"STRIPE_API_BASE": stripe.url, "STRIPE_SECRET_KEY": named}

    run = cloud.run(SET_UP, cloud.environment, extra=extra)

    assert run.returncode == 0, run.stderr
    assert len(stripe.all("webhook_endpoints")) == 1


def test_operators_have_a_key_of_their_own_that_no_function_reads(cloud: Scripts, stripe: Stripe) -> None:
    run = set_keys(cloud, f"sk_test_functions\n\n\n{SECRET_KEY}\n")
    assert run.returncode == 0, run.stderr
    assert cloud.state["secret_values"]["stripe-operator-key"] == [SECRET_KEY]
    assert cloud.state["policies"].get("secrets stripe-operator-key", {"bindings": []})["bindings"] == []

    # The simulator takes the operators' key only.
    assert cloud.run(SET_UP, "dev", extra={"STRIPE_API_BASE": stripe.url}).returncode == 0


def test_changing_the_webhook_touches_nothing_else(cloud: Scripts, stripe: Stripe) -> None:
    """It is for the night: whatever the catalog says by then, prices stay as they are."""
    assert set_up(cloud, stripe, "--disable-webhook").returncode == 0
    assert stripe.all("products") == []
    assert not (cloud.checkout / "deploy" / "prices.dev.env").exists()


def test_products_prices_and_the_endpoint_are_created_once(cloud: Scripts, stripe: Stripe) -> None:
    run = set_up(cloud, stripe)
    assert run.returncode == 0, run.stdout + run.stderr
    prices = {price["id"]: price for price in stripe.all("prices")}
    written = dict(
        line.split("=") for line in (cloud.checkout / "deploy/prices.dev.env").read_text().splitlines() if "=" in line
    )
    packages = load_catalog().packages
    assert written.keys() == {package.price_setting for package in packages}
    for package in packages:
        price = prices[written[package.price_setting]]
        assert (price["unit_amount"], price["currency"]) == (package.current.price_cents, package.current.currency)
    assert len(stripe.all("products")) == 4
    (endpoint,) = stripe.all("webhook_endpoints")
    assert endpoint["url"] == "https://token-economy-dev.web.app/api/stripe/webhook"
    assert set(endpoint["enabled_events"]) == HANDLED_EVENTS
    assert endpoint["api_version"] == API_VERSION
    (secret,) = cloud.state["secret_values"]["stripe-webhook-secret"]
    assert secret.startswith("whsec_")
    assert secret not in run.stdout + run.stderr + " ".join(cloud.changes())

    assert set_up(cloud, stripe).returncode == 0
    assert (len(stripe.all("products")), len(stripe.all("prices")), len(stripe.all("webhook_endpoints"))) == (4, 4, 1)
    assert cloud.changes() == []
    assert "STRIPE_TOKEN_STARTER_PRICE_ID=price_" in cloud.run("./deploy.sh", "dev", "--dry-run").stdout


def amounts_of(stripe: Stripe, price_id: str) -> dict[str, int]:
    """Return a price's amounts in all of its currencies."""
    query = {"expand[0]": "currency_options"}
    price = httpx.get(f"{stripe.url}/v1/prices/{price_id}", params=query, auth=(SECRET_KEY, "")).json()
    return {code: option["unit_amount"] for code, option in price["currency_options"].items()}


def test_a_price_has_every_currency_of_its_package_and_is_replaced_when_one_changes(stripe: Stripe) -> None:
    popular = load_catalog("international").find("popular")
    assert popular is not None
    cheaper = replace(popular.current, currency_options={**popular.current.currency_options, "eur": 899})

    def price_of(terms: Terms) -> str:
        prices = set_up_prices(stripe.url, SECRET_KEY, [replace(popular, terms=(terms,))])
        return prices["STRIPE_TOKEN_POPULAR_PRICE_ID"]

    first = price_of(popular.current)
    assert amounts_of(stripe, first) == popular.current.prices
    assert price_of(popular.current) == first

    second = price_of(cheaper)
    assert amounts_of(stripe, second) == cheaper.prices
    assert price_of(cheaper) == second
    assert {price["id"] for price in stripe.all("prices") if price["active"]} == {first, second}


def test_the_endpoint_can_be_redirected_and_disabled_and_restored(cloud: Scripts, stripe: Stripe) -> None:
    set_up(cloud, stripe)
    assert set_up(cloud, stripe, "--webhook-url", "https://old.example.com/hook").returncode == 0
    assert [one["url"] for one in stripe.all("webhook_endpoints")] == ["https://old.example.com/hook"]
    assert set_up(cloud, stripe, "--disable-webhook").returncode == 0
    assert [one["status"] for one in stripe.all("webhook_endpoints")] == ["disabled"]
    assert set_up(cloud, stripe).returncode == 0
    (endpoint,) = stripe.all("webhook_endpoints")
    assert (endpoint["status"], endpoint["url"]) == ("enabled", "https://token-economy-dev.web.app/api/stripe/webhook")


def test_a_new_api_version_gets_a_new_endpoint_and_both_secrets_are_valid(cloud: Scripts, stripe: Stripe) -> None:
    set_up(cloud, stripe)
    gateway = cloud.checkout / "shared" / "domain" / "stripe_events.py"
    gateway.write_text(gateway.read_text().replace(API_VERSION, "2027-03-31.next"))
    assert set_up(cloud, stripe).returncode == 0
    status = {one["api_version"]: one["status"] for one in stripe.all("webhook_endpoints")}
    assert status == {API_VERSION: "disabled", "2027-03-31.next": "enabled"}
    first, both = cloud.state["secret_values"]["stripe-webhook-secret"]
    assert both.split(",")[1:] == [first]


def test_a_missing_key_or_one_of_the_other_mode_is_explained(cloud: Scripts) -> None:
    run = cloud.run(SET_UP, "dev")
    assert run.returncode == 1
    assert "Run: ./setup_stripe_secrets.sh dev" in run.stderr
    run = cloud.run(SET_UP, "prod", extra={"STRIPE_SECRET_KEY": SECRET_KEY})
    assert run.returncode == 1
    assert "prod takes live keys only" in run.stderr
