"""`./deploy.sh ENVIRONMENT`: bring a project to the state this checkout describes, and print its addresses."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from deploy.apply import Apply
from deploy.commands import listing
from deploy.deployment import STAGE, Deployment
from deploy.environment import DeployError, Environment, load_deployed, load_environment
from deploy.executor import DryRun, Executor
from deploy.parts import PARTS
from topology.functions import ROOT

_FIREBASE_PARTS = ("rules", "hosting")


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out the deployment, or print it."""
    options = parser().parse_args(arguments)
    try:
        environment = load_environment(options.environment, options.project)
        if options.dry_run:
            _carry_out(DryRun(), environment, options)
            return
        cloud = Apply()
        _carry_out(cloud, _checked(cloud, environment, options), options)
        print(f"\nDone: {cloud.changes} changes.")
    except DeployError as error:
        sys.exit(f"deploy.sh: {error}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of deploy.sh's arguments."""
    parser = argparse.ArgumentParser(
        prog="./deploy.sh",
        description="Bring a Google Cloud project to the state this checkout describes. Safe to repeat.",
        epilog=f"The parts, in order: {', '.join(PARTS)}.",
        allow_abbrev=False,
    )
    parser.add_argument("environment", help="dev or prod: a table in deploy/environments.toml")
    parser.add_argument("--project", metavar="ID", help="use this project instead of the environment's")
    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--skip", metavar="PART", action="append", choices=PARTS, help="all but this part; repeatable")
    parser.add_argument("--dry-run", action="store_true", help="print every command, run none; needs no credentials")
    return parser


def _selected(options: argparse.Namespace) -> list[str]:
    return [part for part in PARTS if part in (options.only or PARTS) and part not in (options.skip or ())]


def _carry_out(executor: Executor, environment: Environment, options: argparse.Namespace) -> None:
    deployment = Deployment(executor, environment, load_deployed())
    for part in _selected(options):
        executor.say(f"{part}: {(PARTS[part].__doc__ or '').splitlines()[0]}")
        PARTS[part](deployment)
    print(f"\n# {environment.name} is project {environment.project}. Pages: {environment.app_base_url}")
    for row in deployment.functions:
        address = environment.app_base_url + row.path if row.path else environment.url(row.service)
        print(f"#   {row.name:<20} {address}")
    print(f"# Webhook address for Stripe: {environment.webhook_url}")


def _checked(cloud: Apply, environment: Environment, options: argparse.Namespace) -> Environment:
    """Return the environment with its project's number, once everything exists that the selected parts need.

    Raises:
        DeployError: something is missing; the message says what, and how to get it.
    """
    parts = _selected(options)
    if not shutil.which("gcloud"):
        raise DeployError("gcloud is missing: https://cloud.google.com/sdk/docs/install")
    if set(parts) & set(_FIREBASE_PARTS):
        _check_firebase_tools()
    if "hosting" in parts and (other_regions := _hosting_regions() - {environment.region}):
        raise DeployError(
            f"firebase.json points to functions in {', '.join(other_regions)}, but deploy/environments.toml deploys "
            f"them to {environment.region}. Use the same region in both."
        )
    try:
        project = cloud.read(listing("projects", "describe", environment.project))
    except DeployError as error:
        raise DeployError(
            f"{error}\nThe project {environment.project} does not exist, or you may not see it. Create it "
            "(docs/deployment.md, 'First deployment'), name it in deploy/environments.toml, or sign in: gcloud auth "
            "login"
        ) from error
    if "functions" in parts:
        _check_secrets(cloud, environment)
        if missing := environment.missing_prices():
            raise DeployError(
                f"deploy/{environment.prices_file.name} lacks {', '.join(missing)}. Run: "
                f".venv/bin/python -m deploy.stripe_setup {environment.name}"
            )
    return replace(environment, number=str(project["projectNumber"]))


def _check_firebase_tools() -> None:
    # Installs firebase-tools and builds the pages if either is missing or out of date.
    if subprocess.run(("make", "--silent", "web/dist/index.html"), cwd=ROOT, check=False).returncode:
        raise DeployError("Installing firebase-tools or building the pages failed. Run: make web/dist/index.html")
    if not shutil.which("firebase"):
        raise DeployError("firebase is missing: npm ci")


def _hosting_regions() -> set[str]:
    """Return the regions of the services that Hosting points to."""
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    return {rewrite["run"]["region"] for rewrite in rewrites if "run" in rewrite}


def _check_secrets(cloud: Apply, environment: Environment) -> None:
    project = f"--project={environment.project}"
    for secret in dict.fromkeys(secret for row in load_deployed() for secret in row.secrets):
        versions: Any = None
        try:
            versions = cloud.read(listing("secrets", "versions", "list", secret, "--filter=state=ENABLED", project))
        except DeployError as error:
            print(error, file=sys.stderr)
        if not versions:
            raise DeployError(f"The secret {secret} has no value. Run: ./setup_stripe_secrets.sh {environment.name}")


if __name__ == "__main__":
    STAGE.mkdir(parents=True, exist_ok=True)
    main()
