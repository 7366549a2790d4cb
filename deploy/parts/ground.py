"""What everything else stands on: the APIs and the service accounts."""

from deploy.commands import gcloud, listing
from deploy.deployment import Deployment, binding_of
from deploy.parts.identities import BUILDER, PUSH, SCHEDULER
from deploy.resource import Resource, by_name, by_value

_APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "firebase",
    "firebasehosting",
    "firebaserules",
    "firestore",
    "iam",
    "identitytoolkit",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
)


def apis(deployment: Deployment) -> None:
    """Enable the Google Cloud APIs in use."""
    look = deployment.listing("services", "list", "--enabled")
    for api in (f"{name}.googleapis.com" for name in _APIS):
        create = gcloud("services", "enable", api, deployment.project)
        deployment.executor.ensure(Resource(f"API {api}", look, by_name(api), create))


def accounts(deployment: Deployment) -> None:
    """Create one service account per function, and those that build, push and call on schedule; grant their roles."""
    environment = deployment.environment
    look = deployment.listing("iam", "service-accounts", "list")
    descriptions = {row.service: f"Runs {row.name}" for row in deployment.functions} | {
        PUSH: "Pub/Sub calls subscribers as this",
        SCHEDULER: "Cloud Scheduler calls jobs as this",
        BUILDER: "Cloud Build builds the functions as this",
    }
    for name, text in descriptions.items():
        create = gcloud("iam", "service-accounts", "create", name, f"--display-name={text}", deployment.project)
        find = by_value("email", environment.account(name))
        deployment.executor.ensure(Resource(f"service account {name}", look, find, create))
    project = ("projects", environment.project)
    roles = [(row.service, role) for row in deployment.functions for role in row.roles]
    for name, role in [*roles, (BUILDER, "roles/run.builder")]:
        deployment.grant(project, deployment.member(name), role)
    _pubsub_agent(deployment)


def _pubsub_agent(deployment: Deployment) -> None:
    """Create Pub/Sub's own identity, which otherwise appears at its first use, with the role that lets it sign pushes.

    Source: https://cloud.google.com/iam/docs/create-service-agents
    """
    project = ("projects", deployment.environment.project)
    role = "roles/pubsub.serviceAgent"
    deployment.executor.ensure(
        Resource(
            "Pub/Sub's service agent",
            listing("projects", "get-iam-policy", deployment.environment.project),
            binding_of(deployment.pubsub_agent, role),
            gcloud("beta", "services", "identity", "create", "--service=pubsub.googleapis.com", deployment.project),
        )
    )
    deployment.grant(project, deployment.pubsub_agent, role)
