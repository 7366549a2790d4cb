"""`python -m deploy.stripe_setup ENVIRONMENT` creates what the shop needs in Stripe. Safe to repeat.

Products and prices of the environment's catalog, whose ids go to deploy/prices.<environment>.env; and the webhook
endpoint, whose signing secret goes straight to Secret Manager, because Stripe shows it only once.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from stripe import StripeClient, WebhookEndpoint

from deploy.commands import gcloud
from deploy.environment import OPERATOR_KEY, SECRETS, DeployError, Environment, load_environment
from shared.domain.stripe_events import API_VERSION, HANDLED_EVENTS
from shared.runtime.catalog_file import load_catalog
from topology.stripe_prices import set_up

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointUpdateParams

_STRIPE = "https://api.stripe.com"
_OURS = {"managed_by": "token-economy"}
_MAX_SECRETS = 2  # the new one, and the previous one while Stripe still signs with it


@click.command()
@click.argument("name", metavar="ENVIRONMENT")
@click.option("--project", metavar="ID", help="Use this project instead of the environment's.")
@click.option("--webhook-url", metavar="URL", help="Send events to this address instead: the old system, a tunnel.")
@click.option("--disable-webhook", is_flag=True, help="Stop Stripe from sending events, until a run without this flag.")
def main(name: str, project: str | None, webhook_url: str | None, *, disable_webhook: bool) -> None:
    """Create products, prices and the webhook endpoint in Stripe; with an option, change the endpoint only."""
    try:
        environment = load_environment(name, project)
        key = _secret_key(environment)
        api = os.environ.get("STRIPE_API_BASE", _STRIPE)
        if not (webhook_url or disable_webhook):
            prices = set_up(api, key, load_catalog(environment.catalog).packages)
            _write(environment.prices_file, prices)
            for setting, price in prices.items():
                click.echo(f"{setting}={price}")
        stripe = StripeClient(key, stripe_version=API_VERSION, base_addresses={"api": api}, max_network_retries=2)
        outcome = _set_up_webhook(stripe, environment, webhook_url or environment.webhook_url, disabled=disable_webhook)
        click.echo(outcome)
    except DeployError as error:
        raise click.ClickException(str(error)) from error


def _secret_key(environment: Environment) -> str:
    """Return the operators' Stripe key: from STRIPE_SECRET_KEY if that holds a key itself, or from Secret Manager.

    An environment with one key for everything, such as dev, has none of the operators' own.
    """
    variable = os.environ.get("STRIPE_SECRET_KEY", "")
    key = variable if variable.startswith(("sk_", "rk_")) else ""
    key = key or _read_secret(environment, OPERATOR_KEY) or _read_secret(environment, SECRETS["STRIPE_SECRET_KEY"])
    if not key:
        raise DeployError(f"There is no Stripe key yet. Run: ./setup_stripe_secrets.sh {environment.name}")
    if key.startswith(("sk_live_", "rk_live_")) != environment.livemode:
        raise DeployError(f"{environment.name} takes {'live' if environment.livemode else 'test'} keys only")
    return key


def _set_up_webhook(stripe: StripeClient, environment: Environment, url: str, *, disabled: bool) -> str:
    """Create or update the endpoint, and return a sentence that says what was done."""
    events = sorted(HANDLED_EVENTS)
    endpoints = list(stripe.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter())
    ours = [one for one in endpoints if one.metadata.to_dict().items() >= _OURS.items() or one.url == url]
    current = next((one for one in ours if one.api_version == API_VERSION), None)
    if current is None:
        current = stripe.v1.webhook_endpoints.create(
            {"url": url, "enabled_events": events, "api_version": API_VERSION, "metadata": _OURS}  # type: ignore[typeddict-item]  # names of event types, as strings
        )
        _store_secret(environment, str(current.secret))
        # The API version of an endpoint is fixed, so this one replaces the endpoint for the previous version.
        for old in ours:
            stripe.v1.webhook_endpoints.update(old.id, {"disabled": True})
        outcome = f"Created the webhook endpoint {current.id}: {url}. Its secret is in Secret Manager."
    else:
        outcome = f"The webhook endpoint {current.id} is up to date: {url}"
    if _differs(current, url, events, disabled=disabled):
        changes: WebhookEndpointUpdateParams = {
            "url": url,
            "enabled_events": events,  # type: ignore[typeddict-item]  # names of event types, as strings
            "disabled": disabled,
            "metadata": _OURS,
        }
        stripe.v1.webhook_endpoints.update(current.id, changes)
        outcome = f"The webhook endpoint {current.id} is now {'disabled' if disabled else 'enabled'}: {url}"
    return outcome


def _differs(endpoint: WebhookEndpoint, url: str, events: list[str], *, disabled: bool) -> bool:
    status = "disabled" if disabled else "enabled"
    return (endpoint.url, sorted(endpoint.enabled_events), endpoint.status) != (url, events, status)


def _store_secret(environment: Environment, secret: str) -> None:
    name = SECRETS["STRIPE_WEBHOOK_SECRET"]
    previous = [one for one in _read_secret(environment, name).split(",") if one]
    value = ",".join([secret, *previous][:_MAX_SECRETS])
    command = gcloud("secrets", "versions", "add", name, "--data-file=-", f"--project={environment.project}")
    done = subprocess.run(command, input=value, text=True, check=False, capture_output=True)
    if done.returncode:
        raise DeployError(
            f"{done.stderr}\nThe new endpoint's secret could not be stored. Delete the endpoint in Stripe's dashboard, "
            f"run ./setup_stripe_secrets.sh {environment.name}, then run this again."
        )


def _read_secret(environment: Environment, name: str) -> str:
    command = gcloud("secrets", "versions", "access", "latest", f"--secret={name}", f"--project={environment.project}")
    done = subprocess.run(command, text=True, check=False, capture_output=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def _write(file: Path, prices: Mapping[str, str]) -> None:
    lines = ["# Written by deploy/stripe_setup.py. The ids are not secret: commit this file.", ""]
    file.write_text("\n".join(lines + [f"{name}={id_}" for name, id_ in prices.items()]) + "\n")


if __name__ == "__main__":
    main()
