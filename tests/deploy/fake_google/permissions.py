"""Which permission each reading command needs, by Google's pages about the access control of each service."""

import re
from collections.abc import Collection

from tests.deploy.fake_google.arguments import GcloudError

_READS = {
    r"projects describe": "resourcemanager.projects.get",
    r"resource-manager liens list": "resourcemanager.projects.get",
    r"projects get-iam-policy": "resourcemanager.projects.getIamPolicy",
    r"services list": "serviceusage.services.list",
    r"iam service-accounts list": "iam.serviceAccounts.list",
    r"iam service-accounts get-iam-policy": "iam.serviceAccounts.getIamPolicy",
    r"iam roles describe": "iam.roles.get",
    r"iam workload-identity-pools list": "iam.workloadIdentityPools.list",
    r"iam workload-identity-pools providers list": "iam.workloadIdentityPoolProviders.list",
    r"storage buckets list": "storage.buckets.list",
    r"storage buckets get-iam-policy": "storage.buckets.getIamPolicy",
    r"artifacts repositories list": "artifactregistry.repositories.list",
    r"artifacts repositories get-iam-policy": "artifactregistry.repositories.getIamPolicy",
    r"artifacts docker tags list": "artifactregistry.tags.list",
    r"firestore databases list": "datastore.databases.list",
    r"firestore backups schedules list": "datastore.backupSchedules.list",
    r"firestore indexes (composite|fields) list": "datastore.indexes.list",
    r"pubsub topics list": "pubsub.topics.list",
    r"pubsub topics get-iam-policy": "pubsub.topics.getIamPolicy",
    r"pubsub subscriptions list": "pubsub.subscriptions.list",
    r"pubsub subscriptions get-iam-policy": "pubsub.subscriptions.getIamPolicy",
    r"secrets list": "secretmanager.secrets.list",
    r"secrets get-iam-policy": "secretmanager.secrets.getIamPolicy",
    r"logging buckets list": "logging.buckets.list",
    r"logging sinks list": "logging.sinks.list",
    r"logging metrics list": "logging.logMetrics.list",
    r"scheduler jobs list": "cloudscheduler.jobs.list",
    r"run services list": "run.services.list",
    r"run services get-iam-policy": "run.services.getIamPolicy",
    r"monitoring policies list": "monitoring.alertPolicies.list",
    r"monitoring channels list": "monitoring.notificationChannels.list",
    r"monitoring uptime list-configs": "monitoring.uptimeCheckConfigs.list",
    r"monitoring dashboards list": "monitoring.dashboards.list",
    r"firebaserules\.googleapis\.com/\S+/releases/": "firebaserules.releases.get",
    r"firebaserules\.googleapis\.com/\S+/rulesets/": "firebaserules.rulesets.get",
    r"firebase\.googleapis\.com/\S+/webApps": "firebase.clients.list",
    r"firebasehosting\.googleapis\.com/\S+/sites": "firebasehosting.sites.list",
    r"firebaseappcheck\.googleapis\.com/\S+/services": "firebaseappcheck.services.get",
    r"identitytoolkit\.googleapis\.com/admin": "firebaseauth.configs.get",
}
ALL = frozenset(_READS.values())
_FREE = ("auth print-access-token", "version.json")


def authorize(held: Collection[str], text: str) -> None:
    """Let a read pass.

    Raises:
        GcloudError: the permission is not held.
    """
    if any(free in text for free in _FREE):
        return
    needed = [permission for pattern, permission in _READS.items() if re.search(pattern, text)]
    assert needed, f"which permission does this need? {text}"
    if lacking := [permission for permission in needed if permission not in held]:
        raise GcloudError(f"PERMISSION_DENIED: Permission '{lacking[0]}' denied on resource")
