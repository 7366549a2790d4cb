"""Google Cloud is late: a resource created a moment ago is not visible everywhere, an API not enabled at once."""

from dataclasses import replace

import pytest

from deploy.environment import DeployError
from deploy.google_cloud import GoogleCloud
from tests.deploy.project import Project

LAGGING = ("monitoring channels", "storage buckets", "artifacts repositories", "iam service-accounts", "pubsub topics")


@pytest.mark.parametrize("kind", LAGGING)
def test_a_list_that_lags_behind_delays_the_first_deployment_only(new_project: Project, kind: str) -> None:
    new_project.state["lag"] = {kind: 2}

    assert new_project.deploy()

    new_project.state["hidden"] = {}
    assert new_project.check().is_empty
    assert new_project.deploy() == []


def test_a_resource_that_a_list_does_not_show_yet_is_not_created_twice(project: Project) -> None:
    """It was created by a run that was interrupted a moment ago."""
    project.state["hidden"] = {"pubsub topics": {"stripe-events": 3}}

    project.deploy("topics")

    assert project.check("topics").is_empty
    assert project.deploy("topics") == []


def test_a_created_resource_that_never_appears_stops_the_run(new_project: Project) -> None:
    new_project.state["lag"] = {"monitoring channels": 1000}

    with pytest.raises(DeployError, match="it is not listed"):
        new_project.deploy()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("topics create", "PERMISSION_DENIED: SERVICE_DISABLED"),
        ("projects add-iam-policy-binding", "Service account x@p.iam.gserviceaccount.com does not exist."),
        ("policies create", "Cannot find metric(s) that match type"),
        ("projects add-iam-policy-binding", "ABORTED: There were concurrent policy changes. Please retry"),
    ],
)
def test_an_error_that_passes_is_waited_for(new_project: Project, command: str, error: str) -> None:
    new_project.state["passing"] = {command: [error, 2]}

    new_project.deploy()

    assert new_project.slept[:2] == [5, 10]
    assert new_project.deploy() == []


def test_a_new_metric_gets_as_much_time_as_it_may_take(new_project: Project) -> None:
    """Google says up to 10 minutes."""
    new_project.state["refuse"] = {"policies create": "Cannot find metric(s) that match type"}

    with pytest.raises(DeployError):
        new_project.deploy()
    assert sum(new_project.slept) >= 600


def test_a_person_who_does_not_exist_is_not_waited_for(new_project: Project) -> None:
    new_project.environment = replace(new_project.environment, callers={"spend_tokens": ("user:ada@company.test",)})
    new_project.state["refused_members"] = ["user:ada@company.test"]

    with pytest.raises(DeployError, match="ada"):
        new_project.deploy()
    assert new_project.slept == []


def test_an_interrupted_deployment_is_finished_by_the_next(new_project: Project) -> None:
    new_project.state["refuse"] = {"scheduler jobs create": "INTERNAL"}
    with pytest.raises(DeployError):
        new_project.deploy()
    new_project.state["refuse"] = {}

    new_project.deploy()
    assert new_project.check().is_empty
    assert new_project.deploy() == []


def test_a_comparison_waits_for_nothing(new_project: Project) -> None:
    """The APIs are not enabled: everything is missing, and that is known at once."""
    report = new_project.check()

    assert "topic stripe-events" in report.missing
    assert new_project.slept == []


def test_what_was_read_is_read_once(project: Project) -> None:
    cloud = GoogleCloud(project.google, project.environment.project)
    for _ in range(2):
        cloud.read(("gcloud", "pubsub", "topics", "list", "--format=json"))
    assert len([one for one in project.state["commands"] if one.startswith("gcloud pubsub topics list --format")]) == 1
