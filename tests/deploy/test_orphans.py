"""What was ours and is in no table any more: listed by every run, deleted by --prune."""

import copy

import pytest

from tests.deploy.project import Project


def drop(project: Project, name: str) -> None:
    """Take a function out of the table."""
    project.functions = [row for row in project.functions if row.name != name]


def test_a_removed_function_is_listed_with_all_that_belongs_to_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(project, "sync_subscription")

    report = project.check()
    found = {(one.kind, one.name) for one in report.orphans}
    assert found == {
        ("function", "sync-subscription"),
        ("subscription", "sync-subscription"),
        ("service account", "sync-subscription"),
    }
    project.deploy()
    printed = capsys.readouterr().out
    assert "--prune removes" in printed
    assert "function sync-subscription" in printed
    assert "sync-subscription" in project.state["kinds"]["run services"]


def test_prune_deletes_it_in_an_order_in_which_nothing_is_called_that_is_gone(project: Project) -> None:
    drop(project, "sync_subscription")

    deleted = [change for change in project.deploy(prune=True) if " delete " in change]

    assert [change.split(" delete ")[0] for change in deleted] == [
        "run services",
        "pubsub subscriptions",
        "iam service-accounts",
    ]
    assert project.check().orphans == []
    assert project.deploy(prune=True) == []


def test_a_removed_schedule_takes_its_job_with_it(project: Project) -> None:
    drop(project, "reconcile")

    assert ("job", "reconcile") in {(one.kind, one.name) for one in project.check().orphans}
    project.deploy(prune=True)
    assert list(project.state["kinds"]["scheduler jobs"]) == ["export-database"]


def test_an_address_that_is_no_longer_notified(project: Project) -> None:
    project.environment = project.environment.__class__(
        **{**vars(project.environment), "alert_emails": ("new@c.test",)}
    )

    assert [one.name for one in project.check("alerts").orphans] == ["night@company.test"]
    project.deploy("alerts", prune=True)

    addresses = {one["labels"]["email_address"] for one in project.state["kinds"]["monitoring channels"].values()}
    assert addresses == {"new@c.test"}
    (channel,) = project.state["kinds"]["monitoring channels"].values()
    for policy in project.state["kinds"]["monitoring policies"].values():
        assert policy["notificationChannels"] == [channel["name"]]


@pytest.mark.parametrize(
    ("kind", "source", "name"),
    [
        ("monitoring policies", "policies-1", "alert"),
        ("logging metrics", "ledger_drift", "metric"),
        ("monitoring uptime", "token-economy-api", "uptime check"),
        ("monitoring dashboards", "dashboards-1", "dashboard"),
        ("pubsub topics", "stripe-events", "topic"),
        ("secrets", "stripe-secret-key", "secret"),
        ("firestore indexes composite", "CICAg0", "index"),
    ],
)
def test_a_copy_of_ours_is_an_orphan(project: Project, kind: str, source: str, name: str) -> None:
    copy = {**project.resource(kind, source), "name": "projects/p/things/a-copy"}
    if kind == "monitoring policies":
        copy["userLabels"] = {**copy["userLabels"], "policy": "former"}
    if kind in ("monitoring uptime", "monitoring dashboards"):
        copy["displayName"] = "former"
    if kind == "firestore indexes composite":
        group = "projects/p/databases/(default)/collectionGroups/transactions"
        copy |= {"name": f"{group}/indexes/a-copy", "fields": [{"fieldPath": "former", "order": "ASCENDING"}]}
    project.state["kinds"][kind]["a-copy"] = copy

    assert [one.kind for one in project.check().orphans] == [name]
    project.deploy(prune=True)
    assert "a-copy" not in project.state["kinds"][kind]


def test_a_function_that_a_change_of_region_left_behind_is_an_orphan(project: Project) -> None:
    """It runs, and whoever knows its address can still call it."""
    service = copy.deepcopy(project.service("spend-tokens"))
    service["metadata"]["labels"]["cloud.googleapis.com/location"] = "europe-west1"
    project.state["elsewhere"] = [service]

    (orphan,) = project.check().orphans
    assert (orphan.kind, orphan.name) == ("stray function", "spend-tokens in europe-west1")
    (change,) = project.deploy("functions", prune=True)
    assert "run services delete spend-tokens --region=europe-west1" in change


def test_what_somebody_else_created_is_never_touched(project: Project) -> None:
    kinds = project.state["kinds"]
    kinds["pubsub topics"]["theirs"] = {"name": "projects/p/topics/theirs", "labels": {"team": "x"}}
    kinds["run services"]["theirs"] = {"metadata": {"name": "theirs", "labels": {}}, "status": {}}
    kinds["secrets"]["theirs"] = {"name": "projects/p/secrets/theirs"}
    kinds["iam service-accounts"]["theirs"] = {"email": "theirs@token-economy-prod.iam.gserviceaccount.com"}
    kinds["monitoring policies"]["theirs"] = {"name": "projects/p/alertPolicies/1", "displayName": "theirs"}
    kinds["firestore indexes composite"]["theirs"] = {
        "name": "projects/p/databases/(default)/collectionGroups/posts/indexes/theirs",
        "fields": [{"fieldPath": "author", "order": "ASCENDING"}],
    }

    assert project.check().is_empty
    assert project.deploy(prune=True) == []


def test_in_prod_prune_asks(project: Project) -> None:
    drop(project, "sync_subscription")
    questions: list[str] = []

    def ask(question: str) -> bool:
        questions.append(question)
        return True

    project.deploy(prune=True, yes=False, ask=ask)
    assert questions


def test_a_part_alone_finds_only_its_own_orphans(project: Project) -> None:
    drop(project, "sync_subscription")

    assert [one.kind for one in project.check("subscriptions").orphans] == ["subscription"]
    assert project.check("topics").orphans == []
