"""How long a buyer waits: from posting the webhook until the new balance is readable."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from bench import wire
from bench.baselines.bare import calls
from bench.client import UnexpectedResponseError
from bench.lab import FUNCTIONS, Lab
from bench.measure import interleaved, percentile
from bench.results import Row, at_most
from local import pubsub_setup
from local.ports import HOST

_PURCHASES = 120
_POLL_S = 0.002
_TIMEOUT_S = 30.0


class _Subscriber(ThreadingHTTPServer):
    """Accepts pushes, and sets `delivered` when one arrives."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _PushHandler)
        self.delivered = threading.Event()


class _PushHandler(BaseHTTPRequestHandler):
    server: _Subscriber

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.delivered.set()
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: ours, less the time that the emulator alone needs to push a message."""
    project = lab.project(topics=True)
    publisher = calls.publisher(lab.emulators.pubsub)
    with (
        lab.function("stripe_webhook", project) as webhook,
        lab.function("credit_tokens", project) as credit,
        lab.function("get_balance", project) as balance,
        _subscriber() as subscriber,
    ):
        urls = {"credit_tokens": credit.url}
        pubsub_setup.set_up(lab.emulators.pubsub, project, [FUNCTIONS["credit_tokens"]], urls)
        topic = _create_bare_topic(lab.emulators.pubsub, project, f"http://{HOST}:{subscriber.server_port}/")
        webhook_client, balance_client = webhook.client(), balance.client()

        def buy(number: int) -> float:
            uid = f"buyer-{number}"
            event, read = wire.webhook(wire.purchase(uid, 0)), wire.get(uid, project)
            start = time.perf_counter()
            webhook_client.send_ok(event)
            while balance_client.send_ok(read).fields["balance"] != wire.TOKENS:
                time.sleep(_POLL_S)
                if time.perf_counter() - start > _TIMEOUT_S:
                    raise UnexpectedResponseError(f"{uid} was not credited")
            return (time.perf_counter() - start) * 1000

        def push_bare(_number: int) -> float:
            subscriber.delivered.clear()
            start = time.perf_counter()
            calls.publish(publisher, topic, b"{}")
            if not subscriber.delivered.wait(_TIMEOUT_S):
                raise UnexpectedResponseError("The emulator pushed nothing")
            return (time.perf_counter() - start) * 1000

        purchases, pushes = interleaved(_PURCHASES, buy, push_bare)
    for percent in (50, 99):
        our_ms, push_ms = percentile(purchases, percent), percentile(pushes, percent)
        name = f"webhook posted → balance readable, less a bare push, ms: p{percent}"
        yield Row(name, our_ms - push_ms, at_most(40), f"{our_ms:.0f} and {push_ms:.0f} ms")


@contextmanager
def _subscriber() -> Iterator[_Subscriber]:
    with _Subscriber() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _create_bare_topic(emulator: str, project: str, endpoint: str) -> str:
    """Create a topic with one push subscription; return its name."""
    topic = f"projects/{project}/topics/bare"
    with httpx.Client(base_url=f"http://{emulator}/v1/") as pubsub:
        pubsub.put(topic, json={}).raise_for_status()
        subscription = {"topic": topic, "pushConfig": {"pushEndpoint": endpoint}}
        pubsub.put(f"projects/{project}/subscriptions/bare", json=subscription).raise_for_status()
    return topic
