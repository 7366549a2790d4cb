"""The files that others read: Cloud Build's, Firebase's and Firestore's have only what those know."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.api_fields import faults
from topology.functions import ROOT, load_functions

BUILDS = {"dev": "cloudbuild-dev.yaml", "prod": "cloudbuild.yaml"}


def build(environment: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / BUILDS[environment]).read_text())
    return loaded


def test_builds_have_only_fields_that_cloud_build_knows() -> None:
    assert faults("cloudbuild", "v1", "Build", {name: build(name) for name in BUILDS}) == []


@pytest.mark.parametrize("environment", BUILDS)
def test_a_build_tests_before_it_deploys_to_its_own_environment_and_looks_at_the_result(environment: str) -> None:
    _, test, deploy = build(environment)["steps"]
    assert test["args"][-1].rstrip().endswith(".ci/run")
    (deployment, smoke) = deploy["args"][-1].splitlines()[-2:]
    assert deployment.startswith(f"./deploy.sh {environment} ")
    assert smoke.startswith("./smoke_test.sh ")


def test_a_build_sees_no_secret() -> None:
    for file in BUILDS.values():
        assert "availableSecrets" not in (ROOT / file).read_text()


def test_firebase_json_is_as_firebase_tools_wants_it() -> None:
    schema = json.loads((ROOT / "node_modules/firebase-tools/schema/firebase-config.json").read_text())
    jsonschema.validate(json.loads((ROOT / "firebase.json").read_text()), schema)


def test_every_public_path_is_rewritten_to_its_service() -> None:
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    services = {one["source"]: one["run"]["serviceId"] for one in rewrites if "run" in one}
    assert services == {row.path: row.service for row in load_functions() if row.path}
