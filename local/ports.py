"""Ports on this machine: the usual one if it is free, otherwise any free one."""

import secrets
import socket

HOST = "127.0.0.1"

# Below the range that the kernel uses for outgoing connections (32768 and up on Linux), so that nothing takes a port
# between its choice and the moment when its program listens.
_LOWEST, _HIGHEST = 20_000, 32_000


class Ports:
    """Hands out ports, each only once on this machine until `close`, even to stacks that start at the same moment."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def choose(self, preferred: int | None = None) -> int:
        """Return `preferred` if it is free, otherwise another free port."""
        port = preferred or self._random()
        while not self._claim(port):
            port = self._random()
        return port

    def close(self) -> None:
        """Release the ports."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()

    def _claim(self, port: int) -> bool:
        """Claim an unused port by binding the UDP port of the same number, which no program here uses.

        The kernel gives a UDP port to one process at a time, and releases it if that process crashes.
        """
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind((HOST, port))
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return _is_free(port)

    @staticmethod
    def _random() -> int:
        return _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)


def answers(port: int) -> bool:
    """Whether something on this machine accepts connections at the port."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # Connections of a stack that has just stopped linger for a minute, but do not keep others from listening.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
        return True
