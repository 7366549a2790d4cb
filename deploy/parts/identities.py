"""The service accounts: who runs, calls, builds, tests, releases and audits, and what each may do in the project."""

from dataclasses import dataclass

from deploy.environment import PUSH, SCHEDULER
from topology.functions import Function

BUILDER = "function-builder"
TESTER = "tester"
RELEASER = "releaser"
AUDITOR = "auditor"
EXPORTER = "exporter"

LEDGER_ROLE = "tokenLedger"
EXPORT_ROLE = "tokenLedgerExporter"
METRICS_ROLE = "logMetricsEditor"
COMPARE_ROLE = "deploymentAuditor"
_COMPARE = {
    "artifactregistry": "dockerimages.list packages.list repositories.get repositories.getIamPolicy repositories.list "
    "tags.get tags.list versions.get versions.list",
    "cloudscheduler": "jobs.list",
    "datastore": "backupSchedules.list databases.getMetadata databases.list indexes.list",
    "firebase": "clients.list projects.get",
    "firebaseappcheck": "services.get",
    "firebaseauth": "configs.get",
    "firebasehosting": "sites.list",
    "firebaserules": "releases.get rulesets.get",
    "iam": "roles.get serviceAccounts.getIamPolicy serviceAccounts.list workloadIdentityPoolProviders.list "
    "workloadIdentityPools.list",
    "logging": "buckets.list logMetrics.list sinks.list",
    "monitoring": "alertPolicies.list dashboards.list notificationChannels.list uptimeCheckConfigs.list",
    "pubsub": "subscriptions.getIamPolicy subscriptions.list topics.getIamPolicy topics.list",
    "resourcemanager": "projects.get projects.getIamPolicy",
    "run": "locations.list services.getIamPolicy services.list",
    "secretmanager": "secrets.getIamPolicy secrets.list versions.list",  # which have a value, not the value
    "serviceusage": "services.list services.use",
    "storage": "buckets.get buckets.getIamPolicy buckets.list",
}
"""What it takes to compare a project with this checkout, by service: nothing that changes, and no data of users."""

CUSTOM_ROLES = {
    LEDGER_ROLE: (
        "Token ledger",
        "Reads, creates and updates documents, and deletes none: ledger entries are never deleted.",
        frozenset(
            {
                "datastore.databases.get",  # begins and rolls back transactions
                "datastore.entities.allocateIds",
                "datastore.entities.create",
                "datastore.entities.get",
                "datastore.entities.list",
                "datastore.entities.update",
            }
        ),
    ),
    EXPORT_ROLE: (
        "Token ledger exporter",
        "Starts exports of the database, and no imports.",
        frozenset({"datastore.databases.export", "datastore.databases.getMetadata"}),
    ),
    COMPARE_ROLE: (
        "Deployment auditor",
        "Compares the project with the repository: reads configuration, and neither secrets nor documents.",
        frozenset(f"{service}.{name}" for service, names in _COMPARE.items() for name in names.split()),
    ),
    METRICS_ROLE: (
        "Log metrics editor",
        "Edits log-based metrics, but neither sinks nor how long logs are kept.",
        frozenset(f"logging.logMetrics.{verb}" for verb in ("create", "delete", "get", "list", "update")),
    ),
}
"""Roles of this project by id: title, description, permissions. A function's `roles` name them without "roles/"."""


@dataclass(frozen=True)
class Account:
    """One service account.

    Attributes:
        name: the part before the @.
        text: what it is for.
        roles: its roles in the project.
        user: the account that may act as it; empty for none.
    """

    name: str
    text: str
    roles: tuple[str, ...] = ()
    user: str = ""


_RELEASE = (
    "roles/artifactregistry.reader",
    "roles/cloudbuild.builds.editor",
    "roles/cloudscheduler.admin",
    "roles/datastore.indexAdmin",
    "roles/firebasehosting.admin",
    "roles/firebaserules.admin",
    METRICS_ROLE,
    "roles/logging.logWriter",
    "roles/monitoring.editor",
    "roles/run.admin",  # it opens the public functions and sets who may call the others
    "roles/serviceusage.apiKeysViewer",  # firebase-tools publishes the pages' configuration
)
"""What it takes to release: no role that grants roles in the project, reads a secret, or reads or deletes documents."""


def accounts(functions: list[Function]) -> list[Account]:
    """Return every service account: one per function, and those that no function runs as."""
    return [
        *(Account(row.service, f"Runs {row.name}", row.roles, RELEASER) for row in functions),
        Account(PUSH, "Pub/Sub calls subscribers as this"),
        Account(SCHEDULER, "Cloud Scheduler calls jobs as this", user=RELEASER),
        Account(BUILDER, "Cloud Build builds the functions as this", ("roles/run.builder",), RELEASER),
        Account(EXPORTER, "Cloud Scheduler exports the database as this", (EXPORT_ROLE,)),
        Account(TESTER, "Continuous integration runs tests as this: it may do nothing", ("roles/logging.logWriter",)),
        Account(AUDITOR, "The nightly check compares the project as this", (COMPARE_ROLE, "roles/logging.logWriter")),
        Account(RELEASER, "Continuous integration releases as this", (COMPARE_ROLE, *_RELEASE)),
    ]
