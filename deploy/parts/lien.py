"""A lien: nobody deletes a protected project, whatever rights they have, before they have removed it."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.resource import OWNER, Kind, Resource, last_part

_LIENS = ("alpha", "resource-manager", "liens")
_DELETION = "resourcemanager.projects.delete"


def lien(deployment: Deployment) -> None:
    """Forbid to delete the project, if its environment is protected."""
    kind = Kind(
        "lien",
        deployment.listing(*_LIENS, "list"),
        lambda state: "against deletion" if _DELETION in state.get("restrictions", ()) else None,
        lambda state: state.get("origin") == OWNER,
        lambda state: gcloud(*_LIENS, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    if deployment.environment.protected:
        reason = "--reason=It holds the ledger of what users have bought"
        flags = (f"--restrictions={_DELETION}", reason, f"--origin={OWNER}")
        create = gcloud(*_LIENS, "create", *flags, deployment.project)
        deployment.executor.ensure(Resource(kind, "against deletion", create))
