"""Cloud Monitoring: log-based metrics, alert policies with their notification channels, and the dashboard."""

import json
from pathlib import Path

from deploy.commands import Command, gcloud
from deploy.deployment import STAGE, Deployment
from deploy.resource import Resource, State, always, by_name, by_value, last_part
from deploy.stage import digest
from topology.functions import ROOT

_MONITORING = ROOT / "monitoring"
_POLICIES = ("alpha", "monitoring", "policies")
_CHANNELS = ("beta", "monitoring", "channels")
_DASHBOARDS = ("monitoring", "dashboards")


def metrics(deployment: Deployment) -> None:
    """Create the log-based metrics of monitoring/metrics/."""
    look = deployment.listing("logging", "metrics", "list")
    for file in sorted((_MONITORING / "metrics").glob("*.json")):
        words = (file.stem, f"--config-from-file={file.relative_to(ROOT)}", deployment.project)
        update = gcloud("logging", "metrics", "update", *words)
        deployment.executor.ensure(
            Resource(
                f"metric {file.stem}",
                look,
                by_name(file.stem),
                gcloud("logging", "metrics", "create", *words),
                always(update),
                desired=json.loads(file.read_text()),
            )
        )


def alerts(deployment: Deployment) -> None:
    """Create the alert policies of monitoring/alerts/, and the addresses they notify."""
    channels = [_channel(deployment, address) for address in deployment.environment.alert_emails]
    for file in sorted((_MONITORING / "alerts").glob("*.yaml")):
        _alert(deployment, file, ",".join(channels))


def _alert(deployment: Deployment, file: Path, channels: str) -> None:
    labels = {"policy": file.stem, "digest": digest(file, *deployment.environment.alert_emails)}
    label_pairs = ",".join(f"{key}={value}" for key, value in labels.items())
    policy = (f"--policy-from-file={file.relative_to(ROOT)}", deployment.project)
    notify = (f"--notification-channels={channels}",) if channels else ()
    notify_instead = f"--set-notification-channels={channels}" if channels else "--clear-notification-channels"

    def update(existing: State) -> Command:
        labeled = f"--update-user-labels={label_pairs}"
        return gcloud(*_POLICIES, "update", existing["name"], *policy, labeled, notify_instead)

    deployment.executor.ensure(
        Resource(
            f"alert {file.stem}",
            deployment.listing(*_POLICIES, "list"),
            by_value("userLabels.policy", file.stem),
            gcloud(*_POLICIES, "create", *policy, f"--user-labels={label_pairs}", *notify),
            update,
            desired={"userLabels": labels},
        )
    )


def _channel(deployment: Deployment, address: str) -> str:
    """Return the name of the channel that notifies an address."""
    channel = deployment.executor.ensure(
        Resource(
            f"channel {address}",
            deployment.listing(*_CHANNELS, "list"),
            by_value("labels.email_address", address),
            gcloud(
                *_CHANNELS,
                "create",
                "--type=email",
                f"--display-name={address}",
                f"--channel-labels=email_address={address}",
                deployment.project,
            ),
            reread=True,
        )
    )
    return str(channel["name"])


def dashboard(deployment: Deployment) -> None:
    """Create the dashboard of monitoring/dashboard.json."""
    source = _MONITORING / "dashboard.json"
    staged = STAGE / "dashboard.json"
    staged.parent.mkdir(parents=True, exist_ok=True)
    definition = json.loads(source.read_text())
    definition["labels"] = {"digest": digest(source)}
    config = f"--config-from-file={staged.relative_to(ROOT)}"

    def update(existing: State) -> Command:
        # The API takes an update only with the etag of the version that it replaces.
        staged.write_text(json.dumps({**definition, "etag": existing.get("etag", "")}, indent=2))
        return gcloud(*_DASHBOARDS, "update", last_part(existing), config, deployment.project)

    staged.write_text(json.dumps(definition, indent=2))
    deployment.executor.ensure(
        Resource(
            "dashboard",
            deployment.listing(*_DASHBOARDS, "list"),
            by_value("displayName", definition["displayName"]),
            gcloud(*_DASHBOARDS, "create", config, deployment.project),
            update,
            desired={"labels": definition["labels"]},
        )
    )
