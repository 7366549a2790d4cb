"""Firestore's indexes: Google names them, and adds the document's name to each."""

from typing import Any

from tests.deploy.fake_google.arguments import Arguments


def create(state: dict[str, Any], arguments: Arguments) -> None:
    indexes = state["kinds"].setdefault("firestore indexes composite", {})
    fields = []
    for text in arguments.flags["--field-config"]:
        pairs = dict(pair.split("=") for pair in text.split(","))
        fields.append({"fieldPath": pairs["field-path"], "order": pairs["order"].upper()})
    fields.append({"fieldPath": "__name__", "order": fields[-1]["order"]})
    name = f"CICAg{len(indexes)}"
    group = f"projects/{state['project']}/databases/(default)/collectionGroups/{arguments.get('--collection-group')}"
    indexes[name] = {
        "name": f"{group}/indexes/{name}",
        "queryScope": arguments.get("--query-scope").upper().replace("-", "_"),
        "fields": fields,
        "state": "READY",
    }


def override(state: dict[str, Any], arguments: Arguments) -> None:
    group, field = arguments.get("--collection-group"), arguments.words[-1]
    overrides = state["kinds"].setdefault("firestore indexes fields", {})
    if arguments.has("--clear-exemption"):
        overrides.pop(f"{group}.{field}")
        return
    indexes = []
    for text in arguments.flags.get("--index", []):
        pairs = dict(pair.split("=") for pair in text.split(","))
        fields = [{"fieldPath": field, "order": pairs["order"].upper()}]
        indexes.append({"queryScope": "COLLECTION", "fields": fields, "state": "READY"})
    path = f"projects/{state['project']}/databases/(default)/collectionGroups/{group}/fields/{field}"
    overrides[f"{group}.{field}"] = {"name": path, "indexConfig": {"indexes": indexes} if indexes else {}}
