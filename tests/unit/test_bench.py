"""The bench's own arithmetic, and that it covers and explains what it claims to."""

import json
import re
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import count_calls, report
from bench.__main__ import GROUPS
from bench.baselines.queue.ledger import NotEnoughTokensError, QueueLedger
from bench.environments import BASELINES, pins_of
from bench.groups import cold
from bench.lab import settings_of
from bench.measure import Run, interleaved, interleaved_calls, median_ratio, percentile, run_concurrently
from bench.results import Row, Target, at_least, at_most, exactly, write_json
from shared.runtime import settings
from tests.fakes.firestore import FakeFirestore
from topology.functions import ROOT, load_functions

PAGE = ROOT / "docs" / "performance.md"


# --- rows


@pytest.mark.parametrize(
    ("target", "holds", "fails"), [(at_most(1.5), 1.5, 1.51), (at_least(4), 4, 3.99), (exactly(3), 3, 2)]
)
def test_a_row_is_ok_up_to_its_target(target: Target, holds: float, fails: float) -> None:
    assert Row("row", holds, target).ok is True
    assert Row("row", fails, target).ok is False


def test_a_row_without_a_value_or_a_target_is_neither_ok_nor_not() -> None:
    assert Row("row", None, at_most(1)).ok is None
    assert Row("row", 7).ok is None


def test_rows_are_written_as_json(tmp_path: Path) -> None:
    write_json([Row("a", 1.23456, at_most(2), "note"), Row("b", None, at_least(2), "why")], tmp_path / "results.json")

    assert json.loads((tmp_path / "results.json").read_text()) == {
        "rows": [
            {"name": "a", "value": 1.235, "target": "≤ 2", "ok": True, "note": "note"},
            {"name": "b", "value": None, "target": "≥ 2", "ok": None, "note": "why"},
        ]
    }


# --- arithmetic


def test_the_first_round_does_not_count_and_every_other_round_is_reversed() -> None:
    order: list[str] = []

    def take(name: str, number: int) -> str:
        order.append(name)
        return f"{name}{number}"

    ours, theirs = interleaved(2, lambda number: take("a", number), lambda number: take("b", number))

    assert (ours, theirs) == (["a1", "a2"], ["b1", "b2"])
    assert order == ["b", "a", "a", "b", "b", "a"]


def test_calls_take_turns_and_each_is_timed() -> None:
    calls: list[str] = []
    first, second = interleaved_calls(3, lambda: calls.append("a"), lambda: calls.append("b"))

    assert (len(first), len(second)) == (3, 3)
    assert calls == ["b", "a", "a", "b", "b", "a", "a", "b"]


def test_a_failing_call_fails_the_measurement() -> None:
    with pytest.raises(ZeroDivisionError):
        run_concurrently([lambda: 1, lambda: 1 // 0], 2)


def test_ratios_and_percentiles() -> None:
    assert Run(2.0, (1.0, 2.0, 3.0, 4.0)).per_second == 2.0
    assert median_ratio([2, 40, 3], [1, 10, 3]) == 2
    assert percentile(range(101), 99) == 99


# --- what is billed


class _Requests:
    """Sends requests through the interceptor, and returns the line it records for each."""

    def __init__(self, file: Path) -> None:
        self._file, self._interceptor = file, count_calls.BillingInterceptor(file)

    def unary(self, call: str, request: object) -> dict[str, Any]:
        self._interceptor.intercept_unary_unary(lambda *_: None, SimpleNamespace(method=f"/F/{call}"), request)
        return self._last

    def stream(self, call: str, request: object, responses: Iterator[object]) -> dict[str, Any]:
        list(
            self._interceptor.intercept_unary_stream(
                lambda *_: responses, SimpleNamespace(method=f"/F/{call}"), request
            )
        )
        return self._last

    @property
    def _last(self) -> dict[str, Any]:
        return dict(json.loads(self._file.read_text().splitlines()[-1]))


def test_a_commit_is_billed_for_its_writes_and_a_read_for_its_documents(tmp_path: Path) -> None:
    requests = _Requests(tmp_path / "calls")

    commit = requests.unary("Commit", SimpleNamespace(writes=[1, 2, 3]))
    read = requests.stream("BatchGetDocuments", SimpleNamespace(documents=["a", "b"]), iter([{}, {}]))

    assert commit == {"call": "Commit", "reads": 0, "writes": 3}
    assert read == {"call": "BatchGetDocuments", "reads": 2, "writes": 0}


@pytest.mark.parametrize(("found", "billed"), [(0, 1), (1, 1), (20, 20)])
def test_a_query_is_billed_for_its_results_and_at_least_once(tmp_path: Path, found: int, billed: int) -> None:
    responses = iter([*[{"document": {}}] * found, {"read_time": 1}])

    assert _Requests(tmp_path / "calls").stream("RunQuery", None, responses)["reads"] == billed


# --- baselines


def test_the_queue_spends_once_by_a_key_and_never_below_zero() -> None:
    firestore = FakeFirestore()
    queue = QueueLedger(firestore.as_client())
    queue.fund("ada", 10)

    first, again = queue.spend("ada", "key", 6), queue.spend("ada", "key", 6)
    with pytest.raises(NotEnoughTokensError):
        queue.spend("ada", "other", 5)

    assert first == again
    assert first.balance_after == 4
    assert queue.spend("ada", "rest", 4).balance_after == 0


@pytest.mark.parametrize("name", [file.parent.name for file in BASELINES.glob("*/requirements.in")])
def test_a_baseline_is_built_with_pinned_versions(name: str) -> None:
    packages = (BASELINES / name / "requirements.in").read_text().split()

    assert set(packages) <= {pin.split("==")[0] for pin in pins_of(name)}


# --- coverage and documentation


def test_every_function_has_a_request_for_its_cold_start() -> None:
    assert set(cold.requests_of("demo", "cs_1")) == {row.name for row in load_functions()}


def test_the_functions_accept_the_benchs_settings() -> None:
    chosen = settings_of("demo-bench")
    assert settings.load(*chosen, environ=chosen).project == "demo-bench"


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_explained(group: str) -> None:
    assert import_module(f"bench.groups.{group}").measure
    assert f"(`{group}`)\n" in "".join(re.findall(r"^## .*\n", PAGE.read_text(), flags=re.MULTILINE))


def test_the_last_run_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- last run -->\nstale\n<!-- end -->\nafter\n")

    report.write([Row("cold start: one ÷ hello", 1.5), Row("row", 3.0, at_most(2))], page, date(2026, 11, 21))

    text = page.read_text()
    assert "stale" not in text
    assert "| row | 3 | ≤ 2 | **no** |  |" in text
    assert 'x-axis ["one"]' in text
    assert text.startswith("before\n")
    assert text.endswith("<!-- end -->\nafter\n")


def test_a_page_without_the_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no markers")

    with pytest.raises(ValueError, match="last run"):
        report.write([], page, date(2026, 11, 21))
