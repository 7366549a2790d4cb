"""A project on the recording gcloud, and a copy of this checkout to deploy from."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.environment import load_environment
from topology.functions import ROOT

FAKES = ROOT / "tests" / "deploy" / "fakes"
PRICES = "".join(
    f"STRIPE_TOKEN_{name}_PRICE_ID=price_{name.lower()}\n" for name in ("STARTER", "POPULAR", "PRO", "CREATOR")
)


class FakeCloud:
    """A project on the recording gcloud, and a copy of this checkout to deploy from."""

    def __init__(self, folder: Path, environment: str) -> None:
        self.environment = environment
        self.project = load_environment(environment).project
        self.checkout = folder / "checkout"
        for name in ("deploy", "functions", "monitoring", "shared", "topology"):
            shutil.copytree(ROOT / name, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.env"))
        for file in (*ROOT.glob("*.sh"), *ROOT.glob("fire*"), ROOT / "requirements-dev.txt"):
            shutil.copy(file, self.checkout)
        self._state = folder / "cloud.json"
        self.write(project=self.project, changes=[], kinds={}, policies={}, secret_values={})

    def read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._state.read_text())
        return state

    def write(self, **state: object) -> None:
        self._state.write_text(json.dumps(state))

    def change(self, **state: object) -> None:
        self.write(**{**self.read(), **state})

    def prepare(self) -> None:
        """Set up what the first deployment needs: secrets and prices."""
        self.change(secret_values={"stripe-secret-key": ["sk_x"], "stripe-webhook-secret": ["whsec_x"]})
        (self.checkout / "deploy" / f"prices.{self.environment}.env").write_text(PRICES)

    def run(
        self,
        *arguments: str,
        script: str = "./deploy.sh",
        answers: str = "",
        path: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        path = path or f"{FAKES}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "FAKE_CLOUD": str(self._state), **(extra or {})}
        command = (*script.split(), self.environment, *arguments)
        return subprocess.run(
            command, cwd=self.checkout, env=environment, text=True, capture_output=True, check=False, input=answers
        )

    def changes(self) -> list[str]:
        """Return the changes since the previous call."""
        changes: list[str] = self.read()["changes"]
        self.change(changes=[])
        return changes
