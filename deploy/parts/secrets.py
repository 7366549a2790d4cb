"""Secret Manager: the secrets, without their values, and who may read each."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.environment import SECRETS
from deploy.resource import Resource, by_name

# No function reads the publishable key; it is stored for pages that embed Stripe's own components.
_ALL_SECRETS = (*SECRETS.values(), "stripe-publishable-key")


def secrets(deployment: Deployment) -> None:
    """Create the secrets, empty, and let each function read the ones it names and no other."""
    look = deployment.listing("secrets", "list")
    for secret in _ALL_SECRETS:
        create = gcloud("secrets", "create", secret, "--replication-policy=automatic", deployment.project)
        deployment.executor.ensure(Resource(f"secret {secret}", look, by_name(secret), create))
    for row in deployment.functions:
        for secret in row.secrets:
            deployment.grant(("secrets", secret), deployment.member(row.service), "roles/secretmanager.secretAccessor")
