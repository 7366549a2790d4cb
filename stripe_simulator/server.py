"""A threaded server for the simulator, as a process of its own or inside a test."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from stripe_simulator.app import create_app
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.settings import Settings

_DISCARD_UNSENT = struct.pack("ii", 1, 0)


class _Handler(WSGIRequestHandler):
    """Logs no requests, since the events say what happened, and breaks connections off for faults."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""

    def connection_dropped(self, error: BaseException, environ: dict[str, object] | None = None) -> None:
        """End the connection after an answer that broke off: with a reset if the fault raised one, else quietly."""
        del environ
        self.close_connection = True
        if isinstance(error, ConnectionResetError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD_UNSENT)
            os.close(self.connection.detach())


def make(settings: Settings) -> tuple[BaseWSGIServer, Simulator]:
    """Return a server that already listens, and its simulator; port 0 takes a free port."""
    simulator = Simulator(settings)
    server = make_server(settings.host, settings.port, create_app(simulator), threaded=True, request_handler=_Handler)
    port = server.server_port
    simulator.settings = replace(settings, port=port, base_url=settings.base_url or f"http://localhost:{port}")
    return server, simulator


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve a simulator on a thread for as long as the context lasts; yield its base URL."""
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
