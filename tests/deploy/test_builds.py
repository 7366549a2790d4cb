"""The files that others read, Cloud Build's, GitHub's and Firebase's, have only what those know, and work."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.parts.identities import AUDITOR, RELEASER, TESTER
from tests.deploy import verdicts
from tests.deploy.api_fields import faults
from tests.deploy.log_filter import matches
from topology.functions import ROOT, load_functions

BUILDS = {"continuous integration": ROOT / "cloudbuild.yaml", "image": ROOT / "deploy" / "image" / "cloudbuild.yaml"}
SCRIPT = ROOT / ".ci" / "cloud_build"


def load(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_has_only_fields_of_cloud_build_and_sees_no_secret(build: str) -> None:
    document = load(BUILDS[build])
    assert faults("cloudbuild", "v1", "Build", {"build": document}) == []
    assert "availableSecrets" not in document


def test_the_image_is_built_under_an_account_of_its_own_with_provenance() -> None:
    document = load(BUILDS["image"])
    assert document["serviceAccount"].endswith("/function-builder@$PROJECT_ID.iam.gserviceaccount.com")
    assert document["options"]["requestedVerifyOption"] == "VERIFIED"
    assert document["images"] == ["$_IMAGE"]


class Task:
    """Runs a task of the script with programs that only record how they were called."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self._programs = folder / "programs"
        self._programs.mkdir()
        self.answers = {"gcloud": "echo SUCCESS", "deploy.sh": "echo '{}'"}
        checkout = folder / "checkout"
        (checkout / ".ci").mkdir(parents=True)
        (checkout / ".ci" / "cloud_build").write_text(SCRIPT.read_text())
        self._checkout = checkout

    def run(self, task: str, environment: str = "dev") -> tuple[int, list[str]]:
        """Return the exit status and the calls."""
        for name in ("apt-get", "gcloud", "git", "sleep", "python3"):
            self._write(self._programs / name, name)
        for name in ("deploy.sh", "smoke_test.sh", ".ci/run"):
            self._write(self._checkout / name, name)
        variables = {
            "PATH": f"{self._programs}:{os.environ['PATH']}",
            "TASK": task,
            "ENVIRONMENT": environment,
            "PROJECT": "p",
            "REGION": "us-central1",
            "COMMIT": "c0ffee",
        }
        command = ("bash", str(self._checkout / ".ci" / "cloud_build"))
        done = subprocess.run(command, env=variables, check=False, text=True, capture_output=True)
        return done.returncode, self.log.read_text().splitlines() if self.log.exists() else []

    def _write(self, file: Path, name: str) -> None:
        file.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.log}\n{self.answers.get(name, "")}\n')
        file.chmod(0o755)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path)


def test_a_test_build_runs_what_everybody_runs_and_deploys_nothing(task: Task) -> None:
    status, calls = task.run("test")
    assert (status, calls[-1]) == (0, ".ci/run ")
    assert not [call for call in calls if call.startswith(("deploy.sh", "gcloud"))]


def test_a_release_waits_for_the_tests_and_checks_the_result(task: Task) -> None:
    status, calls = task.run("release")
    assert status == 0
    named = [call for call in calls if call.startswith(("gcloud", "deploy.sh", "smoke_test.sh"))]
    assert "substitutions.COMMIT_SHA=c0ffee" in named[0]
    assert named[1:] == [
        "deploy.sh dev --project p --release --yes",
        "smoke_test.sh https://p.web.app --environment dev",
    ]


@pytest.mark.parametrize("outcome", ["FAILURE", "TIMEOUT", "CANCELLED"])
def test_a_commit_whose_tests_failed_is_not_released(task: Task, outcome: str) -> None:
    task.answers["gcloud"] = f"echo {outcome}"
    status, calls = task.run("release")
    assert status == 1
    assert not [call for call in calls if call.startswith("deploy.sh")]


def test_a_promotion_needs_no_tests_of_its_own(task: Task) -> None:
    task.answers["python3"] = "echo dev"
    status, calls = task.run("release", "prod")
    assert status == 0
    assert not [call for call in calls if call.startswith("gcloud")]


def test_a_check_that_finds_drift_fails_and_writes_what_the_alert_counts(task: Task) -> None:
    task.answers["deploy.sh"] = "exit 2"
    task.answers["gcloud"] = ""
    status, calls = task.run("check")
    assert status == 2
    written = [call for call in calls if call.startswith("gcloud logging write")]
    assert len(written) == 1
    metric = json.loads((ROOT / "monitoring" / "metrics" / "deployment_drift.json").read_text())
    assert matches(metric["filter"], {"resource": {"type": "global"}, "jsonPayload": {"event": "deployment.drift"}})
    assert '"event": "deployment.drift"' in SCRIPT.read_text()


def test_a_check_without_drift_writes_nothing(task: Task) -> None:
    status, calls = task.run("check")
    assert status == 0
    assert "deploy.sh dev --project p --check --skip budget --json" in calls
    assert not [call for call in calls if call.startswith("gcloud")]


def test_an_unknown_task_does_nothing(task: Task) -> None:
    assert task.run("deploy")[0] == 2


def test_gcloud_accepts_the_commands_of_the_script() -> None:
    text = SCRIPT.read_text().replace("\\\n", " ")
    found = re.findall(r"(gcloud (?:builds|logging) .*?)(?:\)$|$)", text, re.MULTILINE)
    filled = [re.sub(r'"\$(\w+)"', "value", command).replace("$record", "{}") for command in found]
    assert len(filled) == 2
    assert verdicts.refused(filled) == {}


def test_each_task_has_an_account_of_its_own() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    for task, account in (("test", TESTER), ("release", RELEASER), ("check", AUDITOR)):
        assert re.search(rf"_TASK={task}\b.*?--service-account=\S*\b{account}@", text, re.DOTALL), task


def test_firebase_json_matches_the_schema_of_firebase_tools() -> None:
    schema = json.loads((ROOT / "node_modules/firebase-tools/schema/firebase-config.json").read_text())
    jsonschema.validate(json.loads((ROOT / "firebase.json").read_text()), schema)


def test_every_public_path_is_rewritten_to_its_service() -> None:
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    services = {one["source"]: one["run"]["serviceId"] for one in rewrites if "run" in one}
    assert services == {row.path: row.service for row in load_functions() if row.path}


def test_the_policy_names_hosts_and_each_environments_sign_in() -> None:
    headers = json.loads((ROOT / "firebase.json").read_text())["hosting"]["headers"]
    values = {one["key"]: one["value"] for header in headers if header["source"] == "**" for one in header["headers"]}
    policy = {name: sources for name, *sources in map(str.split, values["Content-Security-Policy"].split(";"))}
    environments = tomllib.loads((ROOT / "deploy" / "environments.toml").read_text())

    assert set(policy["frame-src"]) == {
        "'self'",
        *(f"https://{environment['project']}.firebaseapp.com" for environment in environments.values()),
    }
    sources = {source for listed in policy.values() for source in listed}
    assert [source for source in sources if "*" in source or "unsafe" in source] == []
    # Of apis.google.com, which serves scripts that run what their address says, only what Firebase Auth loads.
    assert "https://apis.google.com" not in sources
    assert values["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups", "Google's sign-in is a popup"
