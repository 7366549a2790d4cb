"""Webhooks of the simulator at a real endpoint, verified by Stripe's own library."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import stripe

from stripe_simulator.engine.webhooks import sign
from stripe_simulator.server import serving
from stripe_simulator.settings import Settings

KEY = "sk_test_webhooks"
SECRET = "whsec_first"
ROLLED_SECRET = "whsec_second"
DEADLINE_S = 10


@dataclass(frozen=True)
class Arrival:
    body: bytes
    signature: str
    status: int

    def event(self, secret: str = SECRET) -> stripe.Event:
        event: stripe.Event = stripe.Webhook.construct_event(self.body, self.signature, secret)
        return event


class ManyAtOnce(ThreadingHTTPServer):
    request_queue_size = 128


class Endpoint:
    """A webhook endpoint that keeps what arrives; `answers` says what it answers next, 200 once they are used up."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.arrivals: list[Arrival] = []
        self.at_once: threading.Barrier | None = None
        self._changed = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = endpoint.receive(body, self.headers["Stripe-Signature"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Stay quiet."""

        self.server = ManyAtOnce(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"

    def receive(self, body: bytes, signature: str) -> int:
        if self.at_once is not None:
            self.at_once.wait(timeout=DEADLINE_S)
        with self._changed:
            status = self.answers.pop(0) if self.answers else 200
            self.arrivals.append(Arrival(body, signature, status))
            self._changed.notify_all()
        return status

    def wait_for(self, count: int) -> list[Arrival]:
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.arrivals) >= count, DEADLINE_S)
            assert arrived, f"{len(self.arrivals)} of {count} webhooks arrived"
            return list(self.arrivals)


@contextmanager
def listening() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.server.shutdown()
        thread.join()
        endpoint.server.server_close()


@dataclass(frozen=True)
class Stripe:
    """A running simulator and the endpoint that its environment names."""

    http: httpx.Client
    endpoint: Endpoint

    def customer(self) -> str:
        answer = self.http.post("/v1/customers", data={"email": "ada@example.com"})
        return str(answer.json()["id"])

    def mode(self, mode: str) -> None:
        assert self.http.post("/_sim/webhooks", json={"mode": mode}).json()["mode"] == mode

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
    with stripe_with() as made:
        yield made


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
def test_what_is_not_2xx_is_retried_until_it_is(running: Stripe, refusal: int) -> None:
    running.endpoint.answers = [refusal, refusal]
    running.customer()
    arrivals = running.endpoint.wait_for(3)
    assert [arrival.status for arrival in arrivals] == [refusal, refusal, 200]
    assert len({arrival.event().id for arrival in arrivals}) == 1
    summary = running.wait_until_idle()
    assert (summary["attempts"], summary["delivered"], summary["failed"]) == (3, 1, 0)


def test_each_attempt_is_signed_anew() -> None:
    with stripe_with(retry_first_s=1.3) as running:
        running.endpoint.answers = [500]
        running.customer()
        first, second = running.endpoint.wait_for(2)
        assert first.signature != second.signature
        assert first.event().id == second.event().id


def test_an_event_that_never_arrives_is_given_up_and_found() -> None:
    with stripe_with(attempts_max=3) as running:
        running.endpoint.answers = [500] * 3
        customer = running.customer()
        assert running.wait_until_idle()["failed"] == 1
        assert [event["data"]["object"]["id"] for event in running.undelivered()] == [customer]


def test_an_endpoint_that_is_away_is_tried_again() -> None:
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
        made = [running.customer() for _ in range(20)]
        running.wait_until_idle()
        arrived = [arrival.event().data.object["id"] for arrival in running.endpoint.wait_for(20)]
        assert Counter(arrived) == Counter(made)
        assert arrived != made


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
        made = running.http.post("/v1/webhook_endpoints", data=form).json()
        running.customer()
        assert second.wait_for(1)[0].event(made["secret"]).type == "customer.created"
        listed = running.http.get("/v1/webhook_endpoints").json()["data"]
        assert ["secret" in endpoint for endpoint in listed] == [False, False]
        changed = running.http.post(f"/v1/webhook_endpoints/{made['id']}", data={"disabled": "true"}).json()
        assert changed["status"] == "disabled"
        assert running.http.delete(f"/v1/webhook_endpoints/{made['id']}").json()["deleted"]
        running.customer()
        running.endpoint.wait_for(2)
        running.wait_until_idle()
        assert len(second.arrivals) == 1


def test_an_unknown_mode_is_refused(running: Stripe) -> None:
    assert running.http.post("/_sim/webhooks", json={"mode": "lose"}).status_code == 400
