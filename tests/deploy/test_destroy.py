"""--destroy takes development down: it lists first, deletes what is ours, and refuses wherever money may be."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.environment import DeployError
from tests.deploy import verdicts
from tests.deploy.fake_google import policies
from tests.deploy.project import Project, Repository


@pytest.fixture(scope="module")
def _dev_state(tmp_path_factory: pytest.TempPathFactory, repository: Repository) -> dict[str, Any]:
    project = Project(tmp_path_factory.mktemp("dev"), repository, "dev")
    project.deploy()
    return project.state


@pytest.fixture
def dev(tmp_path: Path, repository: Repository, _dev_state: dict[str, Any]) -> Project:
    project = Project(tmp_path, repository, "dev")
    project.google.state = copy.deepcopy(_dev_state)
    project.google.changes()
    return project


def left(project: Project) -> dict[str, list[str]]:
    """Return what is left, by kind; what Google lists and nobody pays for is left out."""
    free = ("services", "firestore indexes composite", "firestore indexes fields", "artifacts docker tags")
    kinds = project.state["kinds"]
    kept = {kind: [name for name, one in found.items() if not one.get("deleted")] for kind, found in kinds.items()}
    return {kind: names for kind, names in kept.items() if names and kind not in free}


def test_everything_that_a_deployment_created_is_deleted(dev: Project) -> None:
    assert len(left(dev)) > 15

    assert dev.run(yes=True).destroy() > 50

    assert left(dev).keys() == {"iam workload-identity-pools", "iam workload-identity-pools providers"}
    assert dev.state["budgets"] == []
    assert dev.state["objects"] == {}
    ours = "@token-economy-dev.iam.gserviceaccount.com"
    bindings = policies.bindings_of(dev.state["policies"], "projects token-economy-dev")
    assert not [member for binding in bindings for member in binding["members"] if member.endswith(ours)]


def test_nothing_is_deleted_that_something_else_still_needs(dev: Project) -> None:
    dev.run(yes=True).destroy()

    deleted = [change for change in dev.google.changes() if " delete " in change]
    order = [next(number for number, change in enumerate(deleted) if kind in change) for kind in ORDER]
    assert order == sorted(order)


ORDER = (
    "scheduler jobs",
    "run services",
    "pubsub subscriptions",
    "pubsub topics",
    "firestore databases",
    "service-acc",
)


def test_what_others_created_stays(dev: Project) -> None:
    dev.state["kinds"]["pubsub topics"]["theirs"] = {"name": "projects/p/topics/theirs"}
    dev.state["kinds"]["run services"]["theirs"] = {"metadata": {"name": "theirs", "labels": {}}}

    dev.run(yes=True).destroy()

    assert {name for names in left(dev).values() for name in names} == {"theirs", "github"}


def test_a_destroyed_environment_can_be_deployed_again(dev: Project) -> None:
    dev.run(yes=True).destroy()
    dev.state["kinds"].pop("firestore indexes composite")
    dev.state["kinds"].pop("firestore indexes fields")

    dev.deploy()

    assert dev.check().is_empty


def test_the_list_comes_first_and_a_no_deletes_nothing(dev: Project, capsys: pytest.CaptureFixture[str]) -> None:
    questions: list[str] = []

    def no(question: str) -> bool:
        questions.append(f"{capsys.readouterr().out}{question}")
        return False

    with pytest.raises(DeployError, match="Nothing was changed"):
        dev.run(ask=no).destroy()

    assert dev.google.changes() == []
    assert "Firestore database (default)" in questions[0]
    assert questions[0].endswith("Delete all of this from token-economy-dev?")


def test_where_nobody_can_be_asked_it_needs_yes(dev: Project) -> None:
    with pytest.raises(DeployError, match="--yes"):
        dev.run().destroy()
    assert dev.google.changes() == []


@pytest.mark.parametrize("setting", [{"protected": True}, {"livemode": True}, {"project": "token-economy-prod"}])
def test_what_is_protected_or_takes_money_is_never_destroyed(dev: Project, setting: dict[str, Any]) -> None:
    """Even if somebody gives dev the project of prod."""
    dev.environment = replace(dev.environment, **setting)

    with pytest.raises(DeployError, match="never destroyed"):
        dev.run(yes=True).destroy()
    assert dev.google.changes() == []


def test_a_database_that_is_protected_stops_it(dev: Project) -> None:
    dev.resource("firestore databases", "(default)")["deleteProtectionState"] = "DELETE_PROTECTION_ENABLED"

    with pytest.raises(DeployError, match="is protected"):
        dev.run(yes=True).destroy()
    assert dev.google.changes() == []


def test_an_interrupted_destruction_is_finished_by_the_next(dev: Project) -> None:
    dev.state["refuse"] = {"service-accounts delete": "INTERNAL"}
    with pytest.raises(DeployError):
        dev.run(yes=True).destroy()
    dev.state["refuse"] = {}

    assert dev.run(yes=True).destroy()
    assert "iam service-accounts" not in left(dev)


def test_gclouds_own_parser_takes_every_command(dev: Project) -> None:
    dev.run(yes=True).destroy()

    deleted = [f"gcloud {change}" for change in dev.google.changes() if not change.startswith("curl")]
    assert len(deleted) > 50
    assert verdicts.refused(deleted) == {}
