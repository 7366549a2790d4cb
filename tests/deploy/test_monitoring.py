"""Every metric counts what the functions really log; every alert watches an existing metric and names its runbook."""

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from shared.adapters.firestore.ledger import Ledger
from shared.runtime import logs
from tests.deploy.api_fields import faults
from tests.deploy.log_filter import field, matches
from tests.deploy.scenarios import SCENARIOS, Scenario
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.records import records
from topology.functions import ROOT, load_functions
from topology.topics import DEAD_LETTERS, RETENTION, STRIPE_EVENTS

MONITORING = ROOT / "monitoring"
METRICS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted((MONITORING / "metrics").glob("*.json"))
}
ALERTS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted((MONITORING / "alerts").glob("*.json"))
}
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client())


def entry_of(record: Mapping[str, Any], service: str = "a-function") -> dict[str, Any]:
    """Return a record as Cloud Logging stores it when a Cloud Run service prints it as JSON."""
    special = ("severity", "logging.googleapis.com/trace")
    return {
        "severity": record["severity"],
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": service}},
        "jsonPayload": {key: value for key, value in record.items() if key not in special},
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_metric_counts_its_scenarios_and_nothing_else(
    scenario: Scenario, ledger: Ledger, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.act(ledger, firestore)
    entries = [entry_of(record, scenario.service) for record in records(capsys)]
    assert entries
    counted = {name: sum(matches(metric["filter"], entry) for entry in entries) for name, metric in METRICS.items()}
    assert {name: count for name, count in counted.items() if count} == scenario.counted
    for name, metric in METRICS.items():
        for extractor in (*metric.get("labelExtractors", {}).values(), metric.get("valueExtractor")):
            for entry in entries:
                if extractor and matches(metric["filter"], entry):
                    assert field(entry, extractor.removeprefix("EXTRACT(").removesuffix(")")) is not None, name


def test_every_metric_has_a_scenario() -> None:
    # Continuous integration writes this one, not a function: cloudbuild.yaml.
    assert {name for one in SCENARIOS for name in one.counted} == METRICS.keys() - {"deployment_drift"}


def test_a_filter_counts_only_records_of_functions(capsys: pytest.CaptureFixture[str]) -> None:
    logs.info("purchase.credited", "Successfully added 1 tokens")
    (record,) = records(capsys)
    elsewhere = {**entry_of(record), "resource": {"type": "gce_instance"}}
    assert not matches(METRICS["purchase_outcomes"]["filter"], elsewhere)


# --- nothing that goes wrong is silent

# Answers with 5xx, counted by Cloud Run itself: the alert server_errors.
WATCHED_BY_STATUS = {"request.failed"}


def logged(severity: str) -> dict[str, str]:
    """Return every event that the source logs at a severity, with the place where it does."""
    found: dict[str, str] = {}
    for folder in ("shared", "functions"):
        for source in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == f"logs.{severity}":
                    place = f"{source.relative_to(ROOT)}:{node.lineno}"
                    assert isinstance(node.args[0], ast.Constant), f"{place}: name the event by a literal"
                    found[str(node.args[0].value)] = place
    return found


def test_the_search_finds_events() -> None:
    assert {"purchase.failed", "request.crashed", "event.malformed"} <= logged("error").keys()


def test_every_event_that_is_logged_as_an_error_is_watched_by_an_alert() -> None:
    alerted = log_based_metrics(json.dumps(ALERTS))
    silent = []
    for event, place in logged("error").items():
        record = {"severity": "ERROR", "event": event, "reason": "any"}
        counting = {name for name in alerted if matches(METRICS[name]["filter"], entry_of(record))}
        if not counting and event not in WATCHED_BY_STATUS:
            silent.append(f"{event} ({place})")
    assert silent == []
    assert 'response_code_class=\\"5xx\\"' in json.dumps(ALERTS["server_errors"])


def test_an_alert_that_groups_by_a_label_uses_one_that_its_metric_has() -> None:
    for name, alert in ALERTS.items():
        text = json.dumps(alert)
        for metric in log_based_metrics(text):
            for label in re.findall(r"metric\.labels\.(\w+)", text):
                assert label in METRICS[metric].get("labelExtractors", {}), (name, metric, label)


def test_queries_in_promql_name_metrics_and_labels_that_exist() -> None:
    for name, alert in ALERTS.items():
        for condition in alert["conditions"]:
            query = condition.get("conditionPrometheusQueryLanguage", {}).get("query", "")
            for metric, selector in re.findall(r"logging_googleapis_com:user_(\w+)\{(.*?)\}", query):
                labels = set(re.findall(r"(\w+)!?=", selector)) - {"monitored_resource"}
                assert labels <= METRICS[metric].get("labelExtractors", {}).keys(), (name, metric)
            assert query.count("(") == query.count(")"), name
            assert "monitored_resource=" in query or not query, name


@pytest.mark.parametrize(
    "silent",
    [
        "server_errors",
        "slow_checkout",
        "refused_pushes",
        "webhook_rejections",
        "malformed_events",
        "lost_webhooks",
        "reconcile_stopped",
        "uptime",
    ],
)
def test_what_used_to_be_silent_has_an_alert(silent: str) -> None:
    assert silent in ALERTS


def test_no_stranger_can_page_anybody_by_forged_webhooks() -> None:
    """Forged ones fire nothing as long as one genuine webhook passes, and are not counted as failed purchases."""
    (condition,) = ALERTS["signature_failures"]["conditions"]
    query = condition["conditionPrometheusQueryLanguage"]["query"]
    assert re.search(r"webhook_rejections\{.*\} *\[30m\].* unless on\(\) .*webhook_verifications", query)
    assert 'jsonPayload.sender="stripe"' in METRICS["purchase_outcomes"]["filter"]
    (condition,) = ALERTS["webhook_rejections"]["conditions"]
    assert 'metric.labels.sender="stripe"' in condition["conditionThreshold"]["filter"]


# --- the APIs accept the files


def test_metrics_alerts_and_dashboard_have_only_fields_of_the_apis() -> None:
    assert faults("logging", "v2", "LogMetric", METRICS) == []
    assert faults("monitoring", "v3", "AlertPolicy", ALERTS) == []
    assert faults("monitoring", "v1", "Dashboard", {"dashboard": DASHBOARD}) == []


def test_the_field_check_finds_a_wrong_field() -> None:
    broken = {
        "broken": {"displayName": "x", "conditions": [{"conditionTreshold": {}}]},
        "kind": {"combiner": "PERHAPS"},
    }
    assert len(faults("monitoring", "v3", "AlertPolicy", broken)) == 2


def log_based_metrics(text: str) -> set[str]:
    return set(re.findall(r"logging[._]googleapis[._]com(?:/user/|:user_)(\w+)", text))


def test_alerts_and_dashboard_watch_every_metric_and_no_other() -> None:
    assert log_based_metrics(json.dumps(DASHBOARD)) == METRICS.keys()
    assert log_based_metrics(json.dumps(ALERTS)) == METRICS.keys()
    for depth in ("num_undelivered_messages", "oldest_unacked_message_age"):
        assert depth in json.dumps(ALERTS)
        assert depth in json.dumps(DASHBOARD)


def test_charts_group_only_by_labels_that_their_metric_has() -> None:
    queries = [
        dataset["timeSeriesQuery"]["timeSeriesFilter"]
        for tile in DASHBOARD["mosaicLayout"]["tiles"]
        for dataset in tile["widget"].get("xyChart", {}).get("dataSets", ())
        if "timeSeriesFilter" in dataset["timeSeriesQuery"]
    ]
    grouped = [
        (name[1], field.removeprefix("metric.label."))
        for query in queries
        for field in query["aggregation"].get("groupByFields", ())
        if field.startswith("metric.label.") and (name := re.search(r"user/(\w+)", query["filter"]))
    ]
    assert grouped
    assert [(name, label) for name, label in grouped if label not in METRICS[name].get("labelExtractors", {})] == []


def test_the_two_agreed_thresholds() -> None:
    def threshold(name: str) -> tuple[float, str]:
        condition = ALERTS[name]["conditions"][0]["conditionThreshold"]
        return condition["thresholdValue"], condition["aggregations"][0]["alignmentPeriod"]

    assert threshold("token_credit_failures") == (5, "300s")
    assert threshold("rate_limit_abuse") == (10, "3600s")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_names_its_section_of_the_runbook(name: str) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    sections = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in runbook.splitlines()
        if line.startswith("#")
    }
    section = re.search(r"Runbook: docs/runbook\.md#([\w-]+)", ALERTS[name]["documentation"]["content"])
    assert section
    assert section[1] in sections


def test_dashboard_tiles_do_not_overlap() -> None:
    places = [(tile["xPos"], tile["yPos"]) for tile in DASHBOARD["mosaicLayout"]["tiles"]]
    assert len(set(places)) == len(places)


def test_filters_name_only_topics_subscriptions_and_services_of_the_tables() -> None:
    functions = load_functions()
    known = {
        "subscription_id": {DEAD_LETTERS, *(row.subscription.name for row in functions if row.subscription)},
        "topic_id": {STRIPE_EVENTS, DEAD_LETTERS},
        "service_name": {row.service for row in functions},
    }
    texts = [json.dumps(document) for document in (METRICS, ALERTS, DASHBOARD)]
    named = [match for text in texts for match in re.findall(r'labels\.(\w+)\s*!?=\s*\\"([\w-]+)\\"', text)]
    named = [(label, name) for label, name in named if label in known]
    assert named
    assert [(label, name) for label, name in named if name not in known[label]] == []


def test_the_dead_letter_alert_says_how_long_messages_are_kept() -> None:
    assert f"for {RETENTION.days} days" in ALERTS["dead_letters"]["documentation"]["content"]
