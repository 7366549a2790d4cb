"""A log record is one JSON line that Cloud Logging understands."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from errno import ENOSPC
from io import StringIO

import pytest

from shared.runtime import logs
from tests.records import records


@pytest.fixture(autouse=True)
def _no_trace() -> Iterator[None]:
    logs.trace_request("", None)
    yield
    logs.trace_request("", None)


def test_a_record_is_exactly_this_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.info("purchase.credited", "Successfully added 110 tokens", user_id="ada", tokens=110)

    assert capsys.readouterr().out == (
        '{"severity": "INFO", "event": "purchase.credited", "message": "Successfully added 110 tokens", '
        '"user_id": "ada", "tokens": 110}\n'
    )


@pytest.mark.parametrize(("write", "severity"), [(logs.info, "INFO"), (logs.warning, "WARNING"), (logs.error, "ERROR")])
def test_the_severity_is_the_functions_name(capsys: pytest.CaptureFixture[str], write: object, severity: str) -> None:
    assert callable(write)
    write("x", "X")

    assert records(capsys) == [{"severity": severity, "event": "x", "message": "X"}]


def test_an_errors_cause_adds_its_stack_trace(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        json.loads("{")
    except ValueError as error:
        logs.error("x", "X", cause=error)

    [record] = records(capsys)
    assert record["stack_trace"].startswith("Traceback (most recent call last):")
    assert "JSONDecodeError" in record["stack_trace"]


def test_a_requests_trace_ties_its_records_together(capsys: pytest.CaptureFixture[str]) -> None:
    logs.trace_request("105445aa7843bc8bf206b12000100000/1;o=1", "demo")
    logs.info("x", "X")
    logs.trace_request("", "demo")
    logs.info("y", "Y")

    first, second = records(capsys)
    trace = "logging.googleapis.com/trace"
    assert first[trace] == "projects/demo/traces/105445aa7843bc8bf206b12000100000"
    assert trace not in second


@pytest.mark.parametrize("value", ["two\nlines", "Zoë ✓", "\ud800", datetime(2026, 1, 1, tzinfo=UTC), {"a": [1]}, b"x"])
def test_whatever_a_field_holds_the_record_stays_one_line(capsys: pytest.CaptureFixture[str], value: object) -> None:
    logs.info("x", "X", field=value)

    assert len(capsys.readouterr().out.splitlines()) == 1


class FullDisk(StringIO):
    """Takes nothing."""

    def write(self, _text: str) -> int:
        raise OSError(ENOSPC, "No space left on device")


def test_a_full_disk_costs_records_and_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome stands: a caller who got a 500 for a commit that landed would try again for ever."""
    monkeypatch.setattr(sys, "stdout", FullDisk())

    logs.info("x", "X")
    logs.error("y", "Y", cause=ValueError("why"))
