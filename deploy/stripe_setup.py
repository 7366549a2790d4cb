"""`python -m deploy.stripe_setup dev|prod`: what the shop needs in Stripe, made once however often this runs.

Products and prices of the environment's catalog, whose ids go to deploy/prices.<environment>.env; and the webhook
endpoint, whose signing secret goes straight to Secret Manager, for Stripe shows it only once.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from stripe import StripeClient, WebhookEndpoint

from deploy.environment import SECRETS, DeployError, Environment, load_environment
from shared.domain.stripe_events import API_VERSION, HANDLED_EVENTS
from shared.runtime.catalog_file import load_catalog
from topology.stripe_prices import set_up

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointUpdateParams

_STRIPE = "https://api.stripe.com"
_OURS = {"managed_by": "token-economy"}
_SECRETS_KEPT = 2  # the new one, and the one before while Stripe still signs with it


@click.command()
@click.argument("environment")
@click.option("--project", metavar="ID", help="Another project than the environment's.")
@click.option("--webhook-url", metavar="URL", help="Send events here instead: back to the old system, to a tunnel.")
@click.option("--disable-webhook", is_flag=True, help="Let Stripe send no events until the next run without this.")
def main(environment: str, project: str | None, webhook_url: str | None, *, disable_webhook: bool) -> None:
    """Make products, prices and the webhook endpoint in Stripe. Safe to repeat."""
    try:
        at = load_environment(environment, project)
        key = _secret_key(at)
        api = os.environ.get("STRIPE_API_BASE", _STRIPE)
        prices = set_up(api, key, load_catalog(at.catalog).packages)
        _write(at.prices_file, prices)
        for setting, price in prices.items():
            click.echo(f"{setting}={price}")
        stripe = StripeClient(key, stripe_version=API_VERSION, base_addresses={"api": api}, max_network_retries=2)
        said = _set_up_webhook(stripe, at, webhook_url or at.webhook_url, disabled=disable_webhook)
        click.echo(said)
    except DeployError as error:
        raise click.ClickException(str(error)) from error


def _secret_key(at: Environment) -> str:
    """Return the environment's Stripe key, from STRIPE_SECRET_KEY (where that is the key itself) or Secret Manager."""
    given = os.environ.get("STRIPE_SECRET_KEY", "")
    key = given if given.startswith(("sk_", "rk_")) else _read_secret(at, SECRETS["STRIPE_SECRET_KEY"])
    if not key:
        raise DeployError(f"There is no Stripe key yet. Run: ./setup_stripe_secrets.sh {at.name}")
    if key.startswith(("sk_live_", "rk_live_")) != at.livemode:
        raise DeployError(f"{at.name} takes {'live' if at.livemode else 'test'} keys only")
    return key


def _set_up_webhook(stripe: StripeClient, at: Environment, url: str, *, disabled: bool) -> str:
    """Make the endpoint as it shall be, and say what was done."""
    events = sorted(HANDLED_EVENTS)
    there = list(stripe.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter())
    ours = [one for one in there if one.metadata.to_dict().items() >= _OURS.items() or one.url == url]
    current = next((one for one in ours if one.api_version == API_VERSION), None)
    if current is None:
        made = stripe.v1.webhook_endpoints.create(
            {"url": url, "enabled_events": events, "api_version": API_VERSION, "metadata": _OURS}  # type: ignore[typeddict-item]  # names of event types, as strings
        )
        _keep_secret(at, str(made.secret))
        # An endpoint's API version is fixed: the one for the former version hands over.
        for old in ours:
            stripe.v1.webhook_endpoints.update(old.id, {"disabled": True})
        current = made
        said = f"Made the webhook endpoint {made.id}: {url}; its secret is in Secret Manager."
    else:
        said = f"The webhook endpoint {current.id} is as it shall be: {url}"
    if _differs(current, url, events, disabled=disabled):
        wanted: WebhookEndpointUpdateParams = {
            "url": url,
            "enabled_events": events,  # type: ignore[typeddict-item]  # names of event types, as strings
            "disabled": disabled,
            "metadata": _OURS,
        }
        stripe.v1.webhook_endpoints.update(current.id, wanted)
        said = f"The webhook endpoint {current.id} is {'off' if disabled else 'on'} now: {url}"
    return said


def _differs(there: WebhookEndpoint, url: str, events: list[str], *, disabled: bool) -> bool:
    status = "disabled" if disabled else "enabled"
    return (there.url, sorted(there.enabled_events), there.status) != (url, events, status)


def _keep_secret(at: Environment, secret: str) -> None:
    name = SECRETS["STRIPE_WEBHOOK_SECRET"]
    former = [one for one in _read_secret(at, name).split(",") if one]
    value = ",".join([secret, *former][:_SECRETS_KEPT])
    command = ("gcloud", "secrets", "versions", "add", name, "--data-file=-", f"--project={at.project}", "--quiet")
    done = subprocess.run(command, input=value, text=True, check=False, capture_output=True)
    if done.returncode:
        raise DeployError(
            f"{done.stderr}\nThe new endpoint's secret could not be kept. Delete the endpoint in Stripe's dashboard, "
            f"run ./setup_stripe_secrets.sh {at.name}, then this again."
        )


def _read_secret(at: Environment, name: str) -> str:
    command = ("gcloud", "secrets", "versions", "access", "latest", f"--secret={name}", f"--project={at.project}")
    done = subprocess.run((*command, "--quiet"), text=True, check=False, capture_output=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def _write(file: Path, prices: Mapping[str, str]) -> None:
    lines = ["# Written by deploy/stripe_setup.py. The ids are no secrets: commit this file.", ""]
    file.write_text("\n".join(lines + [f"{name}={id_}" for name, id_ in prices.items()]) + "\n")


if __name__ == "__main__":
    main()
