"""One Firestore database: reading, committing, and Firestore's faults as ours. The functions use no other access."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

from shared.domain.change import Stored, Update
from shared.domain.errors import LedgerRefused, Unavailable

CALL_TIMEOUT_S = 10.0

CONFLICT = (google_errors.FailedPrecondition, google_errors.NotFound, google_errors.Aborted)
"""A commit that lost against another one. It is not sent again but decided again."""

_TRANSIENT = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.InternalServerError,
    google_errors.TooManyRequests,
    google_errors.Aborted,
)
_RETRY_READ = Retry(if_exception_type(*_TRANSIENT), initial=0.1, maximum=1.0, timeout=CALL_TIMEOUT_S)
_RETRY_COMMIT = Retry(
    if_exception_type(*(fault for fault in _TRANSIENT if fault is not google_errors.Aborted)),
    initial=0.1,
    maximum=1.0,
    timeout=CALL_TIMEOUT_S,
)

Faults = type[Exception] | tuple[type[Exception], ...]
Result = TypeVar("Result")


class WriteConflict(Exception):
    """Something that a commit depends on was written between its read and the commit."""


class Database:
    """Documents by collection and id.

    Raises, from every method: Unavailable when Firestore does not answer in time, LedgerRefused when it refuses.
    """

    def __init__(self, client: firestore.Client) -> None:
        self._client = client

    def get(self, collection: str, id_: str) -> Stored | None:
        """Return a document, or None. One read."""
        with _firestore_faults():
            snapshot = self._client.collection(collection).document(id_).get(retry=_RETRY_READ, timeout=CALL_TIMEOUT_S)
        return _stored(snapshot)

    def get_all(self, paths: Iterable[str]) -> dict[str, Stored | None]:
        """Return documents by path, in one call. One read each."""
        references = {path: self._client.document(path) for path in paths}
        if not references:
            return {}
        with _firestore_faults():
            found = list(self._client.get_all(list(references.values()), retry=_RETRY_READ, timeout=CALL_TIMEOUT_S))
        return {one.reference.path: _stored(one) for one in found}

    def collection(self, name: str) -> firestore.CollectionReference:
        """Return a collection, to build a query on."""
        return self._client.collection(name)

    def stream(self, query: firestore.Query) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the ids and fields that a query finds. A query bills at least one read."""
        with _firestore_faults():
            return [(one.id, one.to_dict() or {}) for one in query.stream(retry=_RETRY_READ, timeout=CALL_TIMEOUT_S)]

    def total(self, aggregation: Any) -> int:  # noqa: ANN401 - the library says that sum() returns the class
        """Return the one value of an aggregation query. It bills one read per 1,000 entries of its index."""
        with _firestore_faults():
            return int(aggregation.get(retry=_RETRY_READ, timeout=CALL_TIMEOUT_S)[0][0].value)

    def batch(self) -> "Batch":
        """Return an empty commit."""
        return Batch(self._client)

    def create(self, documents: Mapping[str, Mapping[str, Any]]) -> bool:
        """Create all of these documents, by path, or none when one exists; tell which it was."""
        batch = self.batch()
        for path, fields in documents.items():
            batch.create(path, fields)
        try:
            batch.commit(but=google_errors.AlreadyExists)
        except google_errors.AlreadyExists:
            return False
        return True

    def update(self, updates: Iterable[Update]) -> None:
        """Change documents, all or none.

        Raises:
            WriteConflict: one of them changed since it was read.
        """
        batch = self.batch()
        for update in updates:
            batch.update(update.path, update.fields, update.version)
        batch.commit_or_conflict()


class Batch:
    """Writes that land together or not at all."""

    def __init__(self, client: firestore.Client) -> None:
        self._client = client
        self._batch = client.batch()
        self._paths: list[str] = []
        self._results: Sequence[Any] = ()

    def create(self, path: str, fields: Mapping[str, Any]) -> None:
        """Create a document; the commit fails with AlreadyExists if it exists."""
        self._paths.append(path)
        self._batch.create(self._client.document(path), dict(fields))

    def update(
        self,
        path: str,
        fields: Mapping[str, Any],
        version: Any,  # noqa: ANN401 - Firestore's own
        *,
        remove: Iterable[str] = (),
    ) -> None:
        """Write fields of a document; the commit fails with one of CONFLICT if it changed since this version."""
        self._paths.append(path)
        every = {**fields, **dict.fromkeys(remove, firestore.DELETE_FIELD)}
        unchanged = self._client.write_option(last_update_time=version)
        self._batch.update(self._client.document(path), every, option=unchanged)

    def write(self, path: str, fields: Mapping[str, Any], *, version: Any) -> None:  # noqa: ANN401 - Firestore's own
        """Create a document that did not exist (`version` is None), or update the one that did."""
        if version is None:
            self.create(path, fields)
        else:
            self.update(path, fields, version)

    def merge(self, path: str, fields: Mapping[str, Any]) -> None:
        """Write these fields whole, whatever the document holds beside them, and create it if need be."""
        self._paths.append(path)
        self._batch.set(self._client.document(path), dict(fields), merge=list(fields))

    def commit(self, *, but: Faults = ()) -> None:
        """Send the commit; the faults in `but` are the caller's."""
        with _firestore_faults(but=but):
            self._results = self._batch.commit(retry=_RETRY_COMMIT, timeout=CALL_TIMEOUT_S)

    def version_of(self, path: str) -> Any:  # noqa: ANN401 - Firestore's own
        """Return the version of a document that the commit has left."""
        return self._results[self._paths.index(path)].update_time

    def commit_or_conflict(self) -> None:
        """Send the commit.

        Raises:
            WriteConflict: a document exists or has changed, against what the commit requires.
        """
        try:
            self.commit(but=(google_errors.AlreadyExists, *CONFLICT))
        except (google_errors.AlreadyExists, *CONFLICT) as error:
            raise WriteConflict from error


def retry_on_conflict(attempt: Callable[[], Result], timeout_s: float) -> Result:
    """Attempt again, with jitter, while others write what was read.

    Raises:
        Unavailable: time is up.
    """
    retry = Retry(if_exception_type(WriteConflict), initial=0.005, maximum=0.5, timeout=timeout_s)
    try:
        return retry(attempt)()
    except google_errors.RetryError as error:
        raise Unavailable("account_busy", "The account changes too often - try again in a moment") from error


@contextmanager
def _firestore_faults(*, but: Faults = ()) -> Iterator[None]:
    try:
        yield
    except but:
        raise
    except (*_TRANSIENT, google_errors.RetryError) as error:
        raise Unavailable("ledger_unavailable") from error
    except google_errors.GoogleAPIError as error:
        raise LedgerRefused(type(error).__name__) from error


def _stored(snapshot: Any) -> Stored | None:  # noqa: ANN401 - the library leaves its snapshots untyped
    return Stored(snapshot.to_dict() or {}, snapshot.update_time) if snapshot.exists else None
