"""Exports of the database to a bucket of another project, where nobody who may delete the database may delete them."""

import base64
import json

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.parts.identities import EXPORTER
from deploy.resource import MARK, Kind, Resource, State, described, last_part

JOB = "export-database"
_JOBS = ("scheduler", "jobs")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def exports(deployment: Deployment) -> None:
    """Export the database by schedule, if the environment names a bucket."""
    kind = Kind(
        "export job",
        deployment.listing(*_JOBS, "list", deployment.location),
        lambda state: JOB if last_part(state) == JOB else None,
        described(),
        lambda _: gcloud(*_JOBS, "delete", JOB, deployment.location, deployment.project),
    )
    deployment.executor.own(kind)
    if deployment.environment.export_bucket:
        _job(deployment, kind)


def _job(deployment: Deployment, kind: Kind) -> None:
    environment = deployment.environment
    url = f"https://firestore.googleapis.com/v1/projects/{environment.project}/databases/(default):exportDocuments"
    body = json.dumps({"outputUriPrefix": f"gs://{environment.export_bucket}"})
    exporter = environment.account(EXPORTER)
    description = f"Exports the database to another project. {MARK}"
    flags = (
        f"--description={description}",
        f"--schedule={environment.export_schedule}",
        "--time-zone=Etc/UTC",
        f"--uri={url}",
        "--http-method=POST",
        f"--message-body={body}",
        f"--oauth-service-account-email={exporter}",
        f"--oauth-token-scope={_SCOPE}",
        "--attempt-deadline=180s",
        deployment.location,
        deployment.project,
    )
    header = "Content-Type=application/json"
    update = gcloud(*_JOBS, "update", "http", JOB, *flags, f"--update-headers={header}")
    resume = gcloud(*_JOBS, "resume", JOB, deployment.location, deployment.project)

    def updates(state: State) -> list[tuple[str, ...]]:
        return [update, resume] if state.get("state") == "PAUSED" else [update]

    deployment.executor.ensure(
        Resource(
            kind,
            JOB,
            gcloud(*_JOBS, "create", "http", JOB, *flags, f"--headers={header}"),
            updates,
            desired={
                "description": description,
                "schedule": environment.export_schedule,
                "timeZone": "Etc/UTC",
                "state": "ENABLED",
                "attemptDeadline": "180s",
                "httpTarget": {
                    "uri": url,
                    "httpMethod": "POST",
                    "body": base64.b64encode(body.encode()).decode(),
                    "oauthToken": {"serviceAccountEmail": exporter, "scope": _SCOPE},
                },
            },
        )
    )
