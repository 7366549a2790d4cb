"""How long a client may keep one of the server's threads busy with its request.

functions-framework serves a function with gunicorn's threaded worker. That waits for the rest of a request as long as
the client likes. When it closes a connection, it waits again for the client to do the same, on the one thread that
accepts connections. As many unfinished requests as there are threads would stop an instance, so here a request has
seconds to arrive.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.config import Postfork
from gunicorn.workers.gthread import TConn, ThreadWorker

REQUEST_S = 5.0  # for all of a request, from its first byte on; a webhook's 512 KiB need 0.1 MB/s
_CHECK_S = 0.5
_HANG_UP_S = 0.5  # for a client to read the answer and close
_PIECE_BYTES = 64 * 1024
_REQUEST_LINE_MAX_BYTES = 8_190


def bound_requests() -> None:
    """Bound the requests of the server that this process starts next.

    functions-framework hands gunicorn no settings of ours. The default of its hook `post_fork` is the way in.
    """
    Postfork.default = staticmethod(_bound)


def _bound(_arbiter: object, worker: object) -> None:
    """Bound a worker's requests; gunicorn calls this in the worker's process."""
    if isinstance(worker, ThreadWorker):
        worker.cfg.set("limit_request_line", _REQUEST_LINE_MAX_BYTES)  # functions-framework lifts the limit
        worker.handle = _Deadlines().around(worker.handle)


class _Deadlines:
    """Ends the receiving on connections whose request takes too long."""

    def __init__(self) -> None:
        self._deadlines: dict[socket.socket, float] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def around(self, handle: Callable[[TConn], Any]) -> Callable[[TConn], Any]:
        """Return gunicorn's handler of one request with a deadline; a false answer of it closes the connection."""

        def bounded(connection: TConn) -> object:
            self._deadlines[connection.sock] = time.monotonic() + REQUEST_S
            try:
                stays_open = handle(connection)
                if not stays_open:
                    _hang_up(connection.sock)
                return stays_open
            finally:
                del self._deadlines[connection.sock]

        return bounded

    def _watch(self) -> None:
        while True:
            time.sleep(_CHECK_S)
            now = time.monotonic()
            for connection, deadline in list(self._deadlines.items()):
                if deadline <= now:
                    _stop_receiving(connection)


def _hang_up(connection: socket.socket) -> None:
    """End the answer, and take what the client is still sending: a reset might cost it the answer."""
    deadline = time.monotonic() + REQUEST_S
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_HANG_UP_S)
        while connection.recv(_PIECE_BYTES) and time.monotonic() < deadline:
            pass
    _stop_receiving(connection)


def _stop_receiving(connection: socket.socket) -> None:
    """Let whoever reads from the connection find its end, now and from now on."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
