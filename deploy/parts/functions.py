"""Cloud Run: the functions, who may call them, and the jobs that call them on schedule."""

from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.commands import Command, gcloud
from deploy.deployment import STAGE, Deployment
from deploy.environment import Deployed
from deploy.parts.identities import BUILDER, PUSH, SCHEDULER
from deploy.resource import Resource, State, always, by_name, by_value
from deploy.stage import digest, stage
from topology.functions import ROOT


def functions(deployment: Deployment) -> None:
    """Build and deploy every function whose files or settings differ from what runs."""
    look = deployment.listing("run", "services", "list", deployment.region)
    for row in deployment.functions:
        folder = stage(row.name, STAGE / row.name)
        command = _deploy_command(deployment, row, folder)
        fingerprint = digest(folder, *command)
        deploy = (*command[:-1], f"--labels=digest={fingerprint}", command[-1])
        find = _service(row.service)
        deployment.executor.ensure(
            Resource(
                f"function {row.name}",
                look,
                find,
                deploy,
                always(deploy),
                # A revision that fails to start leaves its label anyway; then it is deployed again.
                desired={"metadata": {"labels": {"digest": fingerprint}}, "newest_is_ready": True},
                reread=True,
            )
        )
        # A rollback pins the traffic to a revision; a deployment has to be served.
        serve = gcloud(
            "run",
            "services",
            "update-traffic",
            row.service,
            "--to-latest",
            deployment.region,
            deployment.project,
        )
        deployment.executor.ensure(
            Resource(
                f"traffic of {row.name}",
                look,
                find,
                serve,
                always(serve),
                desired={"spec": {"traffic": [{"latestRevision": True, "percent": 100}]}},
            )
        )


def _deploy_command(deployment: Deployment, row: Deployed, folder: Path) -> Command:
    environment = deployment.environment
    settings = "|".join(f"{name}={value}" for name, value in row.variables(environment).items())
    builder = f"projects/{environment.project}/serviceAccounts/{environment.account(BUILDER)}"
    return gcloud(
        "run",
        "deploy",
        row.service,
        f"--function={row.name}",
        f"--source={folder.relative_to(ROOT)}",
        "--base-image=python313",
        f"--service-account={environment.account(row.service)}",
        f"--build-service-account={builder}",
        f"--memory={row.memory}",
        f"--cpu={row.cpu}",
        f"--concurrency={row.concurrency}",
        f"--timeout={row.timeout_s}s",
        f"--max-instances={row.max_instances}",
        f"--min={environment.warm_instances if row.warm else 0}",
        f"--set-env-vars=^|^{settings}",
        deployment.region,
        deployment.project,
    )


def _service(name: str) -> Callable[[Sequence[State]], State | None]:
    """Find a Cloud Run service, and add whether its newest revision is ready."""

    def find(services: Sequence[State]) -> State | None:
        service = by_value("metadata.name", name)(services)
        if service is None:
            return None
        status = service.get("status", {})
        ready, newest = status.get("latestReadyRevisionName"), status.get("latestCreatedRevisionName")
        return {**service, "newest_is_ready": ready == newest}

    return find


def invokers(deployment: Deployment) -> None:
    """Allow each function's intended callers to invoke it."""
    for row in deployment.functions:
        for member in _callers(deployment, row):
            deployment.grant(("run", "services", row.service), member, "roles/run.invoker", deployment.region)


def _callers(deployment: Deployment, row: Deployed) -> tuple[str, ...]:
    if row.path:
        return ("allUsers",)  # the function itself checks the user's token or Stripe's signature
    if row.subscription:
        return (deployment.member(PUSH),)
    if row.schedule:
        return (deployment.member(SCHEDULER),)
    return deployment.environment.trusted_callers


def jobs(deployment: Deployment) -> None:
    """Call the functions whose row names a schedule (UTC)."""
    for row in deployment.functions:
        if row.schedule:
            _job(deployment, row)


def _job(deployment: Deployment, row: Deployed) -> None:
    environment = deployment.environment
    url, caller = environment.url(row.service), environment.account(SCHEDULER)
    location = f"--location={environment.region}"
    flags = (
        f"--schedule={row.schedule}",
        "--time-zone=Etc/UTC",
        f"--uri={url}/",
        "--http-method=POST",
        f"--oidc-service-account-email={caller}",
        f"--oidc-token-audience={url}",
        f"--attempt-deadline={row.timeout_s}s",
        location,
        deployment.project,
    )
    update = gcloud("scheduler", "jobs", "update", "http", row.service, *flags)
    deployment.executor.ensure(
        Resource(
            f"job {row.service}",
            deployment.listing("scheduler", "jobs", "list", location),
            by_name(row.service),
            gcloud("scheduler", "jobs", "create", "http", row.service, *flags),
            always(update),
            desired={
                "schedule": row.schedule,
                "attemptDeadline": f"{row.timeout_s}s",
                "httpTarget": {
                    "uri": f"{url}/",  # Cloud Scheduler stores it with the slash
                    "httpMethod": "POST",
                    "oidcToken": {"serviceAccountEmail": caller, "audience": url},
                },
            },
        )
    )
