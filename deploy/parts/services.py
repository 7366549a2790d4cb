"""Cloud Run services: what each function's service must be, and how gcloud says so."""

from collections.abc import Mapping
from typing import Any

from deploy.commands import Command, gcloud
from deploy.deployment import Deployment
from deploy.resource import LABELS, Exact, Kind, State, at_path, labeled
from topology.functions import Function

CANDIDATE = "candidate"
"""The traffic tag under which a new revision is tested before it is served."""

_SERVICE = "metadata.annotations"
_TEMPLATE = "spec.template.metadata.annotations"

# Deployed without these, a service keeps what somebody set by hand.
_RESET = (
    "--port=8080",
    "--no-use-http2",
    "--command",
    "",
    "--args",
    "",
    "--startup-probe",
    "",
    "--liveness-probe",
    "",
    "--cpu-throttling",
    "--cpu-boost",
    "--no-session-affinity",
    "--min-instances=default",
    "--clear-secrets",
    "--clear-volumes",
    "--clear-volume-mounts",
    "--clear-cloudsql-instances",
    "--clear-vpc-connector",
    "--clear-network",
    "--clear-custom-audiences",
    "--clear-base-image",
)


def services(deployment: Deployment) -> Kind:
    """Return the kind of Cloud Run services in the environment's region."""
    return Kind(
        "function",
        deployment.listing("run", "services", "list", deployment.region),
        name_of,
        labeled("metadata.labels"),
        lambda state: gcloud("run", "services", "delete", str(name_of(state)), deployment.region, deployment.project),
    )


def services_elsewhere(deployment: Deployment) -> Kind:
    """Return the kind of services in other regions: a change of the region leaves them running, and callable."""

    def region(state: State) -> str:
        return str((at_path(state, "metadata.labels") or {}).get("cloud.googleapis.com/location", ""))

    def key(state: State) -> str | None:
        elsewhere = region(state) not in ("", deployment.environment.region)
        return f"{name_of(state)} in {region(state)}" if elsewhere else None

    def delete(state: State) -> Command:
        where = f"--region={region(state) or 'REGION'}"
        return gcloud("run", "services", "delete", str(name_of(state)), where, deployment.project)

    look = deployment.listing("run", "services", "list")
    return Kind("stray function", look, key, labeled("metadata.labels"), delete)


def name_of(state: State) -> str | None:
    """Return the name of a listed service."""
    name = at_path(state, "metadata.name")
    return None if name is None else str(name)


def deploy_command(deployment: Deployment, row: Function, image: str, *traffic: str) -> Command:
    """Return the command that deploys a function's image with all that its row says, and resets everything else."""
    environment = deployment.environment
    variables = "|".join(f"{name}={value}" for name, value in environment.variables(row).items())
    labels = {**LABELS, "commit": deployment.commit}
    return gcloud(
        "run",
        "deploy",
        row.service,
        f"--image={image}",
        f"--service-account={environment.account(row.service)}",
        f"--memory={row.memory}",
        f"--cpu={row.cpu}",
        f"--concurrency={row.concurrency}",
        f"--timeout={row.timeout_s}s",
        f"--min={warm_instances(deployment, row)}",
        f"--max-instances={row.max_instances}",
        f"--ingress={row.ingress}",
        # A function with a path checks the user's token or Stripe's signature itself. Saying so for each, every time,
        # closes what somebody opened by hand.
        "--no-invoker-iam-check" if row.path else "--invoker-iam-check",
        f"--set-env-vars=^|^{variables}",
        f"--labels={','.join(f'{key}={value}' for key, value in labels.items())}",
        *_RESET,
        *traffic,
        deployment.region,
        deployment.project,
    )


def desired(deployment: Deployment, row: Function, image: str) -> Mapping[str, Any]:
    """Return what `view` shows of a service that is as it must be."""
    return {
        "image": image,
        "environment": Exact(deployment.environment.variables(row)),
        "account": deployment.environment.account(row.service),
        "memory": row.memory,
        "cpu": str(row.cpu),
        "concurrency": row.concurrency,
        "timeout_s": row.timeout_s,
        "min_instances": warm_instances(deployment, row),
        "max_instances": row.max_instances,
        "ingress": row.ingress,
        "public": bool(row.path),
        "labels": LABELS,
        "set_by_hand": Exact(),
        "newest_revision_is_ready": True,
    }


def view(state: State) -> Mapping[str, Any]:
    """Return the state of a service that matters, by plain names."""
    containers = at_path(state, "spec.template.spec.containers") or [{}]
    container = containers[0]
    limits = at_path(container, "resources.limits") or {}
    variables = container.get("env", [])
    return {
        "image": container.get("image"),
        "environment": {one["name"]: one.get("value", one.get("valueFrom", "")) for one in variables},
        "account": at_path(state, "spec.template.spec.serviceAccountName"),
        "memory": limits.get("memory"),
        "cpu": _cpus(limits.get("cpu")),
        "concurrency": at_path(state, "spec.template.spec.containerConcurrency"),
        "timeout_s": at_path(state, "spec.template.spec.timeoutSeconds"),
        "min_instances": _number(_annotation(state, _SERVICE, "run.googleapis.com/minScale")),
        "max_instances": _number(_annotation(state, _TEMPLATE, "autoscaling.knative.dev/maxScale")),
        "ingress": _annotation(state, _SERVICE, "run.googleapis.com/ingress") or "all",
        "public": str(_annotation(state, _SERVICE, "run.googleapis.com/invoker-iam-disabled")).lower() == "true",
        "labels": at_path(state, "metadata.labels"),
        "set_by_hand": _set_by_hand(state, container),
        "more_containers": [one.get("name") for one in containers[1:]],
        "newest_revision_is_ready": is_ready(state),
    }


def _set_by_hand(state: State, container: State) -> dict[str, Any]:
    """Return what no row ever sets."""
    template = {
        "autoscaling.knative.dev/minScale": "revision's minimum of instances",
        "run.googleapis.com/cloudsql-instances": "Cloud SQL",
        "run.googleapis.com/network-interfaces": "network",
        "run.googleapis.com/vpc-access-connector": "VPC connector",
        "run.googleapis.com/sessionAffinity": "session affinity",
        "run.googleapis.com/base-images": "base image",
    }
    found: dict[str, Any] = {
        text: value
        for key, text in template.items()
        if (value := _annotation(state, _TEMPLATE, key)) not in (None, "false")
    }
    found |= {
        "always-on CPU": _annotation(state, _TEMPLATE, "run.googleapis.com/cpu-throttling") == "false",
        "custom audiences": _annotation(state, _SERVICE, "run.googleapis.com/custom-audiences"),
        "address switched off": _annotation(state, _SERVICE, "run.googleapis.com/default-url-disabled")
        in ("true", "True"),
        "command": container.get("command"),
        "arguments": container.get("args"),
        "liveness probe": container.get("livenessProbe"),
        "mounts": container.get("volumeMounts"),
        "volumes": at_path(state, "spec.template.spec.volumes"),
    }
    return {text: value for text, value in found.items() if value}


def traffic(state: State) -> Mapping[str, Any]:
    """Return where a service's traffic goes."""
    return {"traffic": at_path(state, "spec.traffic")}


IMMUTABLE: Mapping[str, Any] = {"more_containers": None}
"""What no flag of gcloud's deploy command can undo."""

SERVED = {"traffic": [Exact({"latestRevision": True, "percent": 100})]}
"""The traffic of a service whose newest revision is served, without any tag."""


def is_ready(state: State) -> bool:
    """Return whether a service's newest revision has started."""
    status = state.get("status") or {}
    return status.get("latestReadyRevisionName") == status.get("latestCreatedRevisionName")


def warm_instances(deployment: Deployment, row: Function) -> int:
    """Return how many instances of a function always run."""
    return deployment.environment.warm_instances if row.warm else 0


def _annotation(state: State, path: str, name: str) -> str | None:
    # The names have dots in them.
    value = (at_path(state, path) or {}).get(name)
    return None if value is None else str(value)


def _number(text: str | None) -> int:
    return int(text or 0)


def _cpus(text: object) -> str:
    """Return CPUs as gcloud takes them; Google prints one as 1 or as 1000m."""
    value = str(text)
    return str(int(value[:-1]) // 1000) if value.endswith("000m") else value
