"""Firebase: the web app, whose configuration the pages load, and the Hosting site that it is linked to."""

from deploy.deployment import Deployment
from deploy.google_cloud import rest
from deploy.resource import Kind, Resource, last_part

FIREBASE = "https://firebase.googleapis.com/v1beta1"
HOSTING = "https://firebasehosting.googleapis.com/v1beta1"


def firebase(deployment: Deployment) -> None:
    """Create the web app and the Hosting site, and link them, so that the pages find their configuration."""
    project = deployment.environment.project
    apps = Kind(
        "web app", rest("GET", f"{FIREBASE}/projects/{project}/webApps"), lambda _: "of the pages", items="apps"
    )
    # Any will do: another part of the app may have created it.
    create = ("firebase", "apps:create", "WEB", "token-economy", deployment.project, "--non-interactive")
    app = deployment.executor.ensure(Resource(apps, "of the pages", create, reread=True))
    link = {"appId": app.get("appId", "APP_ID")}
    url = f"{HOSTING}/projects/{project}/sites"
    sites = Kind("Hosting site", rest("GET", url), last_part, items="sites")
    deployment.executor.ensure(
        Resource(
            sites,
            project,
            rest("POST", f"{url}?siteId={project}", link),
            lambda _: [rest("PATCH", f"{url}/{project}?updateMask=appId", link)],
            desired={"linked": True},
            view=lambda state: {"linked": bool(state.get("appId"))},
        )
    )
