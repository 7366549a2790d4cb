"""Logs of money: a log bucket of its own that keeps them for years, and the sink that fills it."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.resource import MARK, OWNER, Kind, Resource, State, described, last_part

NAME = f"{OWNER}-audit"
_BUCKETS = ("logging", "buckets")
_SINKS = ("logging", "sinks")


def logs(deployment: Deployment) -> None:
    """Keep every event that the functions log for as long as the environment says, not only for 30 days."""
    kind = Kind(
        "log sink",
        deployment.listing(*_SINKS, "list"),
        last_part,
        described(),
        lambda state: gcloud(*_SINKS, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    if deployment.environment.audit_log_days:
        _bucket(deployment)
        _sink(deployment, kind)


def _bucket(deployment: Deployment) -> None:
    """Without a deletion: what the bucket holds outlives a setting."""
    days = deployment.environment.audit_log_days
    description = f"What happened to money. {MARK}"
    kind = Kind("log bucket", deployment.listing(*_BUCKETS, "list"), last_part)
    flags = (NAME, f"--retention-days={days}", f"--description={description}", deployment.location, deployment.project)

    def update(state: State) -> list[tuple[str, ...]]:
        where = (deployment.location, deployment.project)
        deleted = state.get("lifecycleState") == "DELETE_REQUESTED"
        undelete = [gcloud(*_BUCKETS, "undelete", NAME, *where)] if deleted else []
        return [*undelete, gcloud(*_BUCKETS, "update", *flags)]

    deployment.executor.ensure(
        Resource(
            kind,
            NAME,
            gcloud(*_BUCKETS, "create", *flags),
            update,
            desired={"retentionDays": days, "description": description, "lifecycleState": "ACTIVE"},
        )
    )


def _sink(deployment: Deployment, kind: Kind) -> None:
    environment = deployment.environment
    path = f"projects/{environment.project}/locations/{environment.region}/buckets/{NAME}"
    destination = f"logging.googleapis.com/{path}"
    condition = sink_filter([row.service for row in deployment.functions])
    description = f"Events of the functions. {MARK}"
    sink = (NAME, destination, f"--log-filter={condition}", f"--description={description}")
    update = gcloud(*_SINKS, "update", *sink, "--no-disabled", "--clear-exclusions", deployment.project)
    deployment.executor.ensure(
        Resource(
            kind,
            NAME,
            gcloud(*_SINKS, "create", *sink, deployment.project),
            lambda _: [update],
            desired={
                "destination": destination,
                "filter": condition,
                "description": description,
                "disabled": False,
                "exclusions": [],
            },
        )
    )


def sink_filter(services: list[str]) -> str:
    """Return the filter of the records to keep: those of our functions that name an event."""
    names = " OR ".join(f'"{name}"' for name in sorted(services))
    return f'resource.type="cloud_run_revision" AND resource.labels.service_name=({names}) AND jsonPayload.event!=""'
