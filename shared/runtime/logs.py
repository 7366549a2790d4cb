"""Structured logs: one JSON line per outcome, as Cloud Logging reads it.

A record has a stable event name (`purchase.credited`), a sentence for a person, and ids; never payloads, e-mails or
keys.
Source: https://cloud.google.com/logging/docs/structured-logging
"""

import json
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Literal

from shared.domain.alert import Alert

Severity = Literal["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"]

_trace: ContextVar[str | None] = ContextVar("trace", default=None)


def trace_request(trace_header: str, project: str | None) -> None:
    """Tie the records of this request together by the trace that Cloud Run names in X-Cloud-Trace-Context."""
    trace_id, _, _ = trace_header.partition("/")
    _trace.set(f"projects/{project}/traces/{trace_id}" if trace_id and project else None)


def info(event: str, sentence: str, **fields: object) -> None:
    """Record an expected outcome."""
    _write("INFO", event, sentence, fields)


def warning(event: str, sentence: str, **fields: object) -> None:
    """Record an outcome that somebody may want to look at."""
    _write("WARNING", event, sentence, fields)


def error(event: str, sentence: str, *, cause: BaseException | None = None, **fields: object) -> None:
    """Record an outcome that needs somebody; `cause` adds its stack trace, by which Error Reporting groups."""
    if cause is not None:
        fields["stack_trace"] = "".join(traceback.format_exception(cause))
    _write("ERROR", event, sentence, fields)


def alerts(raised: Iterable[Alert], **fields: object) -> None:
    """Record the security alerts that were raised or changed: one record each, by which they are counted."""
    for alert in raised:
        sentence = f"Security alert {alert.id}: {alert.type}, {alert.severity}"
        warning("alert.raised", sentence, alert_id=alert.id, type=alert.type, alert_severity=alert.severity, **fields)


def _write(severity: Severity, event: str, sentence: str, fields: Mapping[str, object]) -> None:
    record: dict[str, object] = {"severity": severity, "event": event, "message": sentence, **fields}
    trace = _trace.get()
    if trace:
        record["logging.googleapis.com/trace"] = trace
    # A full disk or a closed pipe cannot be reported anywhere, and must not turn an outcome into an error.
    with suppress(OSError):
        # One write per line, so that the lines of two threads do not mix.
        sys.stdout.write(json.dumps(record, default=str) + "\n")
        sys.stdout.flush()
