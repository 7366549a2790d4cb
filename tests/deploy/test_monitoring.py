"""Every metric counts what the functions really log; every alert watches an existing metric and names its runbook."""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.runtime import logs
from tests.deploy.api_fields import faults
from tests.deploy.log_filter import field, matches
from tests.deployed import deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.fakes.secret_manager import FakeSecretManager
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.records import records
from tests.stripe_events import SECRET, load, push_of, session_event
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
PROJECT = {"GOOGLE_CLOUD_PROJECT": "demo"}
STRIPE = {**PROJECT, "STRIPE_SECRET_KEY": "sk_test_1"}


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore) -> Ledger:
    return ledger_of(firestore.as_client())


# --- what the functions really log: each function below leaves its records on standard output


def credit(ledger: Ledger, *events: Mapping[str, Any]) -> None:
    with deployed("credit_tokens", STRIPE, parts=(ledger, None)) as function:
        for event in events:
            function.post(push_of(event))


def credited(ledger: Ledger, _firestore: FakeFirestore) -> None:
    credit(ledger, load("completed_paid"))


def failed(ledger: Ledger, firestore: FakeFirestore) -> None:
    firestore.away = True
    credit(ledger, load("completed_paid"))


def held_for_its_terms(ledger: Ledger, _firestore: FakeFirestore) -> None:
    credit(ledger, session_event(metadata={"tokens": "99999"}))


def held_for_the_limit(ledger: Ledger, _firestore: FakeFirestore) -> None:
    events = [session_event(id=f"cs_test_{number}", payment_intent=f"pi_{number}") for number in range(6)]
    credit(ledger, *events)


def limited_before_paying(ledger: Ledger, _firestore: FakeFirestore) -> None:
    now = int(time.time())
    for number in range(5):
        ledger.credit(purchase(f"cs_test_{number}", uid="ada", paid_at=now), NO_LIMITS)
    environ = {**STRIPE, "APP_BASE_URL": "https://app.example", "STRIPE_TOKEN_POPULAR_PRICE_ID": "price_1"}
    with deployed("create_checkout", environ, parts=(FakeIdentity(), ledger, None)) as function:
        answer = function.post({"package": "popular"}, headers=ADA)
        assert answer.status_code == 429


def forged(_ledger: Ledger, _firestore: FakeFirestore) -> None:
    environ = {**PROJECT, "STRIPE_WEBHOOK_SECRET": SECRET}
    with deployed("stripe_webhook", environ, parts=(FakeSecretManager().store(), None)) as function:
        answer = function.post(load("completed_paid"), headers={"Stripe-Signature": "t=1,v1=00"})
        assert answer.status_code == 400


def disputed(ledger: Ledger, _firestore: FakeFirestore) -> None:
    ledger.credit(purchase("cs_test_popular", uid="ada"), NO_LIMITS)
    dispute = {
        "id": "du_1",
        "object": "dispute",
        "amount": 999,
        "charge": "ch_1",
        "payment_intent": "pi_cs_test_popular",
        "currency": "usd",
        "status": "needs_response",
        "balance_transactions": [{"id": "txn_1", "amount": -999, "currency": "usd"}],
        "metadata": {},
    }
    credit(ledger, {**load("completed_paid"), "type": "charge.dispute.created", "data": {"object": dispute}})


def refund_failed(ledger: Ledger, _firestore: FakeFirestore) -> None:
    refund = {
        "id": "re_1",
        "object": "refund",
        "amount": 999,
        "payment_intent": "pi_1",
        "status": "failed",
        "metadata": load("completed_paid")["data"]["object"]["metadata"],
    }
    event = {**load("completed_paid"), "type": "refund.failed", "data": {"object": refund}}
    credit(ledger, event, event)


def contradicted(ledger: Ledger, _firestore: FakeFirestore) -> None:
    credit(ledger, load("completed_paid"), session_event(metadata={"tokens": "99999"}))


class NoEvents:
    """A Stripe account without events and sessions."""

    def events(self, *_args: object, **_options: object) -> list[Mapping[str, Any]]:
        return []

    def session(self, _session_id: str) -> None:
        return None


def reconcile(ledger: Ledger) -> None:
    with deployed("reconcile", STRIPE, parts=(ledger, NoEvents(), None)) as function:
        assert function.post({}).status_code == 200


def drifted(ledger: Ledger, firestore: FakeFirestore) -> None:
    ledger.post("ada", NewEntry("grant:1", "grant", 110, {}), create_account=True)
    firestore.put("accounts/ada", {**(firestore.fields_of("accounts/ada") or {}), "balance": 111})
    reconcile(ledger)


def unknown_to_stripe(ledger: Ledger, _firestore: FakeFirestore) -> None:
    ledger.credit(purchase("cs_forged", uid="ada"), NO_LIMITS)
    reconcile(ledger)


# metric → how often it counts each of the above
COUNTED: dict[str, dict[Callable[[Ledger, FakeFirestore], None], int]] = {
    "purchase_outcomes": {credited: 1, failed: 1, held_for_its_terms: 1, held_for_the_limit: 6, contradicted: 1},
    "webhook_to_credit_seconds": {credited: 1, held_for_the_limit: 5, contradicted: 1},
    "failed_purchases": {failed: 1},
    "security_alerts": {
        held_for_its_terms: 1,
        held_for_the_limit: 1,
        limited_before_paying: 1,
        disputed: 1,
        refund_failed: 1,
        contradicted: 1,
        drifted: 1,
        unknown_to_stripe: 1,
    },
    "rate_limit_triggers": {held_for_the_limit: 1, limited_before_paying: 1},
    "signature_failures": {forged: 1},
    "held_purchases": {held_for_its_terms: 1, held_for_the_limit: 1},
    "ledger_drift": {drifted: 1},
}
SCENARIOS = (
    credited,
    failed,
    held_for_its_terms,
    held_for_the_limit,
    limited_before_paying,
    forged,
    disputed,
    refund_failed,
    contradicted,
    drifted,
    unknown_to_stripe,
)


def entry_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as Cloud Logging stores it when a Cloud Run service prints it as JSON."""
    special = ("severity", "logging.googleapis.com/trace")
    return {
        "severity": record["severity"],
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "a-function"}},
        "jsonPayload": {key: value for key, value in record.items() if key not in special},
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_each_metric_counts_its_scenarios_and_nothing_else(
    scenario: Callable[[Ledger, FakeFirestore], None],
    ledger: Ledger,
    firestore: FakeFirestore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario(ledger, firestore)
    entries = [entry_of(record) for record in records(capsys)]
    assert entries
    counted = {name: sum(matches(metric["filter"], entry) for entry in entries) for name, metric in METRICS.items()}
    assert counted == {name: COUNTED[name].get(scenario, 0) for name in METRICS}
    for name, metric in METRICS.items():
        for extractor in (*metric.get("labelExtractors", {}).values(), metric.get("valueExtractor")):
            for entry in entries:
                if extractor and matches(metric["filter"], entry):
                    assert field(entry, extractor.removeprefix("EXTRACT(").removesuffix(")")) is not None, name


def test_every_metric_has_a_scenario() -> None:
    assert COUNTED.keys() == METRICS.keys()
    assert all(COUNTED.values())


def test_a_filter_counts_only_records_of_functions(capsys: pytest.CaptureFixture[str]) -> None:
    logs.info("purchase.credited", "Successfully added 1 tokens")
    (record,) = records(capsys)
    elsewhere = {**entry_of(record), "resource": {"type": "gce_instance"}}
    assert not matches(METRICS["purchase_outcomes"]["filter"], elsewhere)


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
    return set(re.findall(r"logging\.googleapis\.com/user/(\w+)", text))


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
