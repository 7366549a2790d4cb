"""What GitHub reads: the workflow runs what every other build runs, with the tools that it needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
_each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
FORMS = sorted(form for form in GITHUB.glob("ISSUE_TEMPLATE/*.yml") if form.stem != "config")


def loaded(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    (job,) = loaded(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def test_the_workflow_runs_what_every_build_runs() -> None:
    assert [step["run"] for step in steps() if "run" in step] == [".ci/run"]


def test_the_workflow_installs_the_components_that_the_tests_need() -> None:
    (gcloud,) = (step["with"] for step in steps() if "setup-gcloud" in step.get("uses", ""))
    needed = re.search(r"for component in ([\w -]+); do", (ROOT / "local" / "require_tools.sh").read_text())
    assert needed
    assert set(needed[1].split()) <= set(gcloud["install_components"].split(","))
    assert f"google/cloud-sdk:{gcloud['version']}" in (ROOT / "cloudbuild.yaml").read_text()


def test_a_pull_request_is_never_released() -> None:
    """A fork can name its branch main: its commit was checked out and deployed as the releaser, once ci had passed."""
    condition = loaded(GITHUB / "workflows" / "release.yml")["jobs"]["release"]["if"]
    _, _, after_ci = condition.partition("github.event_name == 'workflow_run'")

    assert "&& github.event.workflow_run.event == 'push'" in after_ci
    assert "&& github.event.workflow_run.head_repository.full_name == github.repository" in after_ci
    assert "||" not in after_ci


@_each_workflow
def test_a_workflow_runs_only_what_was_looked_at(path: Path) -> None:
    """A tag can be moved to other code, a commit cannot."""
    for job in loaded(path)["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


@_each_workflow
def test_a_workflow_may_only_read_and_a_release_signs_in_without_keys(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        signs_in = any("google-github-actions/auth" in step.get("uses", "") for step in job["steps"])
        expected = {"contents": "read", "id-token": "write"} if signs_in else None
        assert job.get("permissions") == expected, name


@_each_workflow
def test_no_command_contains_what_a_stranger_wrote(path: Path) -> None:
    """GitHub pastes expressions into the script: titles and branch names could be commands."""
    runs = [step["run"] for job in loaded(path)["jobs"].values() for step in job["steps"] if "run" in step]

    assert [run for run in runs if "${{" in run] == []
    assert "pull_request_target" not in loaded(path)[True]


def test_every_locked_package_is_audited_every_week() -> None:
    audit = loaded(GITHUB / "workflows" / "audit.yml")
    commands = [step["run"] for job in audit["jobs"].values() for step in job["steps"] if "run" in step]
    (pip_audit,) = (command for command in commands if "pip-audit==" in command)

    assert audit[True]["schedule"], "YAML takes `on` for true"
    assert "--requirement requirements-dev.txt --require-hashes" in pip_audit
    assert any(command.startswith("npm audit --package-lock-only") for command in commands)


def test_every_kind_of_dependency_is_kept_up_to_date() -> None:
    updates = {one["package-ecosystem"] for one in loaded(GITHUB / "dependabot.yml")["updates"]}
    assert updates == {"pip", "npm", "github-actions"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_requires(path: Path) -> None:
    form = loaded(path)
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert fields
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
