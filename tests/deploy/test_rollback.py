"""rollback.sh: functions, rules and the webhook can be rolled back."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.deploy import dry_run
from tests.deploy.fake_cloud import FakeCloud
from topology.functions import ROOT


@pytest.fixture
def cloud(tmp_path: Path) -> FakeCloud:
    cloud = FakeCloud(tmp_path, "prod")
    current = {"name": "s", "spec": {"traffic": [{"revisionName": "credit-tokens-00003", "percent": 100}]}}
    revisions = ["credit-tokens-00003", "credit-tokens-00002", "credit-tokens-00001"]
    cloud.change(kinds={"run services": {"credit-tokens": current}}, revisions={"credit-tokens": revisions})
    return cloud


def roll_back(cloud: FakeCloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    return cloud.run(*arguments, script="./rollback.sh")


@pytest.mark.parametrize("newer", [[], ["credit-tokens-00004"]], ids=["newest served", "rolled back before"])
def test_traffic_goes_to_the_revision_before_the_current_one(cloud: FakeCloud, newer: list[str]) -> None:
    older = ["credit-tokens-00003", "credit-tokens-00002", "credit-tokens-00001"]
    cloud.change(revisions={"credit-tokens": [*newer, *older]})
    assert roll_back(cloud, "function", "credit_tokens").returncode == 0
    (change,) = cloud.changes()
    assert change.startswith("run services update-traffic credit-tokens --to-revisions=credit-tokens-00002=100 ")


def test_traffic_goes_to_the_named_revision(cloud: FakeCloud) -> None:
    assert roll_back(cloud, "function", "credit_tokens", "--to", "credit-tokens-00001").returncode == 0
    assert "credit-tokens-00001=100" in cloud.changes()[0]


def test_the_first_revision_cannot_be_rolled_back(cloud: FakeCloud) -> None:
    cloud.change(revisions={"credit-tokens": ["credit-tokens-00003"]})
    run = roll_back(cloud, "function", "credit_tokens")
    assert run.returncode == 1
    assert "no revision before" in run.stderr
    assert cloud.changes() == []


def test_rules_are_deployed_as_they_were_in_a_commit(cloud: FakeCloud) -> None:
    git = ("git", "-C", str(cloud.checkout), "-c", "user.name=A", "-c", "user.email=a@example.com")
    for words in (["init", "--quiet"], ["add", "firestore.rules"], ["commit", "--quiet", "--message=Rules"]):
        subprocess.run([*git, *words], check=True)
    assert roll_back(cloud, "rules", "--to", "HEAD").returncode == 0
    (change,) = cloud.changes()
    assert change.startswith("deploy --only=firestore:rules --config=")
    assert "commit nowhere has no firestore.rules" in roll_back(cloud, "rules", "--to", "nowhere").stderr


def test_gcloud_and_firebase_accept_what_a_dry_run_prints(cloud: FakeCloud) -> None:
    git = ("git", "-C", str(ROOT), "rev-parse", "HEAD")
    subprocess.run(git, check=True, capture_output=True)
    function = roll_back(cloud, "function", "credit_tokens", "--dry-run").stdout
    assert dry_run.commands(function, "gcloud")
    assert dry_run.refused(dry_run.commands(function, "gcloud")) == {}
    rules = subprocess.run(
        ("./rollback.sh", "prod", "rules", "--to", "HEAD", "--dry-run"),
        cwd=ROOT,
        check=True,
        text=True,
        capture_output=True,
    ).stdout
    for command in dry_run.commands(rules, "firebase"):
        assert dry_run.unknown_to_firebase(shlex.split(command)[1:]) == []
    webhook = roll_back(cloud, "webhook", "--to", "https://old.example.com/hook", "--dry-run").stdout
    assert webhook.strip().endswith(
        "-m deploy.stripe_setup prod --project=token-economy-prod --webhook-url=https://old.example.com/hook"
    )
    assert cloud.changes() == []


@pytest.mark.parametrize(
    "arguments", [(), ("function",), ("function", "no_such"), ("rules",), ("webhook", "--to", "http://x"), ("tea",)]
)
def test_a_wrong_call_changes_nothing(cloud: FakeCloud, arguments: tuple[str, ...]) -> None:
    run = roll_back(cloud, *arguments)
    assert run.returncode in (1, 2)
    assert run.stderr
    assert cloud.changes() == []
