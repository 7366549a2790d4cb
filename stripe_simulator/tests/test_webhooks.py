"""Webhooks of the simulator at a real endpoint, verified by Stripe's own library."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe

from stripe_simulator.engine.signatures import sign
from stripe_simulator.server import serving
from stripe_simulator.settings import Settings
from stripe_simulator.tests.endpoint import DEADLINE_S, SECRET, Endpoint, listening

KEY = "sk_test_webhooks"
ROLLED_SECRET = "whsec_second"


@dataclass(frozen=True)
class Stripe:
    """A running simulator and the endpoint that its environment names."""

    http: httpx.Client
    endpoint: Endpoint

    def customer(self) -> str:
        answer = self.http.post("/v1/customers", data={"email": "ada@example.com"})
        return str(answer.json()["id"])

    def mode(self, mode: str, **plan: object) -> None:
        assert self.http.post("/_sim/webhooks", json={"mode": mode, **plan}).json()["mode"] == mode

    def deliveries(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.http.get("/_sim/webhooks").json()
        return summary

    def undelivered(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.http.get("/v1/events", params={"delivery_success": "false"}).json()["data"]
        return events

    def wait_until_idle(self) -> dict[str, Any]:
        wait_until(lambda: bool(self.deliveries()["idle"]))
        return self.deliveries()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


@contextmanager
def stripe_with(**settings: object) -> Iterator[Stripe]:
    with ExitStack() as stack:
        endpoint = stack.enter_context(listening())
        given: Any = {"webhook_urls": (endpoint.url,), "webhook_secrets": (SECRET,), "retry_first_s": 0.02, **settings}
        url = stack.enter_context(serving(Settings(port=0, secret_key=KEY, **given)))
        yield Stripe(stack.enter_context(httpx.Client(base_url=url, auth=(KEY, ""), verify=False)), endpoint)


@pytest.fixture
def running() -> Iterator[Stripe]:
    with stripe_with() as stripe_side:
        yield stripe_side


def test_a_webhook_is_signed_and_carries_the_event(running: Stripe) -> None:
    customer = running.customer()
    event = running.endpoint.wait_for(1)[0].event()
    assert (event.type, event.data.object["id"], event.pending_webhooks) == ("customer.created", customer, 1)
    assert running.wait_until_idle()["delivered"] == 1
    listed = running.http.get(f"/v1/events/{event.id}").json()
    assert listed["pending_webhooks"] == 0
    assert running.undelivered() == []
    with pytest.raises(stripe.SignatureVerificationError):
        running.endpoint.arrivals[0].event("whsec_wrong")


def test_while_a_secret_is_rolled_both_verify() -> None:
    with stripe_with(webhook_secrets=(SECRET, ROLLED_SECRET)) as running:
        running.customer()
        arrival = running.endpoint.wait_for(1)[0]
        assert arrival.event(SECRET).id == arrival.event(ROLLED_SECRET).id


def test_the_signature_is_stripes_scheme() -> None:
    header = sign('{"id": "evt_1"}', (SECRET,), 1_700_000_000)
    assert header.startswith("t=1700000000,v1=")
    assert stripe.WebhookSignature.verify_header('{"id": "evt_1"}', header, SECRET)


@pytest.mark.parametrize("refusal", [302, 400, 500])
def test_any_answer_but_2xx_is_retried(running: Stripe, refusal: int) -> None:
    running.endpoint.answers = [refusal, refusal]
    running.customer()
    arrivals = running.endpoint.wait_for(3)
    assert [arrival.status for arrival in arrivals] == [refusal, refusal, 200]
    assert len({arrival.event().id for arrival in arrivals}) == 1
    summary = running.wait_until_idle()
    assert (summary["attempts"], summary["delivered"], summary["failed"]) == (3, 1, 0)


def test_each_attempt_is_signed_again() -> None:
    with stripe_with(retry_first_s=1.3) as running:
        running.endpoint.answers = [500]
        running.customer()
        first, second = running.endpoint.wait_for(2)
        assert first.signature != second.signature
        assert first.event().id == second.event().id


def test_an_undeliverable_event_is_given_up_and_can_be_found() -> None:
    with stripe_with(attempts_max=3) as running:
        running.endpoint.answers = [500] * 3
        customer = running.customer()
        assert running.wait_until_idle()["failed"] == 1
        assert [event["data"]["object"]["id"] for event in running.undelivered()] == [customer]


def test_an_unreachable_endpoint_is_retried() -> None:
    with stripe_with(webhook_urls=("http://127.0.0.1:9/",), attempts_max=2) as running:
        running.customer()
        summary = running.wait_until_idle()
        assert (summary["attempts"], summary["failed"]) == (2, 1)


def test_dropped_events_stay_undelivered_and_can_be_resent(running: Stripe) -> None:
    running.mode("drop")
    lost = running.customer()
    running.mode("deliver")
    found = running.customer()
    arrivals = running.endpoint.wait_for(1)
    assert arrivals[0].event().data.object["id"] == found
    summary = running.wait_until_idle()
    assert (summary["dropped"], summary["delivered"]) == (1, 1)
    missed = running.undelivered()
    assert [event["data"]["object"]["id"] for event in missed] == [lost]
    resent = running.http.post(f"/_sim/events/{missed[0]['id']}/resend").json()["deliveries"]
    assert [delivery["status"] for delivery in resent] == [200]
    assert running.undelivered() == []


def test_duplicates_arrive_twice_at_once(running: Stripe) -> None:
    running.endpoint.at_once = threading.Barrier(2)
    running.mode("duplicate")
    running.customer()
    arrivals = running.endpoint.wait_for(2)
    assert len({arrival.event().id for arrival in arrivals}) == 1
    assert running.wait_until_idle()["delivered"] == 2


def test_shuffled_events_all_arrive_in_another_order() -> None:
    with stripe_with(shuffle_window_s=0.2) as running:
        running.mode("shuffle")
        created = [running.customer() for _ in range(20)]
        running.wait_until_idle()
        arrived = [arrival.event().data.object["id"] for arrival in running.endpoint.wait_for(20)]
        assert Counter(arrived) == Counter(created)
        assert arrived != created


def test_an_event_is_resent_many_times_at_once(running: Stripe) -> None:
    running.customer()
    event = running.endpoint.wait_for(1)[0].event()
    running.endpoint.at_once = threading.Barrier(20)
    answer = running.http.post(f"/_sim/events/{event.id}/resend", json={"times": 20}, timeout=DEADLINE_S)
    assert [delivery["status"] for delivery in answer.json()["deliveries"]] == [200] * 20
    assert {arrival.event().id for arrival in running.endpoint.wait_for(21)} == {event.id}
    assert running.http.post(f"/_sim/events/{event.id}/resend", json={"times": 0}).status_code == 400
    assert running.http.post("/_sim/events/evt_missing/resend").status_code == 404


def test_a_created_endpoint_gets_what_it_listens_to_until_it_is_deleted(running: Stripe) -> None:
    with listening() as second:
        form = {"url": second.url, "enabled_events[]": "product.created", "enabled_events[1]": "customer.created"}
        registered = running.http.post("/v1/webhook_endpoints", data=form).json()
        running.customer()
        assert second.wait_for(1)[0].event(registered["secret"]).type == "customer.created"
        listed = running.http.get("/v1/webhook_endpoints").json()["data"]
        assert ["secret" in endpoint for endpoint in listed] == [False, False]
        changed = running.http.post(f"/v1/webhook_endpoints/{registered['id']}", data={"disabled": "true"}).json()
        assert changed["status"] == "disabled"
        assert running.http.delete(f"/v1/webhook_endpoints/{registered['id']}").json()["deleted"]
        running.customer()
        running.endpoint.wait_for(2)
        running.wait_until_idle()
        assert len(second.arrivals) == 1


def test_delayed_events_arrive_late(running: Stripe) -> None:
    running.mode("delay", delay_s=0.3)
    before = time.monotonic()
    running.customer()
    assert not running.deliveries()["idle"]
    running.endpoint.wait_for(1)
    assert time.monotonic() - before >= 0.3


def test_a_mode_can_be_for_some_types_only(running: Stripe) -> None:
    running.mode("drop", types=["customer.updated", "charge.*"])
    customer = running.customer()
    running.http.post(f"/v1/customers/{customer}", data={"name": "Ada"})
    assert running.wait_until_idle()["dropped"] == 1
    assert [arrival.event().type for arrival in running.endpoint.wait_for(1)] == ["customer.created"]
    running.mode("deliver")
    assert running.deliveries()["types"] == ["*"]


@pytest.mark.parametrize("wrong", [{"mode": "lose"}, {"types": "*"}, {"delay_s": -1}, {"connected": "yes"}, {"mod": 1}])
def test_a_wrong_plan_is_refused(running: Stripe, wrong: dict[str, object]) -> None:
    assert running.http.post("/_sim/webhooks", json=wrong).status_code == 400
