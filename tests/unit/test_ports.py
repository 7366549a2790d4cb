"""local/ports.py: no two stacks on one machine get the same port, even if they start at the same moment."""

import socket
from collections.abc import Iterator

import pytest

from local.ports import HOST, Ports


@pytest.fixture
def ports() -> Iterator[Ports]:
    ports = Ports()
    yield ports
    ports.close()


@pytest.fixture
def others() -> Iterator[Ports]:
    others = Ports()
    yield others
    others.close()


def test_a_port_belongs_to_one_owner_until_it_is_released(ports: Ports, others: Ports) -> None:
    port = ports.choose()

    assert others.choose(port) != port
    assert ports.choose(port) != port
    ports.close()
    assert others.choose(port) == port


def test_a_port_in_use_is_not_handed_out(ports: Ports) -> None:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen()
        taken = listening.getsockname()[1]

        assert ports.choose(taken) != taken
