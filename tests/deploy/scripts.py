"""A copy of this checkout whose scripts find the fake Google Cloud on PATH."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.environment import load_environment
from tests.deploy.fake_google.cloud import new_state
from topology.functions import ROOT

_FAKES = ROOT / "tests" / "deploy" / "fakes"
_FOLDERS = ("deploy", "functions", "monitoring", "shared", "topology")


class Scripts:
    """Runs the scripts of a copy; `state` is the fake project's."""

    def __init__(self, folder: Path, environment: str) -> None:
        self.environment = environment
        self.checkout = folder / "checkout"
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.env"))
        for file in (*ROOT.glob("*.sh"), *ROOT.glob("fire*"), ROOT / "requirements-dev.txt"):
            shutil.copy(file, self.checkout)
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name in ("gcloud", "firebase", "curl", "make"):
            (self._programs / name).write_text(
                f'#!/bin/sh\nexec {sys.executable} -I {_FAKES / "program.py"} {name} "$@"\n'
            )
            (self._programs / name).chmod(0o755)
        self._file = folder / "google.json"
        self.state = new_state(load_environment(environment).project)

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._file.read_text())
        return state

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._file.write_text(json.dumps(state))

    def change(self, **state: object) -> None:
        self.state = {**self.state, **state}

    def run(
        self, script: str, *arguments: str, answers: str = "", extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = f"{self._programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {name: value for name, value in os.environ.items() if name != "GOOGLE_CLOUD_PROJECT"}
        variables = {**own, "PATH": path, "FAKE_GOOGLE": str(self._file), **(extra or {})}
        command = (*script.split(), *arguments)
        return subprocess.run(
            command, cwd=self.checkout, env=variables, text=True, capture_output=True, check=False, input=answers
        )

    def changes(self) -> list[str]:
        """Return the changes since the previous call."""
        changes: list[str] = self.state["changes"]
        self.change(changes=[])
        return changes
