"""An in-memory Firestore, as far as shared/adapters/firestore/ uses google-cloud-firestore's client.

It has what the ledger relies on: a batch lands whole or not at all; `create` fails with AlreadyExists; `update` with
`last_update_time` fails with FailedPrecondition when the document has changed, and with NotFound when it is gone; `set`
writes whatever is there. One suite (tests/contract/test_ledger_contract.py) runs over it and over the official
emulator.

Faults are injected and operations counted by the client itself: `refuse_next_commit`, `lose_next_acknowledgement`,
`refuse_next_read`, `away`, `reads`, `writes`.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, Literal, cast

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry
from google.cloud import firestore
from google.cloud.firestore_v1.base_aggregation import AggregationResult
from google.cloud.firestore_v1.base_query import FieldFilter

IN_MAX = 30
"""The most values that a query may compare a field with: https://firebase.google.com/docs/firestore/query-data/queries"""

_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """A document as it was when it was read."""

    path: str
    fields: Mapping[str, Any] | None
    update_time: datetime | None

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def reference(self) -> "Snapshot":
        return self

    @property
    def exists(self) -> bool:
        return self.fields is not None

    def to_dict(self) -> dict[str, Any] | None:
        return None if self.fields is None else deepcopy(dict(self.fields))


@dataclass(frozen=True)
class LastUpdateOption:
    last_update_time: datetime


class FakeFirestore:
    """The client. `reads` and `writes` count what Firestore would bill."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self.commits = 0
        self.away = False
        self._documents: dict[str, tuple[dict[str, Any], datetime]] = {}
        self._now = _START
        self._lock = RLock()
        self._before_commit: list[Exception] = []
        self._after_commit: list[Exception] = []
        self._before_read: list[Exception] = []

    # --- for tests

    def as_client(self) -> firestore.Client:
        return cast("firestore.Client", self)

    def refuse_next_commit(self, error: Exception) -> None:
        """Let the next commit fail before it changes anything."""
        self._before_commit.append(error)

    def lose_next_acknowledgement(self, error: Exception) -> None:
        """Let the next commit land and its answer get lost."""
        self._after_commit.append(error)

    def calm(self) -> None:
        """Forget the faults that nobody has met."""
        self._before_commit.clear()
        self._after_commit.clear()

    def refuse_next_read(self, error: Exception) -> None:
        self._before_read.append(error)

    def fields_of(self, path: str) -> dict[str, Any] | None:
        """Return a document's fields, uncounted."""
        with self._lock:
            found = self._documents.get(path)
            return deepcopy(found[0]) if found else None

    def paths(self, collection: str) -> list[str]:
        with self._lock:
            return sorted(path for path in self._documents if path.startswith(f"{collection}/"))

    def put(self, path: str, fields: Mapping[str, Any]) -> None:
        """Write a document as somebody else would."""
        with self._lock:
            self._documents[path] = (deepcopy(dict(fields)), self._tick())

    def remove(self, path: str) -> None:
        """Remove a document as somebody else would."""
        with self._lock:
            del self._documents[path]

    def forget(self) -> None:
        """Count from zero again."""
        self.reads = self.writes = self.commits = 0

    # --- google-cloud-firestore's own interface

    def collection(self, name: str) -> "Collection":
        return Collection(self, name)

    def document(self, path: str) -> "Document":
        return Document(self, path)

    def batch(self) -> "Batch":
        return Batch(self)

    def write_option(self, *, last_update_time: datetime) -> LastUpdateOption:
        return LastUpdateOption(last_update_time)

    # --- inside

    def _tick(self) -> datetime:
        self._now += timedelta(microseconds=1)
        return self._now

    def _answer(self, call: Callable[[], Any], retry: Retry | None) -> Any:  # noqa: ANN401 - as google's retry
        if self.away:
            raise google_errors.RetryError("Timeout exceeded", google_errors.ServiceUnavailable("away"))
        return retry(call)() if retry else call()

    def read(self, path: str) -> Snapshot:
        with self._lock:
            if self._before_read:
                raise self._before_read.pop(0)
            self.reads += 1
            return self._snapshot(path)

    def _snapshot(self, path: str) -> Snapshot:
        fields, update_time = self._documents.get(path, (None, None))
        return Snapshot(path, deepcopy(fields), update_time)

    def get_all(
        self, references: "list[Document]", *, retry: Retry | None = None, timeout: float | None = None
    ) -> "Iterator[Snapshot]":
        return iter(self._answer(lambda: [self.read(one.path) for one in references], retry))

    def query(self, query: "Query") -> list[Snapshot]:
        with self._lock:
            if self._before_read:
                raise self._before_read.pop(0)
            found = [self._snapshot(path) for path in self.paths(query.collection)]
            matching, skipped = query.matching(found)
            self.reads += max(1, len(matching) + skipped)
            return matching

    def commit(self, writes: "list[Write]") -> "list[WriteResult]":
        with self._lock:
            if self._before_commit:
                raise self._before_commit.pop(0)
            self._apply(writes)
            if self._after_commit:
                raise self._after_commit.pop(0)
            return [WriteResult(self._documents[write.path][1]) for write in writes]

    def _apply(self, writes: "list[Write]") -> None:
        after = dict(self._documents)
        for write in writes:
            there = after.get(write.path)
            if write.kind == "create" and there is not None:
                raise google_errors.AlreadyExists(f"Document already exists: {write.path}")
            if write.kind == "update" and there is None:
                raise google_errors.NotFound(f"No document to update: {write.path}")
            if write.read_at is not None and there is not None and there[1] != write.read_at:
                raise google_errors.FailedPrecondition(f"{write.path} changed since it was read")
            kept = {} if there is None else there[0]
            merged = {**kept, **deepcopy(dict(write.fields))}
            fields = {name: value for name, value in merged.items() if value is not firestore.DELETE_FIELD}
            # A write that changes nothing leaves the update time alone.
            after[write.path] = there if there is not None and fields == kept else (fields, self._tick())
        self._documents = after
        self.writes += len(writes)
        self.commits += 1


@dataclass(frozen=True)
class Write:
    path: str
    fields: Mapping[str, Any]
    kind: Literal["create", "update", "merge"]
    read_at: datetime | None = None


@dataclass(frozen=True)
class WriteResult:
    update_time: datetime


@dataclass(frozen=True)
class Document:
    client: FakeFirestore
    path: str

    def __post_init__(self) -> None:
        segments = self.path.split("/")
        if len(segments) != 2 or not all(segments):
            raise ValueError(f"A document path is collection/id, not {self.path!r}")

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]

    def get(self, *, retry: Retry | None = None, timeout: float | None = None) -> Snapshot:
        return cast("Snapshot", self.client._answer(lambda: self.client.read(self.path), retry))


class Batch:
    def __init__(self, client: FakeFirestore) -> None:
        self._client = client
        self._writes: list[Write] = []

    def create(self, document: Document, fields: Mapping[str, Any]) -> None:
        self._writes.append(Write(document.path, fields, "create"))

    def update(self, document: Document, fields: Mapping[str, Any], option: LastUpdateOption | None = None) -> None:
        self._writes.append(Write(document.path, fields, "update", option.last_update_time if option else None))

    def set(self, document: Document, fields: Mapping[str, Any], *, merge: list[str]) -> None:
        """Write fields whole; `merge` has to name them, since a bare True would merge maps as well."""
        assert sorted(merge) == sorted(fields)
        self._writes.append(Write(document.path, fields, "merge"))

    def commit(self, *, retry: Retry | None = None, timeout: float | None = None) -> list[WriteResult]:
        results: list[WriteResult] = self._client._answer(lambda: self._client.commit(self._writes), retry)
        return results


@dataclass(frozen=True)
class Query:
    client: FakeFirestore
    collection: str
    filters: tuple[FieldFilter, ...] = ()
    order: tuple[str, str] | None = None
    after: Mapping[str, Any] | None = None
    skip: int = 0
    most: int | None = None

    def where(self, *, filter: FieldFilter) -> "Query":  # noqa: A002 - google's name
        if filter.op_string not in _COMPARE:
            raise NotImplementedError(filter.op_string)
        if filter.op_string == "in" and not 1 <= len(filter.value or ()) <= IN_MAX:
            raise google_errors.InvalidArgument(f"'IN' supports 1 to {IN_MAX} values")
        return replace(self, filters=(*self.filters, filter))

    def order_by(self, field_path: str, direction: str = firestore.Query.ASCENDING) -> "Query":
        return replace(self, order=(field_path, direction))

    def select(self, field_paths: list[str]) -> "Query":
        """Return the same query: less of a document is asked for, which only saves its transport."""
        return self

    def sum(self, field_path: str, alias: str) -> "Sum":
        return Sum(self, field_path)

    def start_after(self, fields: Mapping[str, Any]) -> "Query":
        return replace(self, after=fields)

    def offset(self, count: int) -> "Query":
        return replace(self, skip=count)

    def limit(self, count: int) -> "Query":
        return replace(self, most=count)

    def stream(self, *, retry: Retry | None = None, timeout: float | None = None) -> Iterator[Snapshot]:
        return iter(self.client._answer(lambda: self.client.query(self), retry))

    def matching(self, snapshots: list[Snapshot]) -> tuple[list[Snapshot], int]:
        """Return what this query selects of a collection, and how many it skipped."""
        found = [
            snapshot
            for snapshot in snapshots
            if all(_matches(_value(snapshot, wanted.field_path), wanted) for wanted in self.filters)
        ]
        if self.order:
            path, direction = self.order
            down = direction == firestore.Query.DESCENDING
            found = [snapshot for snapshot in found if _value(snapshot, path) is not None]
            found.sort(key=lambda snapshot: _value(snapshot, path), reverse=down)
            if self.after is not None:
                mark = self.after[path]
                found = [one for one in found if (_value(one, path) < mark if down else _value(one, path) > mark)]
        rest = found[self.skip :]
        return (rest if self.most is None else rest[: self.most]), len(found) - len(rest)


@dataclass(frozen=True)
class Sum:
    """An aggregation query; an empty one answers 0.0, as the emulator does."""

    query: Query
    field_path: str

    def get(self, *, retry: Retry | None = None, timeout: float | None = None) -> list[list[AggregationResult]]:
        values = [_value(found, self.field_path) for found in self.query.stream(retry=retry, timeout=timeout)]
        return [[AggregationResult("entries", sum(values) if values else 0.0)]]


@dataclass(frozen=True)
class Collection:
    client: FakeFirestore
    name: str

    def document(self, id_: str) -> Document:
        return Document(self.client, f"{self.name}/{id_}")

    def where(self, *, filter: FieldFilter) -> Query:  # noqa: A002 - google's name
        return Query(self.client, self.name).where(filter=filter)

    def order_by(self, field_path: str, direction: str = firestore.Query.ASCENDING) -> Query:
        return Query(self.client, self.name).order_by(field_path, direction)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    "in": lambda value, wanted: value in wanted,
}


def _matches(value: Any, wanted: FieldFilter) -> bool:  # noqa: ANN401 - a field's value
    if value is None:  # a range has none in it
        return wanted.op_string == "==" and wanted.value is None
    return _COMPARE[wanted.op_string](value, wanted.value)


def _value(snapshot: Snapshot, path: str) -> Any:  # noqa: ANN401 - a field's value
    if path == "__name__":
        return snapshot.id
    value: Any = snapshot.fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
