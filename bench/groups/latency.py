"""How long a buyer waits: from the webhook's arrival until the new balance can be read."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from bench import wire
from bench.baselines.bare import calls
from bench.client import WrongAnswerError
from bench.lab import FUNCTIONS, Lab
from bench.measure import by_turns, percentile
from bench.results import Row, at_most
from local import pubsub_setup
from local.ports import HOST

_PURCHASES = 120
_POLL_S = 0.002
_DEADLINE_S = 30.0


class _Subscriber(ThreadingHTTPServer):
    """Takes pushes, and says when one came."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Push)
        self.came = threading.Event()


class _Push(BaseHTTPRequestHandler):
    server: _Subscriber

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.set()
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: ours in all, the emulator's own part, and the difference."""
    project = lab.project(topics=True)
    publisher = calls.publisher(lab.emulators.pubsub)
    with (
        lab.function("stripe_webhook", project) as webhook,
        lab.function("credit_tokens", project) as credit,
        lab.function("get_balance", project) as balance,
        _subscriber() as subscriber,
    ):
        pubsub_setup.set_up(lab.emulators.pubsub, project, [FUNCTIONS["credit_tokens"]], {"credit_tokens": credit.url})
        topic = _bare_topic(lab.emulators.pubsub, project, f"http://{HOST}:{subscriber.server_port}/")
        hook, reader = webhook.caller(), balance.caller()

        def purchase(number: int) -> float:
            uid = f"buyer-{number}"
            event, read = wire.webhook(wire.purchase(uid, 0)), wire.get(uid, project)
            begun = time.perf_counter()
            hook.ask(event)
            while reader.ask(read).fields["balance"] != wire.TOKENS:
                time.sleep(_POLL_S)
                if time.perf_counter() - begun > _DEADLINE_S:
                    raise WrongAnswerError(f"{uid} was not credited")
            return (time.perf_counter() - begun) * 1000

        def bare_push(_number: int) -> float:
            subscriber.came.clear()
            begun = time.perf_counter()
            calls.publish(publisher, topic, b"{}")
            if not subscriber.came.wait(_DEADLINE_S):
                raise WrongAnswerError("The emulator did not push")
            return (time.perf_counter() - begun) * 1000

        bought, pushed = by_turns(_PURCHASES, purchase, bare_push)
    for percent in (50, 99):
        ours, theirs = percentile(bought, percent), percentile(pushed, percent)
        name = f"webhook posted → balance readable, less a bare push, ms: p{percent}"
        yield Row(name, ours - theirs, at_most(40), f"{ours:.0f} and {theirs:.0f} ms")


@contextmanager
def _subscriber() -> Iterator[_Subscriber]:
    with _Subscriber() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _bare_topic(emulator: str, project: str, endpoint: str) -> str:
    """Make a topic whose one subscription pushes to an endpoint; return the topic's name."""
    topic = f"projects/{project}/topics/bare"
    with httpx.Client(base_url=f"http://{emulator}/v1/") as pubsub:
        pubsub.put(topic, json={}).raise_for_status()
        subscription = {"topic": topic, "pushConfig": {"pushEndpoint": endpoint}}
        pubsub.put(f"projects/{project}/subscriptions/bare", json=subscription).raise_for_status()
    return topic
