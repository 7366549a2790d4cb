"""`./deploy.sh dev|prod`: make a project what this checkout says, and tell where it is then."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from deploy.cloud import Cloud, DryRun, Gcloud, listing
from deploy.environment import DeployError, Environment, load_deployed, load_environment
from deploy.plan import STAGE, Plan
from topology.functions import ROOT

_FIREBASE_PARTS = ("rules", "hosting")


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out the plan, or print it."""
    options = _parser().parse_args(arguments)
    try:
        at = load_environment(options.environment, options.project)
        if options.dry_run:
            _carry_out(DryRun(), at, options)
            return
        cloud = Gcloud()
        _carry_out(cloud, _checked(cloud, at, options), options)
        print(f"\nDone: {cloud.changes} changes.")
    except DeployError as error:
        sys.exit(f"deploy.sh: {error}")


def _parser() -> argparse.ArgumentParser:
    parts = list(Plan(DryRun(), load_environment("dev"), []).parts())
    parser = argparse.ArgumentParser(
        prog="./deploy.sh",
        description="Make a Google Cloud project what this checkout says. Run it as often as you like.",
        epilog=f"The parts, in order: {', '.join(parts)}.",
        allow_abbrev=False,
    )
    parser.add_argument("environment", help="dev or prod: a row of deploy/environments.toml")
    parser.add_argument("--project", metavar="ID", help="another project than the row's")
    parser.add_argument("--only", metavar="PART", action="append", choices=parts, help="this part; may be repeated")
    parser.add_argument("--skip", metavar="PART", action="append", choices=parts, help="all but this; may be repeated")
    parser.add_argument("--dry-run", action="store_true", help="print every command and run none; no credentials")
    return parser


def _parts(options: argparse.Namespace, every: Sequence[str]) -> list[str]:
    chosen = options.only or every
    return [part for part in every if part in chosen and part not in (options.skip or ())]


def _carry_out(cloud: Cloud, at: Environment, options: argparse.Namespace) -> None:
    functions = load_deployed()
    parts = Plan(cloud, at, functions).parts()
    for part in _parts(options, list(parts)):
        cloud.say(f"{part}: {(parts[part].__doc__ or '').splitlines()[0]}")
        parts[part]()
    print(f"\n# {at.name} is project {at.project}. The pages: {at.app_base_url}")
    for row in functions:
        print(f"#   {row.name:<20} {at.app_base_url + row.path if row.path else at.url(row.service)}")
    print(f"# The webhook address for Stripe: {at.webhook_url}")


def _checked(cloud: Gcloud, at: Environment, options: argparse.Namespace) -> Environment:
    """Return the environment with its project's number, once everything is there that the parts need.

    Raises:
        DeployError: something is missing; the message says what, and how to get it.
    """
    parts = _parts(options, list(Plan(cloud, at, []).parts()))
    if not shutil.which("gcloud"):
        raise DeployError("gcloud is missing: https://cloud.google.com/sdk/docs/install")
    if set(parts) & set(_FIREBASE_PARTS):
        # Installs firebase-tools and builds the pages, where either is missing or old.
        if subprocess.run(("make", "--silent", "web/dist/index.html"), cwd=ROOT, check=False).returncode:
            raise DeployError("firebase-tools and the pages could not be made: `make web/dist/index.html` says why")
        if not shutil.which("firebase"):
            raise DeployError("firebase is missing: npm ci")
    if "hosting" in parts and (elsewhere := _hosting_regions() - {at.region}):
        raise DeployError(
            f"firebase.json leads to functions in {', '.join(elsewhere)}, but deploy/environments.toml deploys them to "
            f"{at.region}: name one region in both"
        )
    try:
        project = cloud.read(listing("projects", "describe", at.project))
    except DeployError as error:
        raise DeployError(
            f"{error}\nThere is no project {at.project}, or you may not see it. Make it (docs/deployment.md, 'First "
            "deployment'), name it in deploy/environments.toml, or sign in: gcloud auth login"
        ) from error
    if "functions" in parts:
        _check_secrets(cloud, at)
        if missing := at.missing_prices():
            raise DeployError(
                f"deploy/{at.prices_file.name} lacks {', '.join(missing)}. Run: "
                f".venv/bin/python -m deploy.stripe_setup {at.name}"
            )
    return replace(at, number=str(project["projectNumber"]))


def _hosting_regions() -> set[str]:
    """Return the regions of the services that Hosting leads to."""
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    return {rewrite["run"]["region"] for rewrite in rewrites if "run" in rewrite}


def _check_secrets(cloud: Gcloud, at: Environment) -> None:
    for secret in dict.fromkeys(secret for row in load_deployed() for secret in row.secrets):
        versions: Any = None
        try:
            versions = cloud.read(
                listing("secrets", "versions", "list", secret, "--filter=state=ENABLED", f"--project={at.project}")
            )
        except DeployError as error:
            print(error, file=sys.stderr)
        if not versions:
            raise DeployError(f"The secret {secret} has no value. Run: ./setup_stripe_secrets.sh {at.name}")


if __name__ == "__main__":
    STAGE.mkdir(parents=True, exist_ok=True)
    main()
