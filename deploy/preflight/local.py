"""Checks of this machine and this checkout: tools, placeholders, prices, regions, the commit."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from deploy.environment import email_of
from deploy.policy import PUBLIC
from deploy.preflight import Findings, Subject
from topology.functions import ROOT

MINIMUM_GCLOUD = 528
"""The version whose parser checks every command that is printed; older ones lack some of the flags."""

_MINIMUM_CURL = (7, 82)  # --json
_PLACEHOLDER = re.compile(r"\bexample\.(?:com|org|net)\b")
_LINKS = ("VITE_SUPPORT_URL", "VITE_START_URL")
_PAGES = ("web/.env", "web/.env.production", "web/.env.local", "web/.env.production.local")


def check(subject: Subject, findings: Findings) -> None:
    """Check what can be checked without the cloud."""
    _tools(subject, findings)
    _placeholders(subject, findings)
    _callers(subject, findings)
    _links(subject, findings)
    environment = subject.environment
    if subject.project_in_shell not in ("", environment.project):
        findings.missing(
            f"GOOGLE_CLOUD_PROJECT is {subject.project_in_shell}, which python -m ops would change, "
            f"but [{environment.name}] is project {environment.project}",
            f"export GOOGLE_CLOUD_PROJECT={environment.project}",
        )
    if subject.has("functions") and (missing := environment.missing_prices()):
        findings.missing(
            f"deploy/{environment.prices_file.name} lacks {', '.join(missing)}",
            f".venv/bin/python -m deploy.stripe_setup {environment.name}",
        )
    if subject.has("hosting") and (others := set(_hosting_regions()) - {environment.region}):
        findings.missing(
            f"firebase.json points to functions in {', '.join(sorted(others))}, but deploy/environments.toml deploys "
            f"them to {environment.region}",
            "use the same region in both files",
        )
    sign_in = f"https://{environment.project}.firebaseapp.com"
    if subject.has("hosting") and not any(sign_in in policy for policy in _policies()):
        findings.missing(
            f"the Content-Security-Policy in firebase.json keeps Google's sign-in away from {environment.project}",
            f"name {sign_in} in its frame-src",
        )


def _tools(subject: Subject, findings: Findings) -> None:
    version = subject.cloud.run(("gcloud", "version", "--format=json"))
    if version.returncode:
        findings.missing("gcloud is missing", "https://cloud.google.com/sdk/docs/install")
    else:
        _gcloud(json.loads(version.stdout), findings)
    curl = re.match(r"curl (\d+)\.(\d+)", subject.cloud.run(("curl", "--version")).stdout)
    if not curl or (int(curl[1]), int(curl[2])) < _MINIMUM_CURL:
        findings.missing("curl 7.82 or newer is missing", "sudo apt-get install curl   (macOS: brew install curl)")
    if (
        subject.has("rules", "hosting", "firebase", "sign-in")
        and subject.cloud.run(("firebase", "--version")).returncode
    ):
        findings.missing("firebase is missing", "npm ci")
    if subject.has("hosting") and not pages_are_built():
        findings.missing("the pages are not built", "make web/dist/index.html")


def pages_are_built() -> bool:
    """Return whether there is something to publish."""
    return (ROOT / "web" / "dist" / "index.html").exists()


def _gcloud(versions: dict[str, str], findings: Findings) -> None:
    core = versions.get("Google Cloud SDK", "0")
    if int(core.split(".")[0]) < MINIMUM_GCLOUD:
        findings.missing(f"gcloud is {core}; {MINIMUM_GCLOUD}.0.0 or newer is needed", "gcloud components update")
    for component in ("alpha", "beta"):
        if component not in versions:
            findings.missing(f"gcloud's component {component} is missing", f"gcloud components install {component}")


def _placeholders(subject: Subject, findings: Findings) -> None:
    """Refuse example.com where money is real: alerts would reach nobody, and unknown accounts stop the run."""
    environment = subject.environment
    if not environment.livemode:
        return
    values = {f"[{environment.name}] {name}": str(value) for name, value in asdict(environment).items()}
    values |= {f"{file} {name}": value for file, name, value in _page_settings()}
    for name, value in values.items():
        if _PLACEHOLDER.search(value):
            findings.missing(f"{name} is a placeholder: {value}", "put the real one there")
    if not (environment.alert_emails or environment.alert_channels):
        findings.missing(
            f"[{environment.name}] alert_emails is empty: nobody would know of an outage",
            "add an address that reaches a person at night, in deploy/environments.toml",
        )


def _page_settings() -> Iterator[tuple[str, str, str]]:
    """Return file, name and value of each setting of the pages that has one."""
    for file in _PAGES:
        path = ROOT / file
        for line in path.read_text().splitlines() if path.exists() else ():
            name, _, value = line.partition("=")
            if value:
                yield file, name, value


def _links(subject: Subject, findings: Findings) -> None:
    """Refuse pages that lead buyers to nobody, where money is real."""
    if not subject.environment.livemode or not subject.has("hosting"):
        return
    known = {name for _, name, _ in _page_settings()}
    for name in _LINKS:
        if name not in known and not os.environ.get(name):
            what = f"{name} is not set: the pages would link to a placeholder"
            findings.missing(what, "set it in web/.env.production")


def _callers(subject: Subject, findings: Findings) -> None:
    """Refuse callers that open a private function, or that no function has; and, of live money, who may call two.

    Whoever may spend tokens must not be able to create them. Groups are refused, because functions compare their
    caller's address themselves, and no token tells of a group.
    """
    environment = subject.environment
    private = [row.name for row in subject.functions if row.is_private]
    named: dict[str, str] = {}
    for function, members in environment.callers.items():
        row = f"[{environment.name}] callers: {function}"
        if function not in private:
            findings.missing(f"{row} is not a private function", f"name one of {', '.join(private)}")
        for member in members:
            if member in PUBLIC:
                findings.missing(f"{row} may be called by {member}, which is everybody", "name your backends")
            elif not email_of(member):
                findings.missing(
                    f"{row} may be called by {member}, whose members no function can verify",
                    "name each account, as serviceAccount:… or user:…, in deploy/environments.toml",
                )
            elif member in named and environment.livemode:
                findings.missing(
                    f"{row} may be called by {member}, which may call {named[member]}, too",
                    "give each function a caller of its own, such as a service account",
                )
            named[member] = function


def _hosting() -> Any:  # noqa: ANN401 - JSON
    return json.loads((ROOT / "firebase.json").read_text())["hosting"]


def _hosting_regions() -> Iterator[str]:
    """Return the regions of the services that Hosting points to."""
    for rewrite in _hosting()["rewrites"]:
        if "run" in rewrite:
            yield rewrite["run"]["region"]


def _policies() -> Iterator[list[str]]:
    """Return the words of each Content Security Policy that Hosting sends."""
    for header in _hosting()["headers"]:
        for one in header["headers"]:
            if one["key"] == "Content-Security-Policy":
                yield re.split(r"[\s;]+", one["value"])
