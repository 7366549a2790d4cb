"""Firebase Hosting: the pages."""

import json
import subprocess
from pathlib import Path

from deploy.deployment import Deployment
from deploy.environment import Environment
from deploy.stage import digest
from topology.functions import ROOT


def hosting(deployment: Deployment) -> None:
    """Publish the pages, unless they are already live."""
    pages = ROOT / "web" / "dist"
    deployment.firebase("Hosting", "hosting", unless=lambda: _is_live(pages, deployment.environment))


def _is_live(pages: Path, environment: Environment) -> bool:
    """Write the pages' fingerprint beside them, and return whether the live site has the same one."""
    file = pages / "version.json"
    file.unlink(missing_ok=True)
    version = json.dumps({"digest": digest(pages, (ROOT / "firebase.json").read_text())})
    file.write_text(version)
    url = f"https://{environment.project}.web.app/{file.name}"
    live = ("curl", "--silent", "--fail", "--max-time", "10", url)
    return subprocess.run(live, check=False, text=True, capture_output=True).stdout == version
