"""A threaded server for the simulator, as a process of its own or within a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from stripe_simulator.app import create_app
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.settings import Settings


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open between requests, and logs none of them."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the events say what happened."""


def make(settings: Settings) -> tuple[BaseWSGIServer, Simulator]:
    """Make a server that listens already; port 0 takes a free one."""
    simulator = Simulator(settings)
    server = make_server(
        settings.host, settings.port, create_app(simulator), threaded=True, request_handler=_QuietHandler
    )
    port = server.server_port
    simulator.settings = replace(settings, port=port, base_url=settings.base_url or f"http://localhost:{port}")
    return server, simulator


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve a simulator on a thread for as long as the context lasts; gives its base URL."""
    server, simulator = make(settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="stripe-simulator")
    thread.start()
    try:
        yield simulator.settings.base_url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        simulator.stop()
