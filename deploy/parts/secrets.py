"""Secret Manager: the secrets, without their values, and who may read each."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.environment import ALL_SECRETS, secrets_of
from deploy.parts.ground import label_flags
from deploy.resource import LABELS, Kind, Resource, always, labeled, last_part

_READER = "roles/secretmanager.secretAccessor"


def secrets(deployment: Deployment) -> None:
    """Create the secrets, empty, and let each function read the ones it names and no other."""
    kind = Kind(
        "secret",
        deployment.listing("secrets", "list"),
        last_part,
        labeled(),
        lambda state: gcloud("secrets", "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    for secret in ALL_SECRETS:
        create = gcloud(
            "secrets", "create", secret, "--replication-policy=automatic", label_flags(), deployment.project
        )
        update = gcloud(
            "secrets",
            "update",
            secret,
            "--remove-expiration",
            label_flags("--update-labels"),
            deployment.project,
        )
        deployment.executor.ensure(
            # With an expiry, Google deletes the secret with all its values.
            Resource(kind, secret, create, always(update), desired={"labels": LABELS, "expireTime": None})
        )
        readers = {deployment.member(row.service) for row in deployment.functions if secret in secrets_of(row)}
        deployment.ensure_policy(("secrets", secret), {_READER: readers})
