"""Firestore as a client sees it: its REST API, under the rules, with a user's token or none."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

Fields = Mapping[str, object]


@dataclass(frozen=True)
class RestClient:
    """One user's access, or that of somebody signed out when `uid` is None."""

    http: httpx.Client
    emulator: str
    project: str
    uid: str | None

    def get(self, path: str) -> int:
        return self._ask("GET", path)

    def list_documents(self, collection: str) -> int:
        return self._ask("GET", collection)

    def create(self, path: str, fields: Fields) -> int:
        collection, document = path.rsplit("/", 1)
        return self._ask("POST", collection, params={"documentId": document}, json=_document(fields))

    def overwrite(self, path: str, fields: Fields) -> int:
        """Put these fields in the place of all there are."""
        return self._ask("PATCH", path, json=_document(fields))

    def update(self, path: str, fields: Fields, *, removing: Iterable[str] = ()) -> int:
        """Change these fields, take those away, leave the others."""
        mask = [("updateMask.fieldPaths", name) for name in (*fields, *removing)]
        return self._ask("PATCH", path, params=mask, json=_document(fields))

    def delete(self, path: str) -> int:
        return self._ask("DELETE", path)

    def transform(self, path: str, **transform: object) -> int:
        """Commit one field transform, such as fieldPath="tokenBalance", increment={"integerValue": "1"}."""
        write = {"transform": {"document": self._name(path), "fieldTransforms": [transform]}}
        return self._ask("POST", ":commit", json={"writes": [write]})

    def commit(self, *writes: tuple[str, Fields]) -> int:
        """Write several documents at once, each in the place of what is there."""
        updates = [{"update": {"name": self._name(path), **_document(fields)}} for path, fields in writes]
        return self._ask("POST", ":commit", json={"writes": updates})

    def query(self, collection: str, *filters: Fields, **clauses: object) -> int:
        return self._ask("POST", ":runQuery", json={"structuredQuery": _query(collection, filters, clauses)})

    def found(self, collection: str, *filters: Fields, **clauses: object) -> list[str]:
        """Return the ids of what a query that is allowed finds."""
        query = {"structuredQuery": _query(collection, filters, clauses)}
        answer = self._send("POST", ":runQuery", json=query)
        answer.raise_for_status()
        return [row["document"]["name"].rsplit("/", 1)[1] for row in answer.json() if "document" in row]

    def count(self, collection: str, *filters: Fields) -> int:
        counting = {
            "structuredQuery": _query(collection, filters, {}),
            "aggregations": [{"alias": "number", "count": {}}],
        }
        return self._ask("POST", ":runAggregationQuery", json={"structuredAggregationQuery": counting})

    def _ask(self, method: str, path: str, **request: Any) -> int:  # noqa: ANN401 - whatever httpx takes
        return self._send(method, path, **request).status_code

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - whatever httpx takes
        headers = {"Authorization": f"Bearer {_unsigned_token(self.uid, self.project)}"} if self.uid else {}
        root = f"http://{self.emulator}/v1/projects/{self.project}/databases/(default)/documents"
        separator = "" if path.startswith(":") else "/"
        return self.http.request(method, f"{root}{separator}{path}", headers=headers, **request)

    def _name(self, path: str) -> str:
        return f"projects/{self.project}/databases/(default)/documents/{path}"


def where(field: str, value: str) -> Fields:
    """Return the filter that a field equals a text."""
    return {"fieldFilter": {"field": {"fieldPath": field}, "op": "EQUAL", "value": _value(value)}}


def newest_first(field: str) -> list[Fields]:
    return [{"field": {"fieldPath": field}, "direction": "DESCENDING"}]


def _query(collection: str, filters: Iterable[Fields], clauses: Fields) -> Fields:
    all_of = {"compositeFilter": {"op": "AND", "filters": list(filters)}}
    return {"from": [{"collectionId": collection}], **({"where": all_of} if filters else {}), **clauses}


def _document(fields: Fields) -> dict[str, object]:
    return {"fields": {name: _value(value) for name, value in fields.items()}}


def _value(value: object) -> Fields:
    match value:
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(value)}
        case str():
            return {"stringValue": value}
        case dict():
            return {"mapValue": _document(value)}
    raise TypeError(f"No Firestore value for {value!r}")


def _unsigned_token(uid: str, project: str) -> str:
    """Return an ID token as the emulators accept it.

    Source: https://firebase.google.com/docs/emulator-suite/connect_auth
    """
    header = {"alg": "none", "type": "JWT"}
    claims = {"sub": uid, "user_id": uid, "aud": project, "iss": f"https://securetoken.google.com/{project}"}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join((*parts, ""))
