"""The functions on Cloud Run: deployed beside what is served, tested, then served; who may call them; their jobs."""

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.environment import SCHEDULER
from deploy.parts.exports import JOB as EXPORT_JOB
from deploy.parts.image import image
from deploy.parts.services import (
    CANDIDATE,
    IMMUTABLE,
    SERVED,
    deploy_command,
    desired,
    name_of,
    services,
    services_elsewhere,
    traffic,
    view,
)
from deploy.resource import MARK, Kind, Resource, State, always, at_path, described, last_part
from topology.functions import Function


def functions(deployment: Deployment) -> None:
    """Deploy every function that differs, test it beside the one that is served, then serve it.

    Those that judge a purchase are served before those that sell: after a change of prices, no purchase at the new
    terms reaches a function that does not know them.
    """
    address = image(deployment)
    kind = services(deployment)
    deployment.executor.own(kind)
    deployment.executor.own(services_elsewhere(deployment))
    rows = sorted(deployment.functions, key=lambda row: row.sells)
    candidates = []
    for row in rows:
        beside = ("--no-traffic", f"--tag={CANDIDATE}")
        state = deployment.executor.ensure(
            Resource(
                kind,
                row.service,
                deploy_command(deployment, row, address),
                always(deploy_command(deployment, row, address, *beside)),
                desired=desired(deployment, row, address),
                view=view,
                immutable=IMMUTABLE,
                reread=True,
            )
        )
        if row.path and _is_candidate(state):
            candidates.append(row.service)
    if candidates:
        template = f"https://{CANDIDATE}---{{}}-{deployment.environment.number}.{deployment.environment.region}.run.app"
        command = ("./smoke_test.sh", "--candidates", template, *candidates)
        deployment.executor.verify("new revisions, before they are served", command)
    serving = Kind("traffic of", kind.look, name_of)
    for row in rows:
        words = ("run", "services", "update-traffic", row.service, "--to-latest", "--clear-tags")
        serve = gcloud(*words, deployment.region, deployment.project)
        resource = Resource(serving, row.service, serve, always(serve), desired=SERVED, view=traffic)
        deployment.executor.ensure(resource)


def _is_candidate(state: State) -> bool:
    """Return whether the newest revision waits for its test; a dry run, which knows no state, prints the test."""
    targets = at_path(state, "spec.traffic")
    return targets is None or any(target.get("tag") == CANDIDATE for target in targets)


def invokers(deployment: Deployment) -> None:
    """Allow exactly each function's intended callers to invoke it."""
    for row in deployment.functions:
        callers = {"roles/run.invoker": set(deployment.environment.invokers(row))}
        deployment.ensure_policy(("run", "services", row.service), callers, deployment.region)


def jobs(deployment: Deployment) -> None:
    """Call the functions whose row names a schedule (UTC)."""
    words = ("scheduler", "jobs")
    kind = Kind(
        "job",
        deployment.listing(*words, "list", deployment.location),
        lambda state: name if (name := last_part(state)) != EXPORT_JOB else None,
        described(),
        lambda state: gcloud(*words, "delete", last_part(state), deployment.location, deployment.project),
    )
    deployment.executor.own(kind)
    for row in deployment.functions:
        if row.schedule:
            _job(deployment, kind, row)


def _job(deployment: Deployment, kind: Kind, row: Function) -> None:
    environment = deployment.environment
    url, caller = environment.url(row.service), environment.account(SCHEDULER)
    description = f"Calls {row.name}. {MARK}"
    flags = (
        f"--description={description}",
        f"--schedule={row.schedule}",
        "--time-zone=Etc/UTC",
        f"--uri={url}/",
        "--http-method=POST",
        f"--oidc-service-account-email={caller}",
        f"--oidc-token-audience={url}",
        f"--attempt-deadline={row.timeout_s}s",
        deployment.location,
        deployment.project,
    )
    update = gcloud("scheduler", "jobs", "update", "http", row.service, *flags)
    resume = gcloud("scheduler", "jobs", "resume", row.service, deployment.location, deployment.project)
    deployment.executor.ensure(
        Resource(
            kind,
            row.service,
            gcloud("scheduler", "jobs", "create", "http", row.service, *flags),
            lambda state: [update, resume] if state.get("state") == "PAUSED" else [update],
            desired={
                "description": description,
                "schedule": row.schedule,
                "timeZone": "Etc/UTC",
                "attemptDeadline": f"{row.timeout_s}s",
                "state": "ENABLED",
                "httpTarget": {
                    "uri": f"{url}/",  # Cloud Scheduler stores it with the slash
                    "httpMethod": "POST",
                    "oidcToken": {"serviceAccountEmail": caller, "audience": url},
                },
            },
        )
    )
