"""`./rollback.sh ENVIRONMENT …`: send traffic to earlier revisions, restore earlier rules, redirect the webhook."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.commands import Command, gcloud, listing, shell_text
from deploy.environment import DeployError, Environment, load_environment
from deploy.resource import State, at_path
from deploy.shell import Shell, run_here
from topology.functions import ROOT, Function, load_functions


@dataclass(frozen=True)
class Revision:
    """One revision of a service: its name, whether it can be served, and the commit it was deployed from."""

    name: str
    is_ready: bool
    commit: str

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.name} (commit {self.commit or 'unknown'})"


def main(arguments: Sequence[str] | None = None, *, shell: Shell = run_here) -> None:
    """Do what the arguments say."""
    options = parser().parse_args(arguments)
    try:
        environment = load_environment(options.environment, options.project)
        rollback = Rollback(shell, environment, is_dry=options.dry_run)
        match options.what:
            case "function":
                rollback.functions(options.names, options.to)
            case "rules":
                rollback.rules(options.to)
            case _:
                rollback.webhook(options.to)
    except DeployError as error:
        sys.exit(f"rollback.sh: {error}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of rollback.sh's arguments."""
    parser = argparse.ArgumentParser(
        prog="./rollback.sh",
        description="Roll one thing back. docs/deployment.md, 'Roll back', says what to do next.",
        allow_abbrev=False,
    )
    parser.add_argument("environment", help="a table in deploy/environments.toml, such as dev or prod")
    whats = parser.add_subparsers(dest="what", required=True, metavar="what")
    function = whats.add_parser("function", help="send traffic to the last ready revision before the current one")
    function.add_argument("names", nargs="+", metavar="NAME", help="functions, such as credit_tokens")
    function.add_argument("--to", metavar="REVISION", help="this revision instead, of one function")
    rules = whats.add_parser("rules", help="deploy firestore.rules as they were in a commit")
    rules.add_argument("--to", metavar="COMMIT", required=True)
    webhook = whats.add_parser("webhook", help="make Stripe send its events elsewhere, or nowhere")
    target = webhook.add_mutually_exclusive_group(required=True)
    target.add_argument("--to", metavar="URL", help="an address: the old system, for example")
    target.add_argument("--disable", action="store_true", help="Stripe keeps the events and sends none for now")
    for one in (function, rules, webhook):
        one.add_argument("--project", metavar="ID", help="use this project instead of the environment's")
        one.add_argument("--dry-run", action="store_true", help="print the commands, run none; needs no credentials")
    return parser


@dataclass(frozen=True)
class Rollback:
    """Rolls back in one environment."""

    shell: Shell
    environment: Environment
    is_dry: bool = False

    def functions(self, names: Sequence[str], to: str | None) -> None:
        """Send the traffic of functions to earlier revisions; nothing changes unless all of them have one.

        Those that sell go first: the ones that judge purchases know the newer terms until nothing is sold at them.
        """
        rows = {row.name: row for row in load_functions()}
        if unknown := [name for name in names if name not in rows]:
            raise DeployError(f"There is no function {', '.join(unknown)}. Choose from: {', '.join(rows)}")
        if to and len(names) > 1:
            raise DeployError("--to works with one function")
        chosen = sorted((rows[name] for name in names), key=lambda row: not row.sells)
        targets = [(row, self._target(row, to)) for row in chosen]
        for row, target in targets:
            self._run(
                gcloud(
                    "run",
                    "services",
                    "update-traffic",
                    row.service,
                    f"--to-revisions={target}=100",
                    "--clear-tags",
                    f"--region={self.environment.region}",
                    f"--project={self.environment.project}",
                )
            )

    def _target(self, row: Function, to: str | None) -> str:
        """Return the revision to serve, and say what it is."""
        if self.is_dry:
            return to or "PREVIOUS"
        where = (f"--region={self.environment.region}", f"--project={self.environment.project}")
        service = self._read(listing("run", "services", "describe", row.service, *where))
        newest_first = "--sort-by=~metadata.creationTimestamp"
        listed = self._read(listing("run", "revisions", "list", f"--service={row.service}", newest_first, *where))
        revisions = [_revision(state) for state in listed]
        current = served(service)
        names = [revision.name for revision in revisions]
        if to:
            candidates = [revision for revision in revisions if revision.name == to]
        else:
            candidates = revisions[names.index(current) + 1 :] if current in names else []
        ready = [revision for revision in candidates if revision.is_ready]
        if not ready:
            known = ", ".join(str(revision) for revision in revisions if revision.is_ready) or "none"
            what = f"{to} is not a ready revision" if to else f"no ready revision is older than {current}"
            raise DeployError(f"{row.name}: {what}. Ready ones: {known}. Nothing was changed.")
        before = next((str(revision) for revision in revisions if revision.name == current), current)
        print(f"# {row.name}: from {before} to {ready[0]}")
        return ready[0].name

    def rules(self, commit: str) -> None:
        """Deploy the rules of a commit."""
        shown = self.shell(("git", "-C", str(ROOT), "show", f"{commit}:firestore.rules"))
        if shown.returncode:
            raise DeployError(f"commit {commit} has no firestore.rules")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "firestore.rules").write_text(shown.stdout)
            config = Path(folder) / "firebase.json"
            config.write_text(json.dumps({"firestore": {"rules": "firestore.rules"}}))
            project = f"--project={self.environment.project}"
            command = ("firebase", "deploy", "--only=firestore:rules", f"--config={config}", project)
            self._run((*command, "--non-interactive"))

    def webhook(self, url: str | None) -> None:
        """Make Stripe send its events to another address, or to none."""
        if url and not url.startswith("https://"):
            raise DeployError("the address must begin with https://")
        target = f"--webhook-url={url}" if url else "--disable-webhook"
        project = f"--project={self.environment.project}"
        self._run((".venv/bin/python", "-m", "deploy.stripe_setup", self.environment.name, project, target))

    def _read(self, command: Command) -> Any:  # noqa: ANN401 - JSON
        done = self.shell(command)
        if done.returncode:
            raise DeployError(f"{done.stderr.strip()}\nThis command failed: {shell_text(command)}")
        return json.loads(done.stdout)

    def _run(self, command: Command) -> None:
        print(shell_text(command), flush=True)
        if self.is_dry:
            return
        done = self.shell(command)
        sys.stderr.write(done.stdout + done.stderr)
        if done.returncode:
            raise DeployError("the command above failed")


def served(service: dict[str, Any]) -> str:
    """Return the revision that gets most of a service's traffic; tags without traffic are entries, too."""
    targets = at_path(service, "status.traffic") or at_path(service, "spec.traffic") or []
    target: State = max(targets, key=lambda one: one.get("percent", 0), default={})
    return str(target.get("revisionName") or at_path(service, "status.latestReadyRevisionName") or "")


def _revision(state: dict[str, Any]) -> Revision:
    conditions = {one["type"]: one["status"] for one in at_path(state, "status.conditions") or []}
    commit = (at_path(state, "metadata.labels") or {}).get("commit", "")
    return Revision(str(at_path(state, "metadata.name")), conditions.get("Ready") == "True", commit)


if __name__ == "__main__":
    main()
