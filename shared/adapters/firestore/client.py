"""google-cloud-firestore's client with batches that encode plain documents faster, into the same messages.

For the three documents of a spend the library takes 0.7 ms, and this 0.06 ms: the library looks for sentinels, copies
the document, and wraps each value in an object of its own. What is not plain - a sentinel, a reference, a field name
that needs quotes - is left to it (docs/decisions/0039-encode-documents-ourselves.md).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_document import BaseDocumentReference
from google.cloud.firestore_v1.types import Write

_PLAIN_NAME = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*")

_Message = Any
"""A message of protobuf itself, as proto-plus's types wrap it."""


class Client(firestore.Client):
    """The client of a project's database; of the emulator when FIRESTORE_EMULATOR_HOST names one."""

    def batch(self) -> firestore.WriteBatch:
        """Return an empty batch."""
        return _Batch(self, f"{self._database_string}/documents/")


class _NotPlain(Exception):
    """Something in a document is for the library to encode."""


class _Batch(firestore.WriteBatch):
    def __init__(self, client: firestore.Client, prefix: str) -> None:
        super().__init__(client)
        self._prefix = prefix

    def create(self, reference: BaseDocumentReference, document_data: dict[str, Any]) -> None:
        try:
            write = self._write(reference, document_data)
        except _NotPlain:
            return super().create(reference, document_data)
        write.current_document.exists = False
        return self._add(reference, write)

    def update(
        self,
        reference: BaseDocumentReference,
        field_updates: dict[str, Any],
        option: firestore.WriteOption | None = None,
    ) -> None:
        try:
            if option is None:
                raise _NotPlain
            write = self._write(reference, field_updates, masked=True)
        except _NotPlain:
            return super().update(reference, field_updates, option)
        option.modify_write(Write.wrap(write))
        return self._add(reference, write)

    def set(
        self,
        reference: BaseDocumentReference,
        document_data: dict[str, Any],
        merge: bool | list[str] = False,  # noqa: FBT001, FBT002 - the library's
    ) -> None:
        try:
            if merge != list(document_data):
                raise _NotPlain
            write = self._write(reference, document_data, masked=True)
        except _NotPlain:
            return super().set(reference, document_data, merge)
        return self._add(reference, write)

    def _add(self, reference: BaseDocumentReference, write: _Message) -> None:
        self._document_references[write.update.name] = reference
        self._add_write_pbs([Write.wrap(write)])

    def _write(self, reference: BaseDocumentReference, fields: Mapping[str, Any], *, masked: bool = False) -> _Message:
        """Return a write of these fields; masked, of no others."""
        write = Write.pb()()
        write.update.name = self._prefix + reference.path
        _encode_fields(write.update.fields, fields)
        if masked:
            if not fields or not all(map(_PLAIN_NAME.fullmatch, fields)):
                raise _NotPlain
            write.update_mask.field_paths.extend(sorted(fields))
        return write


def _encode_fields(to: _Message, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if not name:
            raise _NotPlain
        _encode(to[name], value)


def _encode(to: _Message, value: Any) -> None:  # noqa: ANN401 - whatever a document holds, one branch per type
    kind = type(value)
    if kind is str:
        to.string_value = value
    elif kind is int:
        to.integer_value = value
    elif value is None:
        to.null_value = 0
    elif kind is bool:
        to.boolean_value = value
    elif kind is float:
        to.double_value = value
    elif kind is datetime:
        to.timestamp_value.FromDatetime(value)
    elif kind is dict:
        to.map_value.SetInParent()
        _encode_fields(to.map_value.fields, value)
    elif kind in (list, tuple):
        to.array_value.SetInParent()
        for one in value:
            _encode(to.array_value.values.add(), one)
    else:
        raise _NotPlain
