"""Cloud Monitoring: log-based metrics, uptime checks, alert policies with the addresses they notify, the dashboard."""

import json
from typing import Any

from deploy.commands import Command, gcloud
from deploy.deployment import Deployment
from deploy.parts.ground import label_flags
from deploy.resource import LABELS, MARK, Kind, Resource, State, always, at_path, described, labeled, last_part
from topology.functions import ROOT

_MONITORING = ROOT / "monitoring"
_POLICIES = ("alpha", "monitoring", "policies")
_CHANNELS = ("beta", "monitoring", "channels")
_DASHBOARDS = ("monitoring", "dashboards")
_UPTIME = ("monitoring", "uptime")
_METRICS = ("logging", "metrics")


def metrics(deployment: Deployment) -> None:
    """Create the log-based metrics of monitoring/metrics/."""
    kind = Kind(
        "metric",
        deployment.listing(*_METRICS, "list"),
        last_part,
        described(),
        lambda state: gcloud(*_METRICS, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    for source in sorted((_MONITORING / "metrics").glob("*.json")):
        definition = json.loads(source.read_text())
        definition["description"] = f"{definition['description']} {MARK}"
        file = _staged(deployment, f"metric-{source.stem}.json", definition)
        words = (source.stem, f"--config-from-file={file}", deployment.project)
        update = always(gcloud(*_METRICS, "update", *words))
        create = gcloud(*_METRICS, "create", *words)
        desired = {**definition, "disabled": False}
        deployment.executor.ensure(Resource(kind, source.stem, create, update, desired=desired))


def alerts(deployment: Deployment) -> None:
    """Create the alert policies of monitoring/alerts/, and the addresses they notify."""
    channels = [*_channels(deployment), *deployment.environment.alert_channels]
    kind = Kind(
        "alert",
        deployment.listing(*_POLICIES, "list"),
        lambda state: at_path(state, "userLabels.policy"),
        labeled("userLabels"),
        lambda state: gcloud(*_POLICIES, "delete", str(state["name"]), deployment.project),
    )
    deployment.executor.own(kind)
    for source in sorted((_MONITORING / "alerts").glob("*.json")):
        definition = {
            **json.loads(source.read_text()),
            "enabled": True,
            "notificationChannels": channels,
            "userLabels": {**LABELS, "policy": source.stem},
        }
        file = f"--policy-from-file={_staged(deployment, f'alert-{source.stem}.json', definition)}"
        create = gcloud(*_POLICIES, "create", file, deployment.project)

        def update(state: State, file: str = file) -> list[Command]:
            return [gcloud(*_POLICIES, "update", str(state["name"]), file, deployment.project)]

        desired = {**definition, "notificationChannels": frozenset(channels)}
        deployment.executor.ensure(Resource(kind, source.stem, create, update, desired=desired))


def _channels(deployment: Deployment) -> list[str]:
    """Create one notification channel per address, and return their names, which Google assigns."""
    kind = Kind(
        "channel",
        deployment.listing(*_CHANNELS, "list"),
        lambda state: at_path(state, "labels.email_address"),
        labeled("userLabels"),
        lambda state: gcloud(*_CHANNELS, "delete", str(state["name"]), "--force", deployment.project),
    )
    deployment.executor.own(kind)
    names = []
    for address in deployment.environment.alert_emails:
        create = gcloud(
            *_CHANNELS,
            "create",
            "--type=email",
            f"--display-name={address}",
            f"--channel-labels=email_address={address}",
            label_flags("--user-labels"),
            deployment.project,
        )

        def update(state: State) -> list[Command]:
            words = ("update", str(state["name"]), "--enabled", label_flags("--update-user-labels"))
            return [gcloud(*_CHANNELS, *words, deployment.project)]

        desired = {"enabled": True, "userLabels": LABELS}
        state = deployment.executor.ensure(Resource(kind, address, create, update, desired=desired, reread=True))
        names.append(str(state["name"]))
    return names


def dashboard(deployment: Deployment) -> None:
    """Create the dashboard of monitoring/dashboard.json."""
    definition = json.loads((_MONITORING / "dashboard.json").read_text())
    definition["labels"] = {"managed-by": LABELS["managed-by"]}
    kind = Kind(
        "dashboard",
        deployment.listing(*_DASHBOARDS, "list"),
        lambda state: str(state.get("displayName")),
        labeled(),
        lambda state: gcloud(*_DASHBOARDS, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    file = _staged(deployment, "dashboard.json", definition)

    def update(state: State) -> list[Command]:
        # The API takes an update only with the etag of the version that it replaces.
        _staged(deployment, "dashboard-update.json", {**definition, "etag": state.get("etag", "")})
        config = f"--config-from-file={deployment.path(deployment.file('dashboard-update.json'))}"
        return [gcloud(*_DASHBOARDS, "update", last_part(state), config, deployment.project)]

    create = gcloud(*_DASHBOARDS, "create", f"--config-from-file={file}", deployment.project)
    deployment.executor.ensure(Resource(kind, definition["displayName"], create, update, desired=definition))


def uptime(deployment: Deployment) -> None:
    """Ask for the page and the API from several continents every five minutes."""
    kind = Kind(
        "uptime check",
        deployment.listing(*_UPTIME, "list-configs"),
        lambda state: str(state.get("displayName")),
        labeled("userLabels"),
        lambda state: gcloud(*_UPTIME, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    host = deployment.environment.app_base_url.removeprefix("https://")
    for name, path in (("token-economy-page", "/"), ("token-economy-api", "/api/tokens/packages")):
        request = (f"--path={path}", "--port=443", "--validate-ssl=true", "--period=5", "--timeout=10")
        target = f"--resource-labels=host={host},project_id={deployment.environment.project}"
        words = ("create", name, "--resource-type=uptime-url", target, "--protocol=https", *request)

        def update(state: State, request: tuple[str, ...] = request) -> list[Command]:
            labels = label_flags("--update-user-labels")
            return [gcloud(*_UPTIME, "update", last_part(state), *request, labels, deployment.project)]

        deployment.executor.ensure(
            Resource(
                kind,
                name,
                gcloud(*_UPTIME, *words, label_flags("--user-labels"), deployment.project),
                update,
                desired={
                    "httpCheck": {"path": path, "port": 443, "useSsl": True, "validateSsl": True},
                    "period": "300s",
                    "timeout": "10s",
                    "userLabels": LABELS,
                },
                immutable={"monitoredResource": {"labels": {"host": host}}},
            )
        )


def _staged(deployment: Deployment, name: str, definition: dict[str, Any]) -> str:
    """Write a definition to a file that a command reads, and return its path."""
    file = deployment.file(name)
    file.write_text(json.dumps(definition, indent=2))
    return deployment.path(file)
