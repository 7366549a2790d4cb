"""A project on the fake Google Cloud, deployed within this process."""

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.checkout import Checkout
from deploy.environment import load_environment
from deploy.google_cloud import GoogleCloud
from deploy.parts import PARTS
from deploy.preflight import Findings
from deploy.report import Report
from deploy.run import Options, Run
from deploy.shell import run_here
from tests.deploy.fake_google.cloud import NUMBER, FakeGoogle
from topology.functions import ROOT, load_functions

PRICES = {f"STRIPE_TOKEN_{name}_PRICE_ID": f"price_{name.lower()}" for name in ("STARTER", "POPULAR", "PRO", "CREATOR")}
WITHOUT_PAGES = tuple(name for name in PARTS if name != "hosting")


class Project:
    """One environment with everything that its first deployment needs, and a git repository to deploy from."""

    def __init__(self, folder: Path, repository: "Repository", environment: str = "prod") -> None:
        self.environment = replace(
            load_environment(environment),
            prices=PRICES,
            alert_emails=("night@company.test",),
            callers={"spend_tokens": ("serviceAccount:backend@company.test",)},
            promotes="",
            export_bucket="company-vault",
            support_email="support@company.test",
            github_repository="company/token-economy",
            number=NUMBER,
        )
        self.environment = replace(self.environment, images_project=self.environment.project)
        self.functions = load_functions()
        self.google = FakeGoogle(self.environment.project, ROOT)
        self.google.state["secret_values"] = {"stripe-secret-key": ["sk"], "stripe-webhook-secret": ["whsec"]}
        self.slept: list[float] = []
        self.repository = repository
        self.project_in_shell = ""
        self._stage = folder / "stage"

    @property
    def state(self) -> dict[str, Any]:
        return self.google.state

    def run(
        self, parts: Iterable[str] = WITHOUT_PAGES, *, ask: Callable[[str], bool] | None = None, **options: bool
    ) -> Run:
        chosen = set(parts)
        selected = {name: part for name, part in PARTS.items() if name in chosen}
        cloud = GoogleCloud(self.google, self.environment.project, sleep=self.slept.append)
        checkout = Checkout(self.google, self.repository.folder)
        chosen_options = Options(selected, **options)
        return Run(
            cloud, self.environment, self.functions, chosen_options, checkout, ask, self._stage, self.project_in_shell
        )

    def deploy(
        self, *parts: str, ask: Callable[[str], bool] | None = None, yes: bool = True, **options: bool
    ) -> list[str]:
        """Deploy, and return the changes without those of the lock."""
        self.google.changes()
        self.run(parts or WITHOUT_PAGES, ask=ask, yes=yes, **options).deploy()
        return self.google.changes()

    def check(self, *parts: str) -> Report:
        return self.run(parts or WITHOUT_PAGES).check()

    def preflight(self, *parts: str) -> Findings:
        return self.run(parts or WITHOUT_PAGES).preflight()

    def resource(self, kind: str, name: str) -> dict[str, Any]:
        """Return a resource to be changed by hand."""
        found: dict[str, Any] = self.state["kinds"][kind][name]
        return found

    def service(self, name: str) -> dict[str, Any]:
        return self.resource("run services", name)


class Repository:
    """A git repository with one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet")
        self.commit()

    def commit(self) -> str:
        """Commit something, and return the commit as deploy.sh names it."""
        file = self.folder / "file"
        file.write_text(f"{file.read_text() if file.exists() else ''}another line\n")
        self._git("add", "file")
        self._git("-c", "user.name=Ada", "-c", "user.email=ada@company.test", "commit", "--quiet", "--message=Change")
        return Checkout(run_here, self.folder).commit()

    def switch(self, commit: str) -> None:
        self._git("checkout", "--quiet", "--detach", commit)

    def _git(self, *words: str) -> None:
        subprocess.run(("git", "-C", str(self.folder), *words), check=True, capture_output=True)
