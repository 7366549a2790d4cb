"""A webhook endpoint for tests: it keeps what arrives, and answers what it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

SECRET = "whsec_first"
DEADLINE_S = 10


@dataclass(frozen=True)
class Arrival:
    body: bytes
    signature: str
    status: int

    def event(self, secret: str = SECRET) -> stripe.Event:
        event: stripe.Event = stripe.Webhook.construct_event(self.body, self.signature, secret)
        return event

    def json(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
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

    def wait_for_one(self, matches: Callable[[Arrival], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(matches, self.arrivals)), DEADLINE_S)


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
