"""The service accounts: who runs, calls, builds, tests, releases and audits, and what each may do in the project."""

from dataclasses import dataclass

from topology.functions import Function

PUSH = "pubsub-push"
SCHEDULER = "scheduler"
BUILDER = "function-builder"
TESTER = "tester"
RELEASER = "releaser"
AUDITOR = "auditor"

LEDGER_ROLE = "tokenLedger"
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


_COMPARE = (
    "roles/browser",
    "roles/firebaseauth.viewer",
    "roles/firebaserules.viewer",
    "roles/iam.securityReviewer",  # reads every policy
    "roles/monitoring.viewer",
    "roles/run.viewer",
    "roles/secretmanager.viewer",  # reads which secrets have a value, never the value
    "roles/serviceusage.serviceUsageConsumer",
)
"""What it takes to compare a project with this checkout."""

_RELEASE = (
    "roles/artifactregistry.reader",
    "roles/cloudbuild.builds.editor",
    "roles/cloudscheduler.admin",
    "roles/datastore.indexAdmin",
    "roles/firebasehosting.admin",
    "roles/firebaserules.admin",
    "roles/logging.configWriter",
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
        Account(TESTER, "Continuous integration runs tests as this: it may do nothing", ("roles/logging.logWriter",)),
        Account(AUDITOR, "The nightly check compares the project as this", (*_COMPARE, "roles/logging.logWriter")),
        Account(RELEASER, "Continuous integration releases as this", (*_COMPARE, *_RELEASE)),
    ]
