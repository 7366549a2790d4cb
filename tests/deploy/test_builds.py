"""The files that others read, Cloud Build's and Firebase's, have only what those know."""

import json
from typing import Any

import jsonschema
import yaml

from tests.deploy.api_fields import faults
from topology.functions import ROOT, load_functions


def build() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    return loaded


def test_the_build_has_only_fields_of_cloud_build() -> None:
    assert faults("cloudbuild", "v1", "Build", {"build": build()}) == []


def test_the_build_tests_a_commit_deploys_it_and_checks_the_result() -> None:
    _, test, deploy = build()["steps"]
    assert test["args"][-1].rstrip().endswith(".ci/run")
    deployment, smoke = deploy["args"][-1].splitlines()[-2:]
    assert deployment == './deploy.sh "$_ENVIRONMENT" --project "$PROJECT_ID"'
    assert smoke.startswith("./smoke_test.sh ")


def test_the_build_deploys_to_development_unless_its_trigger_says_otherwise() -> None:
    assert build()["substitutions"] == {"_ENVIRONMENT": "dev"}


def test_the_build_sees_no_secret() -> None:
    assert "availableSecrets" not in build()


def test_firebase_json_matches_the_schema_of_firebase_tools() -> None:
    schema = json.loads((ROOT / "node_modules/firebase-tools/schema/firebase-config.json").read_text())
    jsonschema.validate(json.loads((ROOT / "firebase.json").read_text()), schema)


def test_every_public_path_is_rewritten_to_its_service() -> None:
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    services = {one["source"]: one["run"]["serviceId"] for one in rewrites if "run" in one}
    assert services == {row.path: row.service for row in load_functions() if row.path}
