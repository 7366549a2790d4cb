"""Reads what is deployed, and where: deploy/environments.toml, deploy/prices.<name>.env, functions/functions.toml."""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.runtime.catalog_file import load_catalog
from topology.functions import ROOT, Function

SECRETS: Mapping[str, str] = {
    "STRIPE_SECRET_KEY": "stripe-secret-key",
    "STRIPE_WEBHOOK_SECRET": "stripe-webhook-secret",
}
"""The settings that are secrets, each with the name of its secret in Secret Manager."""

OPERATOR_KEY = "stripe-operator-key"
"""The secret with the key that stripe_setup and operators use: it may do what no function has to."""

ALL_SECRETS = (*SECRETS.values(), OPERATOR_KEY, "stripe-publishable-key")
"""Every secret. No function reads the publishable key; it is stored for pages that embed Stripe's own components."""


PUSH = "pubsub-push"
SCHEDULER = "scheduler"
"""The service accounts under which Pub/Sub and Cloud Scheduler call functions."""


class DeployError(Exception):
    """The deployment cannot continue; the message says what to do."""


@dataclass(frozen=True)
class Environment:
    """One table of environments.toml.

    Attributes:
        callers: the members that may call each private function, by the function's name.
        images_project: the project whose registry has the images: this one, or that of the environment it promotes.
        number: the project number that Google assigned.
    """

    name: str
    project: str
    region: str
    database_location: str
    livemode: bool
    app_base_url: str
    allowed_origins: str
    sign_in: tuple[str, ...]
    support_email: str
    catalog: str
    warm_instances: int
    protected: bool
    audit_log_days: int
    export_bucket: str
    export_schedule: str
    monthly_budget: int
    alert_emails: tuple[str, ...]
    alert_channels: tuple[str, ...]
    callers: Mapping[str, tuple[str, ...]]
    promotes: str
    image_readers: tuple[str, ...]
    github_repository: str
    more_settings: Mapping[str, str]
    prices: Mapping[str, str]
    images_project: str
    number: str = "PROJECT_NUMBER"

    @property
    def prices_file(self) -> Path:
        """The file that holds the ids of the Stripe prices, written by deploy/stripe_setup.py."""
        return ROOT / "deploy" / f"prices.{self.name}.env"

    @property
    def webhook_url(self) -> str:
        """The address to which Stripe sends events."""
        return f"{self.app_base_url}/api/stripe/webhook"

    def account(self, name: str) -> str:
        """Return the e-mail address of a service account."""
        return f"{name}@{self.project}.iam.gserviceaccount.com"

    def url(self, service: str) -> str:
        """Return the own address of a Cloud Run service, which is known before it is deployed."""
        return f"https://{service}-{self.number}.{self.region}.run.app"

    def invokers(self, function: Function) -> tuple[str, ...]:
        """Return who may call a function, as IAM names them; nobody is named where everybody may."""
        if function.path:
            return ()  # Cloud Run's check is off: it checks the user's token or Stripe's signature itself
        if function.subscription:
            return (f"serviceAccount:{self.account(PUSH)}",)
        if function.schedule:
            return (f"serviceAccount:{self.account(SCHEDULER)}",)
        return self.callers.get(function.name, ())

    def settings(self, function: Function) -> dict[str, str]:
        """Return every setting that the function may read; secrets by name, never by value."""
        secrets = {
            setting: f"projects/{self.project}/secrets/{secret}/versions/latest" for setting, secret in SECRETS.items()
        }
        return {
            "GOOGLE_CLOUD_PROJECT": self.project,
            "APP_BASE_URL": self.app_base_url,
            "ALLOWED_ORIGINS": self.allowed_origins,
            "STRIPE_LIVEMODE": str(self.livemode).lower(),
            "TOKEN_CATALOG": self.catalog,
            **self.more_settings,
            **secrets,
            **self.prices,
            # What Pub/Sub's and Cloud Scheduler's tokens are for and say, and those of the backends.
            "CALLER_AUDIENCE": self.url(function.service),
            "CALLER_EMAILS": ",".join(email for email in map(email_of, self.invokers(function)) if email),
        }

    def missing_prices(self) -> list[str]:
        """Return the price settings of packages that have no value."""
        settings = [package.price_setting for package in load_catalog(self.catalog).packages]
        return [name for name in settings if not self.prices.get(name)]

    def variables(self, function: Function) -> dict[str, str]:
        """Return the environment variables that a function is deployed with.

        Raises:
            DeployError: it needs one that the environment does not have.
        """
        values = self.settings(function)
        if unknown := [name for name in function.needs if name not in values]:
            raise DeployError(
                f"functions.toml: {function.name} needs {', '.join(unknown)}. Add a value in deploy/environment.py."
            )
        return {name: value for name, value in values.items() if value and function.reads(name)} | {
            "FUNCTION_TARGET": function.name,
            "FUNCTION_SOURCE": f"functions/{function.name}/main.py",
            # functions-framework serves as many concurrent requests as it has threads.
            "THREADS": str(function.concurrency),
        }


def email_of(member: str) -> str:
    """Return the address of an account; "" for a group, of whose members no token tells."""
    kind, _, email = member.partition(":")
    return email if kind in ("serviceAccount", "user") else ""


def secrets_of(function: Function) -> list[str]:
    """Return the secrets that a function reads."""
    return [secret for setting, secret in SECRETS.items() if function.reads(setting)]


def load_environment(name: str, project: str | None = None, root: Path = ROOT) -> Environment:
    """Read one environment.

    Raises:
        DeployError: there is no such environment, or it has no project.
    """
    file = root / "deploy" / "environments.toml"
    rows = tomllib.loads(file.read_text())
    if name not in rows:
        raise DeployError(f"There is no environment {name!r}. Choose one of: {', '.join(rows)}")
    row: dict[str, Any] = rows[name]
    project = project or row["project"]
    if not project:
        raise DeployError(f"No project: put its id into deploy/environments.toml, [{name}], or give --project=ID")
    row |= {"project": project, "app_base_url": row["app_base_url"].format(project=project)}
    row |= {key: tuple(row[key]) for key in ("alert_channels", "alert_emails", "image_readers", "sign_in")}
    row["callers"] = {function: tuple(members) for function, members in row["callers"].items()}
    promotes = row["promotes"]
    images_project = load_environment(promotes, root=root).project if promotes else project
    environment = Environment(
        name=name, prices={}, more_settings=row.pop("settings"), images_project=images_project, **row
    )
    prices = root / "deploy" / environment.prices_file.name
    return replace(environment, prices=_read_env(prices) if prices.exists() else {})


def guarded_projects(root: Path = ROOT) -> set[str]:
    """Return the projects of all environments that are protected or take real money."""
    rows = tomllib.loads((root / "deploy" / "environments.toml").read_text()).values()
    return {row["project"] for row in rows if row["protected"] or row["livemode"]}


def _read_env(file: Path) -> dict[str, str]:
    lines = [line.strip() for line in file.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


if __name__ == "__main__":
    # For scripts: `python3 -m deploy.environment dev project` prints one value of an environment.
    try:
        print(getattr(load_environment(sys.argv[1]), sys.argv[2]))
    except DeployError as error:
        sys.exit(str(error))
