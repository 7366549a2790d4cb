"""What most services do alike: create, list, update, delete; and how each flag comes out in the API's JSON."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.deploy.fake_google.arguments import Arguments, GcloudError, seconds

NUMBER = "123456789012"
_Reader = Callable[[str], Any]
_Fields = Mapping[str, tuple[str, _Reader]]


def file_of(text: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(Path(text).read_text())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(","))


def _true(_: str) -> bool:
    return True


def _none(_: str) -> None:
    return None


def _http(text: str) -> str:
    """Cloud Scheduler ends an address without a path with a slash."""
    return text if urlsplit(text).path else f"{text}/"


_LABELS: _Fields = {"--labels": ("labels", _pairs), "--update-labels": ("labels", _pairs)}
_USER_LABELS: _Fields = {"--user-labels": ("userLabels", _pairs), "--update-user-labels": ("userLabels", _pairs)}

# kind → flag → (path in the resource, value); "" merges the value into the resource
FIELDS: Mapping[str, _Fields] = {
    "iam service-accounts": {"--description": ("description", str)},
    "iam workload-identity-pools": {
        "--description": ("description", str),
        "--no-disabled": ("disabled", _none),
    },
    "iam workload-identity-pools providers": {
        "--issuer-uri": ("oidc.issuerUri", str),
        "--attribute-mapping": ("attributeMapping", _pairs),
        "--attribute-condition": ("attributeCondition", str),
        "--no-disabled": ("disabled", _none),
    },
    "iam roles": {
        "--title": ("title", str),
        "--description": ("description", str),
        "--permissions": ("includedPermissions", lambda text: text.split(",")),
        "--stage": ("stage", str),
    },
    "storage buckets": {
        **_LABELS,
        "--uniform-bucket-level-access": ("uniform_bucket_level_access", _true),
        "--public-access-prevention": ("public_access_prevention", lambda _: "enforced"),
        "--lifecycle-file": ("lifecycle_config", file_of),
    },
    "artifacts repositories": {
        **_LABELS,
        "--repository-format": ("format", str.upper),
        "--description": ("description", str),
        "--policy": (
            "cleanupPolicies",
            lambda text: {
                one["name"]: {
                    **{key: value for key, value in one.items() if key != "name"},
                    "id": one["name"],
                    "action": one["action"]["type"].upper(),
                }
                for one in file_of(text)
            },
        ),
    },
    "firestore databases": {
        "--location": ("locationId", str),
        "--type": ("type", lambda text: text.upper().replace("-", "_")),
        "--enable-pitr": ("pointInTimeRecoveryEnablement", lambda _: "POINT_IN_TIME_RECOVERY_ENABLED"),
        "--delete-protection": ("deleteProtectionState", lambda _: "DELETE_PROTECTION_ENABLED"),
    },
    "firestore backups schedules": {
        "--retention": ("retention", seconds),
        "--recurrence": ("", lambda text: {f"{text}Recurrence": {}}),
    },
    "firestore indexes fields": {
        "--disable-indexes": ("indexConfig", lambda _: {}),
        "--clear-exemption": ("indexConfig", lambda _: {"usesAncestorConfig": True}),
    },
    "pubsub topics": {**_LABELS, "--message-retention-duration": ("messageRetentionDuration", seconds)},
    "pubsub subscriptions": {
        **_LABELS,
        "--topic": ("topic", str),
        "--message-filter": ("filter", str),
        "--push-endpoint": ("pushConfig.pushEndpoint", str),
        "--push-auth-service-account": ("pushConfig.oidcToken.serviceAccountEmail", str),
        "--push-auth-token-audience": ("pushConfig.oidcToken.audience", str),
        "--clear-push-no-wrapper-config": ("pushConfig.noWrapper", _none),
        "--ack-deadline": ("ackDeadlineSeconds", int),
        "--message-retention-duration": ("messageRetentionDuration", seconds),
        "--no-retain-acked-messages": ("retainAckedMessages", _none),
        "--min-retry-delay": ("retryPolicy.minimumBackoff", seconds),
        "--max-retry-delay": ("retryPolicy.maximumBackoff", seconds),
        "--dead-letter-topic": ("deadLetterPolicy.deadLetterTopic", str),
        "--max-delivery-attempts": ("deadLetterPolicy.maxDeliveryAttempts", int),
        "--expiration-period": ("expirationPolicy", lambda _: {}),
    },
    "secrets": {**_LABELS, "--remove-expiration": ("expireTime", _none)},
    "scheduler jobs": {
        "--description": ("description", str),
        "--schedule": ("schedule", str),
        "--time-zone": ("timeZone", str),
        "--uri": ("httpTarget.uri", _http),
        "--headers": ("httpTarget.headers", _pairs),
        "--update-headers": ("httpTarget.headers", _pairs),
        "--http-method": ("httpTarget.httpMethod", str.upper),
        "--oidc-service-account-email": ("httpTarget.oidcToken.serviceAccountEmail", str),
        "--oidc-token-audience": ("httpTarget.oidcToken.audience", str),
        "--oauth-service-account-email": ("httpTarget.oauthToken.serviceAccountEmail", str),
        "--oauth-token-scope": ("httpTarget.oauthToken.scope", str),
        "--message-body": ("httpTarget.body", lambda text: base64.b64encode(text.encode()).decode()),
        "--attempt-deadline": ("attemptDeadline", seconds),
    },
    "resource-manager liens": {
        "--restrictions": ("restrictions", lambda text: text.split(",")),
        "--origin": ("origin", str),
        "--reason": ("reason", str),
    },
    "logging buckets": {"--retention-days": ("retentionDays", int), "--description": ("description", str)},
    "logging sinks": {
        "--destination": ("destination", str),
        "--log-filter": ("filter", str),
        "--description": ("description", str),
        "--no-disabled": ("disabled", _none),
        "--clear-exclusions": ("exclusions", _none),
    },
    "logging metrics": {"--config-from-file": ("", file_of)},
    "monitoring uptime": {
        **_USER_LABELS,
        "--resource-labels": ("monitoredResource.labels", _pairs),
        "--path": ("httpCheck.path", str),
        "--port": ("httpCheck.port", int),
        "--protocol": ("httpCheck.useSsl", lambda text: text == "https"),
        "--validate-ssl": ("httpCheck.validateSsl", lambda text: text == "true"),
        "--period": ("period", lambda text: f"{int(text) * 60}s"),
        "--timeout": ("timeout", lambda text: f"{text}s"),
    },
    "monitoring policies": {**_USER_LABELS, "--policy-from-file": ("", file_of)},
    "monitoring channels": {**_USER_LABELS, "--channel-labels": ("labels", _pairs), "--enabled": ("enabled", _true)},
    "monitoring dashboards": {"--config-from-file": ("", file_of)},
}

# What Google adds to a new resource.
DEFAULTS: Mapping[str, dict[str, Any]] = {
    "scheduler jobs": {"state": "ENABLED"},
    "logging buckets": {"lifecycleState": "ACTIVE"},
    "monitoring policies": {"enabled": True},
    "monitoring channels": {"enabled": True},
    "iam roles": {"deleted": False},
}


def put(resource: dict[str, Any], kind: str, arguments: Arguments) -> None:
    """Set what a command's flags say, and leave the rest; a file replaces everything."""
    for flag, (path, read) in FIELDS.get(kind, {}).items():
        if not arguments.has(flag):
            continue
        value = read(arguments.get(flag))
        if not path:
            if "file" in flag:
                resource.clear()
            resource.update(value)
            continue
        *parents, last = path.split(".")
        inside = resource
        for key in parents:
            inside = inside.setdefault(key, {})
        if last in {"labels", "userLabels"}:
            value = {**inside.get(last, {}), **value}
        if value is None or value == "":
            inside.pop(last, None)
        else:
            inside[last] = value


def create(state: dict[str, Any], kind: str, name: str, arguments: Arguments) -> None:
    """Create a resource.

    Raises:
        GcloudError: it exists.
    """
    resources = state["kinds"].setdefault(kind, {})
    if name in resources:
        raise GcloudError(f"ALREADY_EXISTS: {kind} {name}")
    resource: dict[str, Any] = {**DEFAULTS.get(kind, {}), "name": _path(state, kind, name)}
    if kind == "iam service-accounts":
        resource["email"] = f"{name}@{state['project']}.iam.gserviceaccount.com"
    if kind == "monitoring uptime":
        resource["displayName"] = name
    path = resource["name"]
    put(resource, kind, arguments)
    resource["name"] = path
    if kind == "monitoring dashboards":
        resource["etag"] = "version 1"
    resources[name] = resource
    if state["lag"].get(kind):
        state["hidden"].setdefault(kind, {})[name] = state["lag"][kind]


def update(state: dict[str, Any], kind: str, name: str, arguments: Arguments) -> None:
    """Update a resource.

    Raises:
        GcloudError: it does not exist, or was changed since it was read.
    """
    resources = state["kinds"].get(kind, {})
    if name not in resources:
        raise GcloudError(f"NOT_FOUND: {kind} {name}")
    resource = resources[name]
    if kind == "monitoring dashboards":
        if file_of(arguments.get("--config-from-file")).get("etag") != resource["etag"]:
            raise GcloudError("Error 400: Update Dashboard should specify a non empty etag")
        resource["etag"] += "+"
    kept = {key: resource[key] for key in ("name", "etag") if key in resource}
    put(resource, kind, arguments)
    resource.update(kept)


def listed(state: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the resources that a list shows: a new one appears after some lists only."""
    hidden = state["hidden"].get(kind, {})
    shown = [resource for name, resource in state["kinds"].get(kind, {}).items() if not hidden.get(name)]
    for name in hidden:
        hidden[name] = max(0, hidden[name] - 1)
    return shown


def _path(state: dict[str, Any], kind: str, name: str) -> str:
    if kind == "storage buckets":
        return name
    if kind == "firestore indexes composite":
        return name
    return f"projects/{state['project']}/{kind.rsplit(maxsplit=1)[-1]}/{name}"
