"""Records as scripts read them. Pure."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def json_fields(record: "DataclassInstance") -> dict[str, Any]:
    """Return a record's fields by the names that Firestore and the HTTP API use: session_id is sessionId."""
    return {_camel_case(name): value for name, value in asdict(record).items()}


def _camel_case(name: str) -> str:
    first, *others = ("user_id" if name == "uid" else name).split("_")
    return first + "".join(map(str.capitalize, others))
