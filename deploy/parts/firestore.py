"""Firestore: the database with its backups, the rules, and the indexes."""

import json
from collections.abc import Iterator
from typing import Any

from deploy.commands import Command, gcloud
from deploy.deployment import Deployment
from deploy.google_cloud import GoogleCloud
from deploy.resource import Kind, Resource, State, always, at_path, last_part
from topology.functions import ROOT

_DATABASE = "--database=(default)"
_PROTECTED = {
    "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
    "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
}
_RULES_API = "https://firebaserules.googleapis.com/v1"
_COMPOSITE = ("firestore", "indexes", "composite")
_FIELDS = ("firestore", "indexes", "fields")


def database(deployment: Deployment) -> None:
    """Create the database; in prod with point-in-time recovery, delete protection and backups."""
    environment = deployment.environment
    words = ("firestore", "databases")
    protection = ("--enable-pitr", "--delete-protection") if environment.protected else ()
    where = (f"--location={environment.database_location}", "--type=firestore-native")
    update = gcloud(*words, "update", _DATABASE, *protection, deployment.project)
    delete = gcloud(*words, "delete", _DATABASE, deployment.project)
    deployment.executor.ensure(
        Resource(
            Kind("Firestore database", deployment.listing(*words, "list"), last_part, delete=lambda _: delete),
            "(default)",
            gcloud(*words, "create", _DATABASE, *where, *protection, deployment.project),
            always(update) if protection else None,
            desired=_PROTECTED if environment.protected else {},
            immutable={"locationId": environment.database_location, "type": "FIRESTORE_NATIVE"},
        )
    )
    if environment.protected:
        _backups(deployment, "daily", days=7)
        _backups(deployment, "weekly", days=98)


def _backups(deployment: Deployment, recurrence: str, *, days: int) -> None:
    words = ("firestore", "backups", "schedules")
    weekday = ("--day-of-week=SUN",) if recurrence == "weekly" else ()
    retention = f"--retention={days}d"

    def key(state: State) -> str | None:
        return next((name for name in ("daily", "weekly") if f"{name}Recurrence" in state), None)

    def update(state: State) -> list[Command]:
        schedule = f"--backup-schedule={last_part(state)}"
        return [gcloud(*words, "update", schedule, _DATABASE, retention, deployment.project)]

    when = (f"--recurrence={recurrence}", *weekday, retention)
    deployment.executor.ensure(
        Resource(
            Kind("backup schedule", deployment.listing(*words, "list", _DATABASE), key),
            recurrence,
            gcloud(*words, "create", _DATABASE, *when, deployment.project),
            update,
            desired={"retention": f"{days * 86_400}s"},
        )
    )


def rules(deployment: Deployment) -> None:
    """Deploy firestore.rules, unless they are live."""
    project = deployment.environment.project

    def are_live(cloud: GoogleCloud) -> bool:
        return _live_rules(cloud, project) == (ROOT / "firestore.rules").read_text()

    command = ("firebase", "deploy", "--only=firestore:rules", deployment.project, "--non-interactive")
    deployment.executor.publish("Firestore rules", command, are_live)


def _live_rules(cloud: GoogleCloud, project: str) -> str | None:
    """Return the rules in force; None if there are none, or if it cannot be known yet."""
    release = cloud.get(f"{_RULES_API}/projects/{project}/releases/cloud.firestore")
    ruleset = release and cloud.get(f"{_RULES_API}/{release['rulesetName']}")
    return "".join(file["content"] for file in ruleset["source"]["files"]) if ruleset else None


def indexes(deployment: Deployment) -> None:
    """Create the indexes and the field overrides of firestore.indexes.json, and wait until they are built."""
    declared = json.loads((ROOT / "firestore.indexes.json").read_text())
    # Another part of the app may keep its own collections in this database.
    ours = {one["collectionGroup"] for one in (*declared["indexes"], *declared["fieldOverrides"])}
    composite = Kind(
        "index",
        deployment.listing(*_COMPOSITE, "list", _DATABASE),
        _index_of_state,
        lambda state: _group(state) in ours,
        lambda state: gcloud(*_COMPOSITE, "delete", last_part(state), _DATABASE, deployment.project),
    )
    deployment.executor.own(composite)
    for index in declared["indexes"]:
        _index(deployment, composite, index)
    fields = Kind(
        "field index",
        deployment.listing(*_FIELDS, "list", _DATABASE),
        _field_of_state,
        lambda state: _group(state) in ours,
        lambda state: _field_command(deployment, _group(state), last_part(state), "--clear-exemption"),
    )
    deployment.executor.own(fields)
    for override in declared["fieldOverrides"]:
        _field(deployment, fields, override)


def _index(deployment: Deployment, kind: Kind, index: dict[str, Any]) -> None:
    fields = [f"--field-config=field-path={one['fieldPath']},order={one['order'].lower()}" for one in index["fields"]]
    create = gcloud(
        *_COMPOSITE,
        "create",
        _DATABASE,
        f"--collection-group={index['collectionGroup']}",
        f"--query-scope={index['queryScope'].lower().replace('_', '-')}",
        *fields,
        deployment.project,
    )
    name = _index_name(index["collectionGroup"], index["fields"])
    # The functions' queries fail until their indexes are built.
    hint = "Wait until it is built; if it needs repair, delete it and run this again."
    deployment.executor.ensure(Resource(kind, name, create, desired={"state": "READY"}, hint=hint))


def _index_name(group: str, fields: list[dict[str, str]]) -> str:
    parts = (f"{one['fieldPath']} {one.get('order', one.get('arrayConfig', '')).lower()}" for one in fields)
    return f"{group}({', '.join(parts)})"


def _group(state: State) -> str:
    return str(state.get("name", "")).partition("/collectionGroups/")[2].partition("/")[0]


def _index_of_state(state: State) -> str | None:
    # Google adds the document's name to every index.
    return _index_name(_group(state), [one for one in state.get("fields", []) if one["fieldPath"] != "__name__"])


def _field(deployment: Deployment, kind: Kind, override: dict[str, Any]) -> None:
    """Give a field exactly these single-field indexes; none exempts it from indexing."""
    group, field = override["collectionGroup"], override["fieldPath"]
    flags = [f"--index={','.join(_index_settings(one))}" for one in override["indexes"]] or ["--disable-indexes"]
    command = _field_command(deployment, group, field, *flags)
    desired = {"indexes": frozenset(",".join(_index_settings(one)) for one in override["indexes"])}
    deployment.executor.ensure(
        Resource(kind, f"{group}.{field}", command, always(command), desired=desired, view=_field_indexes)
    )


def _index_settings(index: dict[str, str]) -> Iterator[str]:
    """Return a single-field index as gcloud's flag has it, from firestore.indexes.json or from what Google prints."""
    if "order" in index:
        yield f"order={index['order'].lower()}"
    if "arrayConfig" in index:
        yield f"array-config={index['arrayConfig'].lower()}"
    if index["queryScope"] != "COLLECTION":  # gcloud's flag can only say that
        yield f"query-scope={index['queryScope'].lower()}"


def _field_indexes(state: State) -> dict[str, Any]:
    indexes = at_path(state, "indexConfig.indexes") or []
    return {"indexes": frozenset(",".join(_index_settings({**one, **one["fields"][0]})) for one in indexes)}


def _field_command(deployment: Deployment, group: str, field: str, *flags: str) -> Command:
    return gcloud(*_FIELDS, "update", field, _DATABASE, f"--collection-group={group}", *flags, deployment.project)


def _field_of_state(state: State) -> str | None:
    group, _, field = str(state.get("name", "")).partition("/collectionGroups/")[2].partition("/fields/")
    return f"{group}.{field}"
