"""Firebase Hosting: the pages."""

import json

from deploy.deployment import Deployment
from deploy.google_cloud import GoogleCloud
from deploy.stage import digest
from topology.functions import ROOT


def hosting(deployment: Deployment) -> None:
    """Publish the pages, unless they are live."""
    pages = ROOT / "web" / "dist"
    page = f"https://{deployment.environment.project}.web.app/version.json"

    def are_live(cloud: GoogleCloud) -> bool:
        """Write the pages' fingerprint beside them, and compare it with the live one."""
        if not pages.is_dir():
            return False
        file = pages / "version.json"
        file.unlink(missing_ok=True)
        version = json.dumps({"digest": digest(pages, (ROOT / "firebase.json").read_text())})
        file.write_text(version)
        return cloud.fetch(page) == version

    command = ("firebase", "deploy", "--only=hosting", deployment.project, "--non-interactive")
    deployment.executor.publish("the pages", command, are_live)
