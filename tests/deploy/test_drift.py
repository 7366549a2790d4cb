"""Whatever somebody changes by hand is reported, put back, and then it stays so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.environment import DeployError
from deploy.parts import firestore
from tests.deploy.project import Project
from topology.topics import DEAD_LETTERS, STRIPE_EVENTS

SERVICE, TEMPLATE = ("metadata",), ("spec", "template", "metadata")


def annotate(where: tuple[str, ...], name: str, value: str) -> Callable[[Project], None]:
    def by_hand(project: Project) -> None:
        inside: Any = project.service("get-balance")
        for key in where:
            inside = inside[key]
        inside["annotations"][f"run.googleapis.com/{name}" if "/" not in name else name] = value

    return by_hand


def specify(key: str, value: object) -> Callable[[Project], None]:
    def by_hand(project: Project) -> None:
        project.service("get-balance")["spec"]["template"]["spec"][key] = value

    return by_hand


def contain(key: str, value: object) -> Callable[[Project], None]:
    def by_hand(project: Project) -> None:
        project.service("get-balance")["spec"]["template"]["spec"]["containers"][0][key] = value

    return by_hand


def set_variable(name: str, value: str) -> Callable[[Project], None]:
    def by_hand(project: Project) -> None:
        container = project.service("get-balance")["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [*(one for one in container["env"] if one["name"] != name), {"name": name, "value": value}]

    return by_hand


def set_field(kind: str, name: str, path: str, value: object) -> Callable[[Project], None]:
    def by_hand(project: Project) -> None:
        inside = project.resource(kind, name)
        *parents, last = path.split(".")
        for key in parents:
            inside = inside[int(key)] if isinstance(inside, list) else inside.setdefault(key, {})
        inside[int(last) if isinstance(inside, list) else last] = value

    return by_hand


def add_condition(project: Project) -> None:
    conditions = project.resource("monitoring policies", "policies-1")["conditions"]
    conditions.append(conditions[0])


ASCENDING = {"indexes": [{"queryScope": "COLLECTION", "fields": [{"fieldPath": "f", "order": "ASCENDING"}]}]}
POLICY, CHANNEL = ("monitoring policies", "policies-1"), ("monitoring channels", "channels-1")
DRIFT: dict[str, tuple[str, str, Callable[[Project], None]]] = {
    # what → (title in the report, field, what somebody does)
    "image": ("function get-balance", "image", contain("image", "us-docker.pkg.dev/other/image@sha256:1")),
    "setting": ("function get-balance", "environment.GOOGLE_CLOUD_PROJECT", set_variable("GOOGLE_CLOUD_PROJECT", "x")),
    "extra setting": ("function get-balance", "environment.DEBUG", set_variable("DEBUG", "1")),
    "account": ("function get-balance", "account", specify("serviceAccountName", "owner@company.test")),
    "concurrency": ("function get-balance", "concurrency", specify("containerConcurrency", 1)),
    "timeout": ("function get-balance", "timeout_s", specify("timeoutSeconds", 3600)),
    "memory": ("function get-balance", "memory", contain("resources", {"limits": {"memory": "4Gi", "cpu": "1000m"}})),
    "cpu": ("function get-balance", "cpu", contain("resources", {"limits": {"memory": "512Mi", "cpu": "4000m"}})),
    "minimum": ("function get-balance", "min_instances", annotate(SERVICE, "minScale", "7")),
    "maximum": (
        "function get-balance",
        "max_instances",
        annotate(TEMPLATE, "autoscaling.knative.dev/maxScale", "1000"),
    ),
    "revision's minimum": (
        "function get-balance",
        "set_by_hand.revision's minimum of instances",
        annotate(TEMPLATE, "autoscaling.knative.dev/minScale", "3"),
    ),
    "ingress": ("function get-balance", "ingress", annotate(SERVICE, "ingress", "internal")),
    "closed": ("function get-balance", "public", annotate(SERVICE, "invoker-iam-disabled", "False")),
    "network": ("function get-balance", "set_by_hand.network", annotate(TEMPLATE, "network-interfaces", "[{}]")),
    "connector": ("function get-balance", "set_by_hand.VPC connector", annotate(TEMPLATE, "vpc-access-connector", "c")),
    "Cloud SQL": ("function get-balance", "set_by_hand.Cloud SQL", annotate(TEMPLATE, "cloudsql-instances", "db")),
    "always-on CPU": (
        "function get-balance",
        "set_by_hand.always-on CPU",
        annotate(TEMPLATE, "cpu-throttling", "false"),
    ),
    "audiences": ("function get-balance", "set_by_hand.custom audiences", annotate(SERVICE, "custom-audiences", "[1]")),
    "command": ("function get-balance", "set_by_hand.command", contain("command", ["sh"])),
    "arguments": ("function get-balance", "set_by_hand.arguments", contain("args", ["-c"])),
    "probe": ("function get-balance", "set_by_hand.liveness probe", contain("livenessProbe", {"httpGet": {}})),
    "mount": ("function get-balance", "set_by_hand.mounts", contain("volumeMounts", [{"name": "v"}])),
    "volume": ("function get-balance", "set_by_hand.volumes", specify("volumes", [{"name": "v"}])),
    "topic's retention": (
        f"topic {DEAD_LETTERS}",
        "messageRetentionDuration",
        set_field("pubsub topics", DEAD_LETTERS, "messageRetentionDuration", "600s"),
    ),
    "topic's label": (
        f"topic {STRIPE_EVENTS}",
        "labels.managed-by",
        set_field("pubsub topics", STRIPE_EVENTS, "labels", {"team": "payments"}),
    ),
    "dead letters' retention": (
        f"subscription {DEAD_LETTERS}",
        "messageRetentionDuration",
        set_field("pubsub subscriptions", DEAD_LETTERS, "messageRetentionDuration", "600s"),
    ),
    "dead letters' expiry": (
        f"subscription {DEAD_LETTERS}",
        "expirationPolicy.ttl",
        set_field("pubsub subscriptions", DEAD_LETTERS, "expirationPolicy", {"ttl": "2678400s"}),
    ),
    "dead letters pushed": (
        f"subscription {DEAD_LETTERS}",
        "pushConfig.pushEndpoint",
        set_field("pubsub subscriptions", DEAD_LETTERS, "pushConfig", {"pushEndpoint": "https://elsewhere.test"}),
    ),
    "push endpoint": (
        "subscription credit-tokens",
        "pushConfig.pushEndpoint",
        set_field("pubsub subscriptions", "credit-tokens", "pushConfig.pushEndpoint", "https://elsewhere.test"),
    ),
    "push without identity": (
        "subscription credit-tokens",
        "pushConfig.oidcToken.serviceAccountEmail",
        set_field("pubsub subscriptions", "credit-tokens", "pushConfig.oidcToken", {}),
    ),
    "unwrapped push": (
        "subscription credit-tokens",
        "pushConfig.noWrapper",
        set_field("pubsub subscriptions", "credit-tokens", "pushConfig.noWrapper", {"writeMetadata": True}),
    ),
    "backoff": (
        "subscription credit-tokens",
        "retryPolicy.minimumBackoff",
        set_field("pubsub subscriptions", "credit-tokens", "retryPolicy.minimumBackoff", "1s"),
    ),
    "attempts": (
        "subscription credit-tokens",
        "deadLetterPolicy.maxDeliveryAttempts",
        set_field("pubsub subscriptions", "credit-tokens", "deadLetterPolicy", {}),
    ),
    "acknowledged messages": (
        "subscription credit-tokens",
        "retainAckedMessages",
        set_field("pubsub subscriptions", "credit-tokens", "retainAckedMessages", True),
    ),
    "secret's expiry": (
        "secret stripe-secret-key",
        "expireTime",
        set_field("secrets", "stripe-secret-key", "expireTime", "2027-01-01T00:00:00Z"),
    ),
    "disabled account": (
        "service account get-balance",
        "disabled",
        set_field("iam service-accounts", "get-balance", "disabled", True),
    ),
    "role with more rights": (
        "role tokenLedger",
        "includedPermissions",
        set_field("iam roles", "tokenLedger", "includedPermissions", ["datastore.entities.delete"]),
    ),
    "deleted role": ("role tokenLedger", "deleted", set_field("iam roles", "tokenLedger", "deleted", True)),
    "public bucket": (
        "bucket token-economy-prod-deployments",
        "public_access_prevention",
        set_field("storage buckets", "token-economy-prod-deployments", "public_access_prevention", "inherited"),
    ),
    "kept images": (
        "repository token-economy",
        "cleanupPolicies.delete-old.action",
        set_field("artifacts repositories", "token-economy", "cleanupPolicies", {}),
    ),
    "recovery": (
        "Firestore database (default)",
        "pointInTimeRecoveryEnablement",
        set_field("firestore databases", "(default)", "pointInTimeRecoveryEnablement", "DISABLED"),
    ),
    "delete protection": (
        "Firestore database (default)",
        "deleteProtectionState",
        set_field("firestore databases", "(default)", "deleteProtectionState", "DELETE_PROTECTION_DISABLED"),
    ),
    "backups": (
        "backup schedule daily",
        "retention",
        set_field("firestore backups schedules", "daily-1", "retention", "86400s"),
    ),
    "indexed timestamp": (
        "field index transactions.timestamp",
        "indexes",
        set_field("firestore indexes fields", "transactions.timestamp", "indexConfig", ASCENDING),
    ),
    "disabled pool": (
        "identity pool github",
        "disabled",
        set_field("iam workload-identity-pools", "github", "disabled", True),
    ),
    "other repository": (
        "identity provider github",
        "attributeCondition",
        set_field("iam workload-identity-pools providers", "github", "attributeCondition", "true"),
    ),
    "paused job": ("job reconcile", "state", set_field("scheduler jobs", "reconcile", "state", "PAUSED")),
    "rarer job": ("job reconcile", "schedule", set_field("scheduler jobs", "reconcile", "schedule", "0 0 1 1 *")),
    "job's time zone": (
        "job reconcile",
        "timeZone",
        set_field("scheduler jobs", "reconcile", "timeZone", "Asia/Tokyo"),
    ),
    "job's identity": (
        "job reconcile",
        "httpTarget.oidcToken.serviceAccountEmail",
        set_field("scheduler jobs", "reconcile", "httpTarget.oidcToken", {}),
    ),
    "disabled metric": (
        "metric ledger_drift",
        "disabled",
        set_field("logging metrics", "ledger_drift", "disabled", True),
    ),
    "metric's filter": (
        "metric ledger_drift",
        "filter",
        set_field("logging metrics", "ledger_drift", "filter", "severity=DEBUG"),
    ),
    "silenced alert": ("alert dead_letters", "enabled", set_field(*POLICY, "enabled", False)),
    "alert's threshold": (
        "alert dead_letters",
        "conditions[0].conditionThreshold.thresholdValue",
        set_field(*POLICY, "conditions.0.conditionThreshold.thresholdValue", 1e6),
    ),
    "alert's conditions": ("alert dead_letters", "conditions", add_condition),
    "alert's addresses": ("alert dead_letters", "notificationChannels", set_field(*POLICY, "notificationChannels", [])),
    "disabled address": ("channel night@company.test", "enabled", set_field(*CHANNEL, "enabled", False)),
    "dashboard": (
        "dashboard Token economy",
        "mosaicLayout.tiles",
        set_field("monitoring dashboards", "dashboards-1", "mosaicLayout.tiles", []),
    ),
    "uptime check": (
        "uptime check token-economy-api",
        "httpCheck.path",
        set_field("monitoring uptime", "token-economy-api", "httpCheck.path", "/nothing"),
    ),
    "pinned traffic": (
        "traffic of get-balance",
        "traffic[0].latestRevision",
        set_field("run services", "get-balance", "spec.traffic", [{"revisionName": "old", "percent": 100}]),
    ),
    "traffic tag": (
        "traffic of get-balance",
        "traffic[0].tag",
        set_field("run services", "get-balance", "spec.traffic.0.tag", "mine"),
    ),
}


# The first word of a title → the part that puts it back.
PARTS = {
    "function": "functions",
    "traffic": "functions",
    "topic": "topics",
    "subscription": "subscriptions",
    "secret": "secrets",
    "service": "accounts",
    "role": "roles",
    "bucket": "storage",
    "repository": "storage",
    "Firestore": "firestore",
    "backup": "firestore",
    "index": "indexes",
    "field": "indexes",
    "identity": "federation",
    "job": "jobs",
    "metric": "metrics",
    "alert": "alerts",
    "channel": "alerts",
    "dashboard": "dashboard",
    "uptime": "uptime",
}


@pytest.mark.parametrize("what", DRIFT)
def test_drift_is_reported_and_put_back_once(project: Project, what: str) -> None:
    title, field, by_hand = DRIFT[what]
    part = PARTS[title.split()[0]]
    by_hand(project)

    report = project.check(part)
    changes = project.deploy(part)

    assert list(report.different) == [title]
    assert field in [one.field for one in report.different[title]]
    assert changes
    assert project.check(part).is_empty
    assert project.deploy(part) == []


def test_any_amount_of_drift_is_put_back_in_one_run(project: Project) -> None:
    for _, _, by_hand in DRIFT.values():
        by_hand(project)

    assert project.deploy()
    assert project.check().is_empty
    assert project.deploy() == []


def test_live_rules_that_are_not_the_files_are_reported_and_replaced(project: Project) -> None:
    project.state["rules"] = "allow read, write: if true;"

    assert "Firestore rules" in project.check("rules").different
    assert any("firestore:rules" in change for change in project.deploy("rules"))
    assert project.deploy("rules") == []


def test_a_private_function_opened_by_hand_is_closed(project: Project) -> None:
    annotations = project.service("credit-tokens")["metadata"]["annotations"]
    annotations["run.googleapis.com/invoker-iam-disabled"] = "true"
    annotations["run.googleapis.com/ingress"] = "all"

    assert [one.field for one in project.check("functions").different["function credit-tokens"]] == [
        "ingress",
        "public",
    ]
    project.deploy("functions")
    assert annotations["run.googleapis.com/invoker-iam-disabled"] == "False"
    assert annotations["run.googleapis.com/ingress"] == "internal"


@pytest.mark.parametrize(
    ("kind", "name", "field", "value"),
    [
        ("firestore databases", "(default)", "locationId", "eur3"),
        ("firestore databases", "(default)", "type", "DATASTORE_MODE"),
        ("pubsub subscriptions", "credit-tokens", "filter", 'attributes.purchase_type = "tokens"'),
        ("pubsub subscriptions", "credit-tokens", "topic", "projects/token-economy-prod/topics/_deleted-topic_"),
        ("pubsub subscriptions", "credit-tokens", "detached", True),
        ("pubsub subscriptions", "credit-tokens", "enableMessageOrdering", True),
        ("artifacts repositories", "token-economy", "format", "NPM"),
        ("monitoring uptime", "token-economy-page", "monitoredResource.labels.host", "elsewhere.test"),
    ],
)
def test_what_cannot_be_changed_stops_the_run_before_the_first_change(
    project: Project, kind: str, name: str, field: str, value: object
) -> None:
    set_field(kind, name, field, value)(project)
    project.resource("scheduler jobs", "reconcile")["schedule"] = "0 0 1 1 *"  # something to change

    with pytest.raises(DeployError, match="cannot be changed"):
        project.deploy()
    assert project.google.changes() == []


def test_a_service_with_another_container_stops_the_run(project: Project) -> None:
    """No flag of gcloud's deploy command removes a container."""
    containers = project.service("get-balance")["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "sidecar", "image": "elsewhere"})

    with pytest.raises(DeployError, match="sidecar"):
        project.deploy()
    assert project.google.changes() == []


def test_an_index_that_is_still_built_stops_the_run(project: Project) -> None:
    project.resource("firestore indexes composite", "CICAg0")["state"] = "CREATING"

    with pytest.raises(DeployError, match="Wait until it is built"):
        project.deploy()
    assert project.google.changes() == []


def test_a_field_with_an_index_of_its_own_gets_it_and_keeps_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    override = {
        "collectionGroup": "users",
        "fieldPath": "subscription.id",
        "indexes": [{"order": "ASCENDING", "queryScope": "COLLECTION"}],
    }
    (tmp_path / "firestore.indexes.json").write_text(json.dumps({"indexes": [], "fieldOverrides": [override]}))
    monkeypatch.setattr(firestore, "ROOT", tmp_path)

    assert len(project.deploy("indexes")) == 1
    assert project.deploy("indexes") == []
    set_field("firestore indexes fields", "users.subscription.id", "indexConfig", {})(project)
    assert list(project.check("indexes").different) == ["field index users.subscription.id"]
    (change,) = project.deploy("indexes")
    assert "--index=order=ascending" in change
    assert project.deploy("indexes") == []
