"""Cloud Run: a deployment merges what its flags name into the service; a revision may fail to start."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.deploy.fake_google.arguments import Arguments, GcloudError

NUMBER = "123456789012"
_Value = Callable[[str], str | None]
_LATEST = {"latestRevision": True, "percent": 100}

# flag → annotation of the service or the template, and the value for the flag's text; None takes the annotation away
_SERVICE: Mapping[str, tuple[str, _Value]] = {
    "--ingress": ("run.googleapis.com/ingress", str),
    "--min": ("run.googleapis.com/minScale", str),
    "--invoker-iam-check": ("run.googleapis.com/invoker-iam-disabled", lambda _: "False"),
    "--no-invoker-iam-check": ("run.googleapis.com/invoker-iam-disabled", lambda _: "True"),
    "--clear-custom-audiences": ("run.googleapis.com/custom-audiences", lambda _: None),
}
_TEMPLATE: Mapping[str, tuple[str, _Value]] = {
    "--max-instances": ("autoscaling.knative.dev/maxScale", str),
    "--min-instances": ("autoscaling.knative.dev/minScale", lambda text: None if text == "default" else text),
    "--cpu-throttling": ("run.googleapis.com/cpu-throttling", lambda _: "true"),
    "--no-session-affinity": ("run.googleapis.com/sessionAffinity", lambda _: None),
    "--clear-cloudsql-instances": ("run.googleapis.com/cloudsql-instances", lambda _: None),
    "--clear-vpc-connector": ("run.googleapis.com/vpc-access-connector", lambda _: None),
    "--clear-network": ("run.googleapis.com/network-interfaces", lambda _: None),
    "--clear-base-image": ("run.googleapis.com/base-images", lambda _: None),
}


def deploy(state: dict[str, Any], arguments: Arguments) -> None:
    services = state["kinds"].setdefault("run services", {})
    name = arguments.words[2]
    is_new = name not in services
    if is_new and arguments.has("--no-traffic"):
        raise GcloudError("--no-traffic not supported when creating a new service.")
    service = services.setdefault(name, _empty(name))
    if not is_new and arguments.has("--no-traffic"):  # what was served stays so, by its name
        ready = service["status"]["latestReadyRevisionName"]
        service["spec"]["traffic"] = [
            {"revisionName": ready, "percent": 100}
            if target.get("latestRevision") and target.get("percent")
            else target
            for target in service["spec"]["traffic"]
        ]
    for flag, (annotation, value_of) in _SERVICE.items():
        _annotate(service["metadata"]["annotations"], arguments, flag, annotation, value_of)
    template = service["spec"]["template"]
    for flag, (annotation, value_of) in _TEMPLATE.items():
        _annotate(template["metadata"]["annotations"], arguments, flag, annotation, value_of)
    _configure(service, template["spec"], arguments)
    revision = f"{name}-{len(state['revisions'].setdefault(name, [])) + 1:05}"
    fails = name in state["broken"]
    commit = service["metadata"]["labels"].get("commit", "")
    state["revisions"][name].insert(0, {"name": revision, "ready": not fails, "commit": commit})
    service["status"]["latestCreatedRevisionName"] = revision
    if arguments.has("--tag"):
        others = [target for target in service["spec"]["traffic"] if target.get("tag") != arguments.get("--tag")]
        service["spec"]["traffic"] = [*others, {"latestRevision": True, "tag": arguments.get("--tag")}]
    if fails:
        raise GcloudError(f"Revision '{revision}' is not ready and cannot serve traffic.")
    service["status"]["latestReadyRevisionName"] = revision


def update_traffic(state: dict[str, Any], arguments: Arguments) -> None:
    service = state["kinds"]["run services"][arguments.words[3]]
    if arguments.has("--to-latest"):
        tags = [] if arguments.has("--clear-tags") else [one for one in service["spec"]["traffic"] if "tag" in one]
        service["spec"]["traffic"] = [dict(_LATEST), *tags]
    else:
        revision, percent = arguments.get("--to-revisions").split("=")
        known = {one["name"]: one["ready"] for one in state["revisions"].get(arguments.words[3], [])}
        if not known.get(revision):
            raise GcloudError(f"Revision '{revision}' is not ready and cannot serve traffic.")
        service["spec"]["traffic"] = [{"revisionName": revision, "percent": int(percent)}]


def _empty(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "annotations": {}, "labels": {}},
        "spec": {
            "template": {"metadata": {"annotations": {}, "labels": {}}, "spec": {"containers": [{}]}},
            "traffic": [dict(_LATEST)],
        },
        "status": {"url": f"https://{name}-{NUMBER}.us-central1.run.app"},
    }


def _annotate(annotations: dict[str, str], arguments: Arguments, flag: str, annotation: str, value_of: _Value) -> None:
    if arguments.has(flag):
        value = value_of(arguments.get(flag))
        if value is None:
            annotations.pop(annotation, None)
        else:
            annotations[annotation] = value


def _configure(service: dict[str, Any], spec: dict[str, Any], arguments: Arguments) -> None:
    container = spec["containers"][0]
    limits = container.setdefault("resources", {}).setdefault("limits", {})
    for flag, inside, key, read in (
        ("--image", container, "image", str),
        ("--memory", limits, "memory", str),
        ("--cpu", limits, "cpu", lambda text: f"{text}000m"),
        ("--service-account", spec, "serviceAccountName", str),
        ("--concurrency", spec, "containerConcurrency", int),
        ("--timeout", spec, "timeoutSeconds", lambda text: int(text.removesuffix("s"))),
    ):
        if arguments.has(flag):
            inside[key] = read(arguments.get(flag))
    for flag, inside, key in (
        ("--command", container, "command"),
        ("--args", container, "args"),
        ("--liveness-probe", container, "livenessProbe"),
        ("--clear-volume-mounts", container, "volumeMounts"),
        ("--clear-volumes", spec, "volumes"),
    ):
        if arguments.has(flag):
            inside.pop(key, None)
    if arguments.has("--set-env-vars"):
        container["env"] = [{"name": k, "value": v} for k, v in arguments.pairs("--set-env-vars").items()]
    service["metadata"]["labels"] |= arguments.pairs("--labels")
