"""A release: built once, tested before it is served, in order, one at a time, and never an older one by accident."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.environment import DeployError
from tests.deploy.fake_google import policies
from tests.deploy.project import Project, Repository

ROWS = ("list_packages", "create_checkout", "credit_tokens", "get_balance")


def change_settings(project: Project, **settings: str) -> None:
    """Make every function that reads a setting differ."""
    project.environment = replace(project.environment, more_settings=settings)


def change_catalog(project: Project) -> None:
    change_settings(project, TOKEN_CATALOG="classic")
    project.environment = replace(project.environment, catalog="classic")


def traffic(project: Project, service: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = project.service(service)["spec"]["traffic"]
    return found


def index(changes: list[str], *words: str) -> int:
    return next(number for number, change in enumerate(changes) if all(word in change for word in words))


# --- built once, promoted by digest


def test_all_functions_run_one_image_by_its_digest(project: Project) -> None:
    images = {
        service["spec"]["template"]["spec"]["containers"][0]["image"]
        for service in project.state["kinds"]["run services"].values()
    }
    (image,) = images
    assert "@sha256:" in image


def test_what_was_built_is_not_built_again(new_project: Project) -> None:
    first = new_project.deploy()
    assert sum(change.startswith("builds submit") for change in first) == 1
    change_settings(new_project, MAX_PURCHASES_PER_HOUR="7")
    assert not any(change.startswith("builds submit") for change in new_project.deploy())


def promoting(project: Project) -> Project:
    project.environment = replace(project.environment, promotes="dev", images_project="token-economy-dev")
    return project


def test_prod_deploys_the_image_that_dev_built(project: Project) -> None:
    promoting(project)
    changes = project.deploy("functions")

    assert not any(change.startswith("builds") for change in changes)
    deployed = [change for change in changes if change.startswith("run deploy")]
    assert deployed
    assert all("-docker.pkg.dev/token-economy-dev/" in change for change in deployed)


def test_prod_refuses_what_dev_never_built(project: Project) -> None:
    promoting(project)
    project.state["kinds"]["artifacts docker tags"] = {}

    with pytest.raises(DeployError, match=r"Deploy this commit to dev first: \./deploy\.sh dev"):
        project.deploy()
    assert project.google.changes() == []


@pytest.fixture
def dev(tmp_path: Path, project: Project) -> Project:
    """Development, whose images production promotes; deployed."""
    dev = Project(tmp_path / "dev", project.repository, "dev")
    dev.deploy()
    project.google.others = {"token-economy-dev": dev.google}
    promoting(project)
    return dev


READERS = tuple(
    f"serviceAccount:{account}"
    for account in (
        "service-123456789012@serverless-robot-prod.iam.gserviceaccount.com",
        "releaser@token-economy-prod.iam.gserviceaccount.com",
        "auditor@token-economy-prod.iam.gserviceaccount.com",
    )
)


def test_prod_promotes_and_still_may_after_dev_was_deployed_again(project: Project, dev: Project) -> None:
    """Dev's deployments remove from its registry whom its table does not name."""
    dev.environment = replace(dev.environment, image_readers=READERS)
    for setting in ("7", "8"):
        dev.deploy()
        change_settings(project, MAX_PURCHASES_PER_HOUR=setting)
        assert any(change.startswith("run deploy credit-tokens") for change in project.deploy())
        assert project.check().is_empty


def test_a_reader_that_no_table_names_loses_the_images(project: Project, dev: Project) -> None:
    repository = "artifacts repositories token-economy"
    policies.add(dev.state["policies"], repository, READERS[0], "roles/artifactregistry.reader")
    dev.deploy()
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")

    with pytest.raises(DeployError, match="credit-tokens"):
        project.deploy()


def test_who_may_not_read_the_promoted_images_is_named_before_the_first_change(project: Project, dev: Project) -> None:
    dev.environment = replace(dev.environment, image_readers=READERS[:1])
    dev.deploy()

    (problem,) = project.preflight().problems

    assert problem.what == (f"prod may not read the images of dev, which it promotes: {READERS[1]}, {READERS[2]}")
    assert "./deploy.sh dev --only storage" in problem.fix
    dev.environment = replace(dev.environment, image_readers=READERS)
    dev.deploy()
    assert project.preflight().problems == []


def test_who_may_not_look_at_the_registrys_policy_reads_a_note(project: Project, dev: Project) -> None:
    assert dev
    project.state["refuse"] = {"repositories get-iam-policy": "PERMISSION_DENIED"}

    findings = project.preflight()

    assert findings.problems == []
    assert any("who may read the images of dev could not be checked" in note for note in findings.notes)


# --- tested before it is served


def test_a_new_revision_is_tested_before_it_gets_traffic(project: Project) -> None:
    change_settings(project, ALLOWED_ORIGINS="https://app.company.test")

    project.deploy("functions")

    commands = project.state["commands"]
    deployed = max(number for number, command in enumerate(commands) if "run deploy" in command)
    tested = next(number for number, command in enumerate(commands) if command.startswith("./smoke_test.sh"))
    served = min(number for number, command in enumerate(commands) if "update-traffic" in command)
    assert deployed < tested < served
    assert "https://candidate---{}-123456789012.us-central1.run.app" in commands[tested]
    assert "get-balance" in commands[tested]
    assert traffic(project, "get-balance") == [{"latestRevision": True, "percent": 100}]


def test_a_revision_that_fails_its_test_gets_no_traffic(project: Project) -> None:
    before = traffic(project, "get-balance")
    assert before == [{"latestRevision": True, "percent": 100}]
    change_settings(project, ALLOWED_ORIGINS="https://app.company.test")
    project.state["smoke_fails"] = True

    with pytest.raises(DeployError, match="new revisions, before they are served"):
        project.deploy("functions")

    assert traffic(project, "get-balance") == [
        {"revisionName": "get-balance-00001", "percent": 100},
        {"latestRevision": True, "tag": "candidate"},
    ]


def test_the_next_run_tests_it_again_and_serves_it(project: Project) -> None:
    change_settings(project, ALLOWED_ORIGINS="https://app.company.test")
    project.state["smoke_fails"] = True
    with pytest.raises(DeployError):
        project.deploy("functions")
    project.state["smoke_fails"] = False

    changes = project.deploy("functions")

    assert not any("run deploy" in change for change in changes)
    assert traffic(project, "get-balance") == [{"latestRevision": True, "percent": 100}]
    assert project.deploy("functions") == []


def test_a_revision_that_does_not_start_stops_the_run_and_is_deployed_again(project: Project) -> None:
    change_settings(project, ALLOWED_ORIGINS="https://app.company.test")
    project.state["broken"] = ["get-balance"]
    with pytest.raises(DeployError, match="get-balance"):
        project.deploy("functions")
    assert traffic(project, "get-balance")[0] == {"revisionName": "get-balance-00001", "percent": 100}
    assert "newest_revision_is_ready" in [
        one.field for one in project.check("functions").different["function get-balance"]
    ]
    project.state["broken"] = []

    changes = project.deploy("functions")

    assert sum("run deploy get-balance" in change for change in changes) == 1
    assert project.check("functions").is_empty


def test_only_what_differs_is_deployed(project: Project) -> None:
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")

    deployed = {change.split()[2] for change in project.deploy("functions") if change.startswith("run deploy")}

    assert deployed == {"create-checkout", "credit-tokens"}


# --- in an order in which no purchase is held


def test_functions_that_judge_are_served_before_those_that_sell(project: Project) -> None:
    change_catalog(project)

    changes = project.deploy("functions")

    judged = [index(changes, "update-traffic", name) for name in ("credit-tokens", "reconcile")]
    sold = [index(changes, "update-traffic", name) for name in ("create-checkout", "list-packages")]
    assert max(judged) < min(sold)


def test_on_the_first_deployment_too(new_project: Project) -> None:
    changes = new_project.deploy()

    assert index(changes, "run deploy credit-tokens") < index(changes, "run deploy create-checkout")


# --- one commit over another


@pytest.fixture
def versions(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "versions")


def test_an_older_commit_is_not_deployed_over_a_newer_one(project: Project, versions: Repository) -> None:
    older, newer = versions.commit(), versions.commit()
    project.repository = versions
    project.service("get-balance")["metadata"]["labels"]["commit"] = newer
    for service in project.state["kinds"]["run services"].values():
        service["metadata"]["labels"]["commit"] = newer
    versions.switch(older)
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")

    with pytest.raises(DeployError, match=f"does not contain {newer}"):
        project.deploy()
    assert project.google.changes() == []
    assert project.deploy("functions", allow_older=True)
    assert project.service("credit-tokens")["metadata"]["labels"]["commit"] == older


def test_a_commit_that_this_clone_does_not_know_is_not_overwritten(project: Project) -> None:
    project.service("get-balance")["metadata"]["labels"]["commit"] = "0123456789ab"

    with pytest.raises(DeployError, match="git fetch --unshallow"):
        project.deploy()
    assert project.google.changes() == []


def test_a_newer_commit_is_deployed_and_named(project: Project, versions: Repository) -> None:
    project.repository = versions
    for service in project.state["kinds"]["run services"].values():
        service["metadata"]["labels"]["commit"] = versions.commit()
    commit = versions.commit()
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")

    project.deploy("functions")

    assert project.service("credit-tokens")["metadata"]["labels"]["commit"] == commit


def test_prod_takes_no_uncommitted_change(project: Project, versions: Repository) -> None:
    project.repository = versions
    (versions.folder / "file").write_text("not committed")

    with pytest.raises(DeployError, match="commit or stash"):
        project.deploy(allow_older=True)
    assert project.google.changes() == []


# --- one deployment at a time

LOCK = "gs://token-economy-prod-deployments/lock"


def test_the_lock_is_held_during_a_deployment_and_released_after_it(project: Project) -> None:
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")
    project.deploy("functions")

    commands = project.state["commands"]
    taken = next(number for number, command in enumerate(commands) if "storage cp" in command)
    released = next(number for number, command in enumerate(commands) if "storage rm" in command)
    assert taken < min(number for number, command in enumerate(commands) if "run deploy" in command) < released
    assert project.state["objects"] == {}


def test_it_is_released_after_a_failure_too(project: Project) -> None:
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")
    project.state["refuse"] = {"run deploy": "INTERNAL"}
    with pytest.raises(DeployError):
        project.deploy("functions")
    assert project.state["objects"] == {}


def test_a_second_deployment_waits_and_then_looks_again(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.state["objects"][LOCK] = {"content": "Grace on build-7, commit abc", "generation": "9"}
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            del project.state["objects"][LOCK]
            project.service("get-balance")["metadata"]["labels"]["commit"] = "0123456789ab"

    run = project.run(["functions"], yes=True)
    run.cloud.sleep = sleep
    run.check()  # what was read before the wait must not count after it
    with pytest.raises(DeployError, match="0123456789ab"):
        run.deploy()
    assert waits == [15, 15, 15]
    assert "waiting    for Grace on build-7, commit abc" in capsys.readouterr().out


def test_a_lock_that_is_never_released_stops_the_run(project: Project) -> None:
    project.state["objects"][LOCK] = {"content": "Grace", "generation": "9"}

    with pytest.raises(DeployError, match="--break-lock"):
        project.deploy("functions")
    assert project.google.changes() == []
    assert LOCK in project.state["objects"]


def test_the_lock_of_a_killed_deployment_can_be_taken_over(project: Project) -> None:
    project.state["objects"][LOCK] = {"content": "Grace", "generation": "9"}
    change_settings(project, MAX_PURCHASES_PER_HOUR="7")

    assert project.deploy("functions", break_lock=True)
    assert project.state["objects"] == {}


def test_the_first_deployment_needs_no_lock(new_project: Project) -> None:
    """Its bucket is made by it."""
    assert new_project.deploy("apis", "accounts", "secrets")
