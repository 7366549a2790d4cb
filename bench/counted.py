"""`python -m bench.counted FILE …`: functions-framework, with what each call to Firestore would bill noted in FILE.

A line per call: `{"call": "Commit", "reads": 0, "writes": 3}`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from functions_framework._cli import _cli as functions_framework


class Billed(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
    """Notes what passes through a channel."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def intercept_unary_unary(self, proceed: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:  # noqa: ANN401 - grpc is untyped
        """Note the writes of a commit."""
        self._note(details, writes=len(request.writes) if details.method.endswith("/Commit") else 0)
        return proceed(details, request)

    def intercept_unary_stream(self, proceed: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:  # noqa: ANN401 - grpc is untyped
        """Note the documents that a read or a query asks for."""
        if details.method.endswith("/BatchGetDocuments"):
            self._note(details, reads=len(request.documents))
            return proceed(details, request)
        return _Results(proceed(details, request), lambda results: self._note(details, reads=max(1, results)))

    def _note(self, details: grpc.ClientCallDetails, *, reads: int = 0, writes: int = 0) -> None:
        line = {"call": details.method.rpartition("/")[2], "reads": reads, "writes": writes}
        os.write(self._file, (json.dumps(line) + "\n").encode())  # one write a line: threads do not mix


class _Results:
    """A query's results, counted when they have ended: a query without any is billed as one read."""

    def __init__(self, call: Any, note: Callable[[int], None]) -> None:  # noqa: ANN401 - grpc is untyped
        self._call = call
        self._note = note
        self._seen = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:  # noqa: ANN401 - grpc is untyped
        try:
            response = next(self._call)
        except StopIteration:
            self._note(self._seen)
            raise
        self._seen += "document" in response
        return response

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the call's own
        return getattr(self._call, name)


def main() -> None:
    """Note the calls of every channel to an emulator that the function opens."""
    billed = Billed(Path(sys.argv.pop(1)))
    connect = grpc.insecure_channel
    grpc.insecure_channel = lambda *told, **options: grpc.intercept_channel(connect(*told, **options), billed)
    functions_framework()


if __name__ == "__main__":
    main()
