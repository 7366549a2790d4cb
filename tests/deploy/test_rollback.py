"""rollback.sh: functions, rules and the webhook can be rolled back."""

import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from deploy import rollback
from deploy.environment import DeployError, load_environment
from deploy.rollback import Rollback
from tests.deploy import verdicts
from tests.deploy.project import Project

NEWEST_FIRST = ("credit-tokens-00003", "credit-tokens-00002", "credit-tokens-00001")


def revisions(*names: str, failed: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [{"name": name, "ready": name not in failed, "commit": f"c{name[-1]}"} for name in names]


@pytest.fixture
def served_third(project: Project) -> Project:
    """credit_tokens has three revisions; the third is served."""
    project.state["revisions"]["credit-tokens"] = revisions(*NEWEST_FIRST)
    project.service("credit-tokens")["spec"]["traffic"] = [{"revisionName": NEWEST_FIRST[0], "percent": 100}]
    return project


@pytest.fixture
def roll_back(served_third: Project) -> Callable[..., list[str]]:
    def roll_back(*names: str, to: str | None = None) -> list[str]:
        served_third.google.changes()
        Rollback(served_third.google, load_environment("prod")).functions(names, to)
        return served_third.google.changes()

    return roll_back


def test_traffic_goes_to_the_revision_before_the_current_one(
    roll_back: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (change,) = roll_back("credit_tokens")

    assert "update-traffic credit-tokens --to-revisions=credit-tokens-00002=100 " in change
    printed = capsys.readouterr().out
    assert "from credit-tokens-00003 (commit c3) to credit-tokens-00002 (commit c2)" in printed


def test_a_revision_that_never_started_is_passed_over(
    served_third: Project, roll_back: Callable[..., list[str]]
) -> None:
    served_third.state["revisions"]["credit-tokens"] = revisions(*NEWEST_FIRST, failed=("credit-tokens-00002",))

    (change,) = roll_back("credit_tokens")
    assert "credit-tokens-00001=100" in change


def test_revisions_newer_than_the_current_one_are_passed_over(
    served_third: Project, roll_back: Callable[..., list[str]]
) -> None:
    """A rollback was done before, or a candidate waits for its test."""
    served_third.state["revisions"]["credit-tokens"] = revisions("credit-tokens-00004", *NEWEST_FIRST)

    (change,) = roll_back("credit_tokens")
    assert "credit-tokens-00002=100" in change


def test_a_tag_is_not_taken_for_what_is_served(served_third: Project, roll_back: Callable[..., list[str]]) -> None:
    served_third.service("credit-tokens")["spec"]["traffic"] = [
        {"revisionName": "credit-tokens-00001", "tag": "candidate"},
        {"revisionName": "credit-tokens-00003", "percent": 100},
    ]
    (change,) = roll_back("credit_tokens")
    assert "credit-tokens-00002=100" in change


def test_the_latest_revision_is_known_by_its_name(served_third: Project, roll_back: Callable[..., list[str]]) -> None:
    service = served_third.service("credit-tokens")
    service["spec"]["traffic"] = [{"latestRevision": True, "percent": 100}]
    service["status"]["latestReadyRevisionName"] = "credit-tokens-00003"

    assert "credit-tokens-00002=100" in roll_back("credit_tokens")[0]


def test_traffic_goes_to_the_named_revision(roll_back: Callable[..., list[str]]) -> None:
    assert "credit-tokens-00001=100" in roll_back("credit_tokens", to="credit-tokens-00001")[0]


@pytest.mark.parametrize("to", ["credit-tokens-00002", "credit-tokens-00009"])
def test_a_named_revision_must_be_ready(served_third: Project, roll_back: Callable[..., list[str]], to: str) -> None:
    served_third.state["revisions"]["credit-tokens"] = revisions(*NEWEST_FIRST, failed=("credit-tokens-00002",))

    with pytest.raises(DeployError, match=r"Ready ones: .*credit-tokens-00001 \(commit c1\)"):
        roll_back("credit_tokens", to=to)
    assert served_third.google.changes() == []


def test_the_first_revision_cannot_be_rolled_back_and_nothing_else_is(
    served_third: Project, roll_back: Callable[..., list[str]]
) -> None:
    with pytest.raises(DeployError, match="no ready revision is older than get-balance-00001"):
        roll_back("credit_tokens", "get_balance")
    assert served_third.google.changes() == []


def test_functions_that_sell_are_rolled_back_before_those_that_judge(
    served_third: Project, roll_back: Callable[..., list[str]]
) -> None:
    served_third.state["revisions"]["create-checkout"] = revisions("create-checkout-00002", "create-checkout-00001")
    served_third.service("create-checkout")["spec"]["traffic"] = [
        {"revisionName": "create-checkout-00002", "percent": 100}
    ]

    changes = roll_back("credit_tokens", "create_checkout")
    assert [change.split()[3] for change in changes] == ["create-checkout", "credit-tokens"]


# --- the command line


def run(project: Project, *arguments: str) -> None:
    rollback.main(("prod", *arguments), shell=project.google)


def test_rules_are_deployed_as_they_were_in_a_commit(project: Project) -> None:
    project.google.changes()
    run(project, "rules", "--to", "HEAD")
    (change,) = project.google.changes()
    assert change.startswith("firebase deploy --only=firestore:rules --config=")


def test_rules_of_no_commit_are_refused(project: Project) -> None:
    with pytest.raises(SystemExit, match="commit nowhere has no firestore"):
        run(project, "rules", "--to", "nowhere")


def test_gcloud_and_firebase_accept_what_a_dry_run_prints(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.google.changes()
    project.state["commands"].clear()
    run(project, "function", "credit_tokens", "--dry-run")
    assert verdicts.refused(verdicts.commands(capsys.readouterr().out, "gcloud")) == {}
    run(project, "rules", "--to", "HEAD", "--dry-run")
    for command in verdicts.commands(capsys.readouterr().out, "firebase"):
        assert verdicts.unknown_to_firebase(shlex.split(command)[1:]) == []
    assert project.google.changes() == []


@pytest.mark.parametrize(
    ("target", "flag"),
    [
        (("--to", "https://old.example.com/hook"), "--webhook-url=https://old.example.com/hook"),
        (("--disable",), "--disable-webhook"),
    ],
)
def test_the_webhook_is_redirected_or_disabled(
    project: Project, capsys: pytest.CaptureFixture[str], target: tuple[str, ...], flag: str
) -> None:
    run(project, "webhook", *target, "--dry-run")
    command = f".venv/bin/python -m deploy.stripe_setup prod --project=token-economy-prod {flag}\n"
    assert capsys.readouterr().out == command


@pytest.mark.parametrize(
    "arguments",
    [(), ("function",), ("function", "no_such"), ("rules",), ("webhook", "--to", "http://x"), ("webhook",), ("tea",)],
)
def test_a_wrong_call_changes_nothing(project: Project, arguments: tuple[str, ...]) -> None:
    project.google.changes()
    with pytest.raises(SystemExit) as ended:
        run(project, *arguments)
    assert ended.value.code
    assert project.google.changes() == []


def test_the_script_hands_its_arguments_over() -> None:
    done = subprocess.run(
        ("./rollback.sh", "prod", "webhook", "--disable", "--dry-run"), check=True, text=True, capture_output=True
    )
    assert done.stdout.endswith("--disable-webhook\n")
