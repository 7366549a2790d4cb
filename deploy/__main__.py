"""`./deploy.sh ENVIRONMENT`: bring a project to the state that this checkout describes, compare them, or explain."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from deploy.checkout import Checkout
from deploy.commands import listing
from deploy.deployment import STAGE
from deploy.environment import DeployError, load_environment
from deploy.google_cloud import GoogleCloud
from deploy.parts import BOOTSTRAP, PARTS, RELEASE, Part
from deploy.run import Options, Run
from deploy.shell import Shell, Transcript, run_here
from topology.functions import load_functions

DRIFT = 2
"""The exit status of --check if the project differs from the checkout."""

_USAGE = 64

_WHAT_IS_LEFT = """Left, because other parts of an app may use it: APIs, the web app, sign-in with its users, logs, and
the pages (firebase hosting:disable --project {project}). If nothing else is in the project, delete it instead:
gcloud projects delete {project}"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors do not look like drift: argparse exits with 2, too."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def main(
    arguments: Sequence[str] | None = None,
    *,
    shell: Shell = run_here,
    sleep: Callable[[float], None] = time.sleep,
    ask: Callable[[str], bool] | None = None,
) -> None:
    """Do what the arguments say; the other parameters replace this machine in tests."""
    flags = parser().parse_args(arguments)
    try:
        if flags.record:
            shell = Transcript(shell, flags.record)
        sys.exit(_run(flags, shell, sleep, ask))
    except DeployError as error:
        sys.exit(f"deploy.sh: {error}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of deploy.sh's arguments."""
    parser = _Parser(
        prog="./deploy.sh",
        description="Bring a Google Cloud project to the state this checkout describes. Safe to repeat.",
        epilog=f"The parts, in order: {', '.join(PARTS)}.",
        allow_abbrev=False,
    )
    parser.add_argument("environment", help="a table in deploy/environments.toml, such as dev or prod")
    parser.add_argument("--project", metavar="ID", help="use this project instead of the environment's")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="print every command, run none; needs no credentials")
    mode.add_argument(
        "--preflight", action="store_true", help="list what is missing, each with its command; change nothing"
    )
    mode.add_argument(
        "--check", action="store_true", help="compare and change nothing; exit status 2 if anything differs"
    )
    mode.add_argument(
        "--destroy", action="store_true", help="list and delete everything that deployments created; never of prod"
    )
    parser.add_argument("--json", action="store_true", help="with --check: print JSON")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--bootstrap", action="store_true", help=f"only what an owner does: {', '.join(BOOTSTRAP)}")
    parts.add_argument("--release", action="store_true", help="only what continuous integration does: the other parts")
    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--skip", metavar="PART", action="append", choices=PARTS, help="all but this part; repeatable")
    parser.add_argument("--prune", action="store_true", help="delete what this deployment created and no table names")
    parser.add_argument("--yes", action="store_true", help="do not ask before something is removed from prod")
    parser.add_argument("--allow-older", action="store_true", help="deploy a commit that lacks a deployed one")
    parser.add_argument("--break-lock", action="store_true", help="take over the lock of a deployment that was killed")
    parser.add_argument(
        "--record", metavar="FILE", type=Path, help="write every command and its result, without secrets"
    )
    return parser


def _run(
    flags: argparse.Namespace, shell: Shell, sleep: Callable[[float], None], ask: Callable[[str], bool] | None
) -> int:
    environment = load_environment(flags.environment, flags.project)
    cloud = GoogleCloud(shell, environment.project, sleep=sleep)
    selected = _selected(flags)
    options = Options(selected, flags.prune, flags.yes, flags.allow_older, flags.break_lock)
    ask = ask or (_ask if sys.stdin.isatty() else None)
    in_shell = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    # Of its own: dev and prod may be deployed from one checkout at the same time.
    stage = STAGE / environment.name
    run = Run(cloud, environment, load_functions(), options, Checkout(shell), ask, stage, in_shell)
    if flags.dry_run:
        run.dry()
        _print_addresses(run)
        return 0
    if flags.destroy:
        changes = _numbered(run, _number(cloud, environment.project)).destroy()
        print(f"\nDone: {changes} deletions. {_WHAT_IS_LEFT.format(project=environment.project)}")
        return 0
    if "hosting" in selected and not flags.preflight:
        # The pages contain prices and their own address. The preflight says so if the build fails.
        settings = (f"TOKEN_CATALOG={environment.catalog}", f"VITE_SITE_URL={environment.app_base_url}")
        cloud.run(("make", "--silent", "web/dist/index.html", *settings))
    if flags.check:
        report = _numbered(run, _number(cloud, environment.project)).check()
        print(report.to_json() if flags.json else report.to_text())
        return 0 if report.is_empty else DRIFT
    findings = run.preflight()
    for line in findings.lines():
        print(line, file=sys.stderr)
    if findings.problems:
        raise DeployError(f"{len(findings.problems)} things are missing: see above. Nothing was changed.")
    if not flags.preflight:
        run = _numbered(run, findings.number)
        changes = run.deploy()
        _print_addresses(run)
        print(f"\nDone: {changes} changes.")
    return 0


def _number(cloud: GoogleCloud, project: str) -> str:
    return str(cloud.read(listing("projects", "describe", project))["projectNumber"])


def _selected(flags: argparse.Namespace) -> Mapping[str, Part]:
    group = BOOTSTRAP if flags.bootstrap else RELEASE if flags.release else PARTS
    return {
        name: part for name, part in group.items() if name in (flags.only or group) and name not in (flags.skip or ())
    }


def _numbered(run: Run, number: str) -> Run:
    return replace(run, environment=replace(run.environment, number=number))


def _ask(question: str) -> bool:
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _print_addresses(run: Run) -> None:
    environment = run.environment
    print(f"\n# {environment.name} is project {environment.project}. Pages: {environment.app_base_url}")
    for row in run.functions:
        address = environment.app_base_url + row.path if row.path else environment.url(row.service)
        print(f"#   {row.name:<20} {address}")
    print(f"# Webhook address for Stripe: {environment.webhook_url}")


if __name__ == "__main__":
    main()
