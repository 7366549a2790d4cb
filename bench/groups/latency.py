"""How long a buyer waits: from posting the webhook until the new balance is readable."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench import wire
from bench.baselines.bare import calls
from bench.client import UnexpectedResponseError
from bench.lab import Lab
from bench.measure import interleaved, percentile
from bench.results import Row, at_most
from local.ports import HOST
from topology.topics import STRIPE_EVENTS

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
    project, bare_project = lab.project(), lab.project()
    publisher = calls.publisher(lab.emulators.pubsub)
    bare_topic = f"projects/{bare_project}/topics/{STRIPE_EVENTS}"
    with (
        lab.function("stripe_webhook", project) as webhook,
        lab.function("credit_tokens", project) as credit,
        lab.function("get_balance", project) as balance,
        _subscriber() as subscriber,
    ):
        # The same topics and the same subscription, so that the emulator has the same work with both.
        lab.create_topics(project, push_to=credit.url)
        lab.create_topics(bare_project, push_to=f"http://{HOST}:{subscriber.server_port}/")
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

        def push_bare(number: int) -> float:
            message = json.dumps(wire.purchase(f"bare-{number}", 0)).encode()
            subscriber.delivered.clear()
            start = time.perf_counter()
            calls.publish(publisher, bare_topic, message)
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
