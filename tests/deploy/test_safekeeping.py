"""What outlives a mistake: logs of money kept for years, exports in another project, and a budget that warns."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deploy.deployment import Deployment
from deploy.dry_run import DryRun
from deploy.parts.budget import definition
from deploy.parts.logs import NAME, sink_filter
from tests.deploy.api_fields import faults
from tests.deploy.log_filter import matches
from tests.deploy.project import Project
from topology.functions import load_functions

Change = Callable[[Project], None]
BUDGET = "budget token-economy: token-economy-prod"


def set_field(kind: str, name: str, path: str, value: object) -> Change:
    def by_hand(project: Project) -> None:
        put(project.resource(kind, name), path, value)

    return by_hand


def set_budget(path: str, value: object) -> Change:
    return lambda project: put(project.state["budgets"][0], path, value)


def put(inside: Any, path: str, value: object) -> None:  # noqa: ANN401 - JSON
    *parents, last = path.split(".")
    for key in parents:
        inside = inside[int(key)] if isinstance(inside, list) else inside.setdefault(key, {})
    inside[int(last) if isinstance(inside, list) else last] = value


BUCKET, SINK, JOB = ("logging buckets", NAME), ("logging sinks", NAME), ("scheduler jobs", "export-database")
DRIFT: dict[str, tuple[str, str, str, Change]] = {
    # what → (part, title in the report, field, what somebody does)
    "short logs": ("logs", f"log bucket {NAME}", "retentionDays", set_field(*BUCKET, "retentionDays", 30)),
    "deleted logs": (
        "logs",
        f"log bucket {NAME}",
        "lifecycleState",
        set_field(*BUCKET, "lifecycleState", "DELETE_REQUESTED"),
    ),
    "another destination": ("logs", f"log sink {NAME}", "destination", set_field(*SINK, "destination", "elsewhere")),
    "another filter": ("logs", f"log sink {NAME}", "filter", set_field(*SINK, "filter", "severity=ERROR")),
    "disabled sink": ("logs", f"log sink {NAME}", "disabled", set_field(*SINK, "disabled", True)),
    "excluded logs": ("logs", f"log sink {NAME}", "exclusions", set_field(*SINK, "exclusions", [{"name": "x"}])),
    "paused export": ("exports", "export job export-database", "state", set_field(*JOB, "state", "PAUSED")),
    "rare export": (
        "exports",
        "export job export-database",
        "schedule",
        set_field(*JOB, "schedule", "0 0 1 1 *"),
    ),
    "export elsewhere": (
        "exports",
        "export job export-database",
        "httpTarget.body",
        set_field(*JOB, "httpTarget.body", base64.b64encode(b'{"outputUriPrefix": "gs://theirs"}').decode()),
    ),
    "export as another": (
        "exports",
        "export job export-database",
        "httpTarget.oauthToken.serviceAccountEmail",
        set_field(*JOB, "httpTarget.oauthToken.serviceAccountEmail", "owner@company.test"),
    ),
    "budget": ("budget", BUDGET, "amount.specifiedAmount.units", set_budget("amount.specifiedAmount.units", "1000000")),
    "late warning": (
        "budget",
        BUDGET,
        "thresholdRules[0].thresholdPercent",
        set_budget("thresholdRules.0.thresholdPercent", 5.0),
    ),
    "budget of another project": (
        "budget",
        BUDGET,
        "budgetFilter.projects[0]",
        set_budget("budgetFilter.projects", ["projects/1"]),
    ),
    "silent budget": (
        "budget",
        BUDGET,
        "notificationsRule.disableDefaultIamRecipients",
        set_budget("notificationsRule.disableDefaultIamRecipients", True),
    ),
}


@pytest.mark.parametrize("what", DRIFT)
def test_drift_is_reported_and_put_back_once(project: Project, what: str) -> None:
    part, title, field, by_hand = DRIFT[what]
    by_hand(project)

    report = project.check(part)
    changes = project.deploy(part)

    assert [one.field for one in report.different[title]] == [field]
    assert changes
    assert project.check(part).is_empty
    assert project.deploy(part) == []


@pytest.mark.parametrize(
    ("part", "setting", "orphan"),
    [
        ("logs", {"audit_log_days": 0}, ("log sink", NAME)),
        ("exports", {"export_bucket": ""}, ("export job", "export-database")),
        ("budget", {"monthly_budget": 0}, ("budget", "token-economy: token-economy-prod")),
    ],
)
def test_what_a_setting_takes_away_is_pruned(
    project: Project, part: str, setting: dict[str, Any], orphan: tuple[str, str]
) -> None:
    project.environment = replace(project.environment, **setting)

    assert [(one.kind, one.name) for one in project.check(part).orphans] == [orphan]
    assert len(project.deploy(part, prune=True)) == 1
    assert project.check(part).is_empty


def test_logs_that_were_kept_are_never_deleted(project: Project) -> None:
    project.environment = replace(project.environment, audit_log_days=0)

    project.deploy(prune=True)

    assert project.resource(*BUCKET)["lifecycleState"] == "ACTIVE"


def test_what_is_not_wanted_is_not_made(new_project: Project) -> None:
    new_project.environment = replace(new_project.environment, audit_log_days=0, export_bucket="", monthly_budget=0)

    new_project.deploy()

    assert not {"logging buckets", "logging sinks"} & new_project.state["kinds"].keys()
    assert list(new_project.state["kinds"]["scheduler jobs"]) == ["reconcile"]
    assert new_project.state["budgets"] == []
    assert new_project.deploy() == []


def test_a_release_leaves_the_export_job_to_the_owner(project: Project) -> None:
    """Both are jobs of ours; neither part takes the other's for an orphan."""
    assert project.check("jobs").is_empty
    assert project.check("exports").is_empty


def test_who_exports_can_neither_import_nor_read(project: Project) -> None:
    permissions = project.resource("iam roles", "tokenLedgerExporter")["includedPermissions"]
    assert sorted(permissions) == ["datastore.databases.export", "datastore.databases.getMetadata"]


def test_a_release_can_change_metrics_and_not_how_long_logs_are_kept(project: Project) -> None:
    permissions = project.resource("iam roles", "logMetricsEditor")["includedPermissions"]
    assert {name.rpartition(".")[0] for name in permissions} == {"logging.logMetrics"}


def test_the_sink_keeps_every_event_of_every_function_and_nothing_else() -> None:
    services = [row.service for row in load_functions()]
    condition = sink_filter(services)

    def record(service: str, payload: dict[str, str]) -> dict[str, Any]:
        resource = {"type": "cloud_run_revision", "labels": {"service_name": service}}
        return {"resource": resource, "jsonPayload": payload}

    assert all(matches(condition, record(service, {"event": "purchase.credited"})) for service in services)
    assert not matches(condition, record("another-app", {"event": "purchase.credited"}))
    assert not matches(condition, record(services[0], {"message": "a line of a library"}))


def test_the_budget_has_only_fields_of_googles_api(project: Project) -> None:
    deployment = Deployment(DryRun(), project.environment, project.functions)
    kind = "GoogleCloudBillingBudgetsV1Budget"
    assert faults("billingbudgets", "v1", kind, {"budget": definition(deployment, "name")}) == []


def test_the_export_is_written_where_the_environment_says(project: Project) -> None:
    target = project.resource(*JOB)["httpTarget"]
    assert json.loads(base64.b64decode(target["body"])) == {"outputUriPrefix": "gs://company-vault"}
    assert re.fullmatch(
        r"https://firestore\.googleapis\.com/v1/projects/token-economy-prod/databases/\(default\):exportDocuments",
        target["uri"],
    )


def test_a_protected_project_has_a_lien_against_its_deletion(project: Project) -> None:
    (lien,) = project.state["kinds"]["resource-manager liens"].values()
    assert lien["restrictions"] == ["resourcemanager.projects.delete"]

    project.state["kinds"]["resource-manager liens"].clear()
    assert project.check("lien").missing == ["lien against deletion"]
    assert len(project.deploy("lien")) == 1
    assert project.check("lien").is_empty


def test_a_project_that_is_protected_no_more_can_lose_its_lien(project: Project) -> None:
    project.environment = replace(project.environment, protected=False)

    assert [one.kind for one in project.check("lien").orphans] == ["lien"]
    project.deploy("lien", prune=True)
    assert project.check("lien").is_empty


def test_alerts_reach_more_than_addresses(project: Project) -> None:
    pager = "projects/token-economy-prod/notificationChannels/1"
    project.environment = replace(project.environment, alert_channels=(pager,))

    project.deploy("alerts")

    policies = project.state["kinds"]["monitoring policies"].values()
    assert all(pager in policy["notificationChannels"] for policy in policies)
    assert all(len(policy["notificationChannels"]) == 2 for policy in policies)
    assert project.deploy("alerts") == []
