"""What a Firestore call is about, so that a fault can meet each kind of it: read from the request's bytes."""

from google.cloud.firestore_v1.types import BatchGetDocumentsRequest, CommitRequest, RunQueryRequest

_DOCUMENTS = "/documents/"


def subject_of(method: str, request: bytes) -> str:
    """Return a few words: which documents are read, or what a commit writes."""
    match method:
        case "BatchGetDocuments":
            return _kinds(BatchGetDocumentsRequest.deserialize(request).documents)
        case "RunQuery":
            query = RunQueryRequest.deserialize(request).structured_query
            return ", ".join(sorted(source.collection_id for source in query.from_))
        case "Commit":
            return _written([_name_of(write) for write in CommitRequest.deserialize(request).writes])
        case _:
            return ""


def _name_of(write: object) -> str:
    return str(getattr(write, "delete", "") or write.update.name)  # type: ignore[attr-defined] # proto-plus is untyped


def _written(names: list[str]) -> str:
    """Name a commit by its entries (`of a purchase` ...; `folded` if several), else by its documents."""
    entries = [path.partition("/")[2].partition(":")[0] for path in map(_path, names) if path[:13] == "transactions/"]
    if len(entries) > 1:
        return "folded"
    return f"of a {entries[0]}" if entries else f"of {_kinds(names)}"


def _kinds(names: object) -> str:
    return ", ".join(sorted({_path(str(name)).partition("/")[0] for name in names}))  # type: ignore[attr-defined]


def _path(name: str) -> str:
    return name.partition(_DOCUMENTS)[2]
