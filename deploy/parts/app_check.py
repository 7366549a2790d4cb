"""Firebase App Check: whether Firestore and sign-in refuse requests that do not come from our pages."""

from deploy.commands import Command
from deploy.deployment import Deployment
from deploy.google_cloud import rest
from deploy.resource import Kind, Resource, State, always, last_part

SERVICES = ("firestore.googleapis.com", "identitytoolkit.googleapis.com")


def app_check(deployment: Deployment) -> None:
    """Enforce App Check where the functions require it, and nowhere else: without tokens, the pages stop working."""
    environment = deployment.environment
    url = f"https://firebaseappcheck.googleapis.com/v1/projects/{environment.number}/services"

    def turn(service: str, mode: str) -> Command:
        return rest("PATCH", f"{url}/{service}?updateMask=enforcementMode", {"enforcementMode": mode})

    def is_ours(state: State) -> bool:
        return last_part(state) in SERVICES and state.get("enforcementMode") == "ENFORCED"

    kind = Kind(
        "App Check of",
        rest("GET", url),
        last_part,
        is_ours,
        lambda state: turn(last_part(state), "OFF"),
        items="services",
    )
    deployment.executor.own(kind)
    if environment.more_settings.get("APP_CHECK") == "required":
        for service in SERVICES:
            enforce = turn(service, "ENFORCED")
            desired = {"enforcementMode": "ENFORCED"}
            deployment.executor.ensure(Resource(kind, service, enforce, always(enforce), desired=desired))
