"""Run functions-framework and record what each Firestore call would be billed.

Usage: `python -m bench.count_calls FILE <functions-framework's options>`. FILE gets one line per call:
`{"call": "Commit", "reads": 0, "writes": 3}`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from functions_framework._cli import _cli as functions_framework


class BillingInterceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
    """Records the calls of a channel."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def intercept_unary_unary(self, proceed: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:  # noqa: ANN401 - grpc is untyped
        """Record a commit's writes."""
        self._record(details, writes=len(request.writes) if details.method.endswith("/Commit") else 0)
        return proceed(details, request)

    def intercept_unary_stream(self, proceed: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:  # noqa: ANN401 - grpc is untyped
        """Record the documents that a read requests or a query returns."""
        if details.method.endswith("/BatchGetDocuments"):
            self._record(details, reads=len(request.documents))
            return proceed(details, request)
        return _CountedResults(proceed(details, request), lambda count: self._record(details, reads=max(1, count)))

    def _record(self, details: grpc.ClientCallDetails, *, reads: int = 0, writes: int = 0) -> None:
        line = {"call": details.method.rpartition("/")[2], "reads": reads, "writes": writes}
        os.write(self._file, (json.dumps(line) + "\n").encode())  # one write per line, so threads do not interleave


class _CountedResults:
    """A query's results, reported when they end. A query that returns nothing is still billed one read."""

    def __init__(self, call: Any, report: Callable[[int], None]) -> None:  # noqa: ANN401 - grpc is untyped
        self._call = call
        self._report = report
        self._documents = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:  # noqa: ANN401 - grpc is untyped
        try:
            response = next(self._call)
        except StopIteration:
            self._report(self._documents)
            raise
        self._documents += "document" in response
        return response

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the call has
        return getattr(self._call, name)


def main() -> None:
    """Intercept every channel to an emulator, then start the function."""
    interceptor = BillingInterceptor(Path(sys.argv.pop(1)))
    open_channel = grpc.insecure_channel
    grpc.insecure_channel = lambda *args, **options: grpc.intercept_channel(open_channel(*args, **options), interceptor)
    functions_framework()


if __name__ == "__main__":
    main()
