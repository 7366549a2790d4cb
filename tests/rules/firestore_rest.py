"""Firestore as a client sees it: its REST API, under the rules, with a user's token or none."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

Fields = Mapping[str, object]

_SERVER = {"Authorization": "Bearer owner"}  # the emulator's way in for a server


@dataclass(frozen=True)
class RestClient:
    """One user's access, or that of somebody signed out when `uid` is None.

    `claims` are in the ID token beside the uid. Every method returns the HTTP status.
    """

    http: httpx.Client
    emulator: str
    project: str
    uid: str | None
    claims: Mapping[str, object] = field(default_factory=dict)

    def as_user(self, uid: str | None, claims: Mapping[str, object] | None = None) -> "RestClient":
        return replace(self, uid=uid, claims=claims or {})

    def get(self, path: str) -> int:
        return self._ask("GET", path)

    def list_documents(self, collection: str, **parameters: str | int) -> int:
        return self._ask("GET", collection, params=parameters)

    def create(self, path: str, fields: Fields) -> int:
        collection, document = path.rsplit("/", 1)
        return self._ask("POST", collection, params={"documentId": document}, json=_document(fields))

    def overwrite(self, path: str, fields: Fields) -> int:
        """Replace the whole document, or create it."""
        return self._ask("PATCH", path, json=_document(fields))

    def update(self, path: str, fields: Fields, *, removing: Iterable[str] = ()) -> int:
        """Set these fields, remove those, leave the others."""
        mask = [("updateMask.fieldPaths", name) for name in (*fields, *removing)]
        return self._ask("PATCH", path, params=mask, json=_document(fields))

    def delete(self, path: str) -> int:
        return self._ask("DELETE", path)

    def transform(self, path: str, **transform: object) -> int:
        """Commit one field transform, such as fieldPath="tokenBalance", increment={"integerValue": "1"}."""
        write = {"transform": {"document": self._name(path), "fieldTransforms": [transform]}}
        return self._ask("POST", ":commit", json={"writes": [write]})

    def commit(self, *writes: tuple[str, Fields]) -> int:
        """Write several whole documents at once."""
        updates = [{"update": {"name": self._name(path), **_document(fields)}} for path, fields in writes]
        return self._ask("POST", ":commit", json={"writes": updates})

    def query(self, collection: str, *filters: Fields, **clauses: object) -> int:
        return self._ask("POST", ":runQuery", json={"structuredQuery": _query(collection, filters, clauses)})

    def query_group(self, collection: str, *filters: Fields, **clauses: object) -> int:
        """Query every collection of this name, however deep."""
        query = _query(collection, filters, clauses)
        query["from"] = [{"collectionId": collection, "allDescendants": True}]
        return self._ask("POST", ":runQuery", json={"structuredQuery": query})

    def found(self, collection: str, *filters: Fields, **clauses: object) -> list[str]:
        """Return the ids of the documents that an allowed query finds."""
        query = {"structuredQuery": _query(collection, filters, clauses)}
        answer = self._send("POST", ":runQuery", json=query)
        answer.raise_for_status()
        return [row["document"]["name"].rsplit("/", 1)[1] for row in answer.json() if "document" in row]

    def count(self, collection: str, *filters: Fields, **clauses: object) -> int:
        counting = {
            "structuredQuery": _query(collection, filters, clauses),
            "aggregations": [{"alias": "number", "count": {}}],
        }
        return self._ask("POST", ":runAggregationQuery", json={"structuredAggregationQuery": counting})

    def _ask(self, method: str, path: str, **request: Any) -> int:  # noqa: ANN401 - whatever httpx takes
        return self._send(method, path, **request).status_code

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - whatever httpx takes
        token = _unsigned_token(self.uid, self.project, self.claims) if self.uid else None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        root = f"http://{self.emulator}/v1/projects/{self.project}/databases/(default)/documents"
        separator = "" if path.startswith(":") else "/"
        return self.http.request(method, f"{root}{separator}{path}", headers=headers, **request)

    def _name(self, path: str) -> str:
        return f"projects/{self.project}/databases/(default)/documents/{path}"


def documents_of(client: RestClient) -> dict[str, object]:
    """Return every document of the database, read with a server's rights."""
    root = f"http://{client.emulator}/v1/projects/{client.project}/databases/(default)/documents"
    everything = {"structuredQuery": {"from": [{"allDescendants": True}]}}
    answer = client.http.post(f"{root}:runQuery", json=everything, headers=_SERVER)
    answer.raise_for_status()
    return {row["document"]["name"]: row["document"] for row in answer.json() if "document" in row}


def seed(http: httpx.Client, emulator: str, project: str, documents: Mapping[str, Fields]) -> None:
    """Write documents with a server's rights."""
    root = f"projects/{project}/databases/(default)/documents"
    writes = [{"update": {"name": f"{root}/{path}", **_document(fields)}} for path, fields in documents.items()]
    http.post(f"http://{emulator}/v1/{root}:commit", json={"writes": writes}, headers=_SERVER).raise_for_status()


def load_rules(http: httpx.Client, emulator: str, project: str, rules: str) -> bool:
    """Put a project of the emulator under these rules; return False when they do not compile.

    Source: https://firebase.google.com/docs/emulator-suite/connect_firestore
    """
    body = {"rules": {"files": [{"name": "firestore.rules", "content": rules}]}}
    answer = http.put(f"http://{emulator}/emulator/v1/projects/{project}:securityRules", json=body)
    if answer.status_code == httpx.codes.BAD_REQUEST:
        return False
    answer.raise_for_status()
    return True


def where(path: str, value: str) -> Fields:
    """Return the filter that a field equals a text."""
    return {"fieldFilter": {"field": {"fieldPath": path}, "op": "EQUAL", "value": _value(value)}}


def newest_first(path: str) -> list[Fields]:
    return [{"field": {"fieldPath": path}, "direction": "DESCENDING"}]


def _query(collection: str, filters: Iterable[Fields], clauses: Fields) -> dict[str, object]:
    all_of = {"compositeFilter": {"op": "AND", "filters": list(filters)}}
    return {"from": [{"collectionId": collection}], **({"where": all_of} if filters else {}), **clauses}


def _document(fields: Fields) -> dict[str, object]:
    return {"fields": {name: _value(value) for name, value in fields.items()}}


def _value(value: object) -> Fields:
    if isinstance(value, dict):
        return {"mapValue": _document(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(element) for element in value]}}
    if isinstance(value, datetime):
        return {"timestampValue": value.isoformat()}
    kinds = {type(None): "nullValue", bool: "booleanValue", int: "integerValue", str: "stringValue"}
    return {kinds[type(value)]: str(value) if type(value) is int else value}


def _unsigned_token(uid: str, project: str, extra: Mapping[str, object]) -> str:
    """Return an ID token as the emulators accept it.

    Source: https://firebase.google.com/docs/emulator-suite/connect_auth
    """
    header = {"alg": "none", "type": "JWT"}
    issuer = f"https://securetoken.google.com/{project}"
    claims = {"sub": uid, "user_id": uid, "aud": project, "iss": issuer, **extra}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join((*parts, ""))
