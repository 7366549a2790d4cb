"""No request, however large, slow or unfinished, takes a function's memory or its threads.

Each function here is a process of its own, served as in a deployment.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.serving import Served, serving
from tests.stripe_events import SECRET, load, raw, signature

SETTINGS = {
    "GOOGLE_CLOUD_PROJECT": "demo",
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",  # nobody is there: nothing here is published
}
MIB = 1024 * 1024
HUGE_MIB = 32  # as much as Cloud Run lets through in one request
ATTACKERS = 16
GROWTH_MIB = 150
HALF_SENT = 100
DELAY_S = 25
HEAD = "POST {path} HTTP/1.1\r\nHost: function\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving("stripe_webhook", SETTINGS, tmp_path_factory.mktemp("webhook")) as served:
        assert good_webhook(served) == httpx.codes.OK
        yield served


def good_webhook(served: Served) -> int:
    """Deliver a signed event that no subscription wants, and return the status."""
    body = raw({**load("completed_paid"), "type": "product.updated"})
    headers = {"Stripe-Signature": signature(body)}
    return httpx.post(served.url, content=body, headers=headers, timeout=DELAY_S).status_code


def with_length(path: str) -> Iterator[bytes]:
    yield f"{HEAD.format(path=path)}Content-Length: {HUGE_MIB * MIB}\r\n\r\n".encode()
    for _ in range(HUGE_MIB):
        yield b"x" * MIB


def in_chunks(path: str) -> Iterator[bytes]:
    yield f"{HEAD.format(path=path)}Transfer-Encoding: chunked\r\n\r\n".encode()
    for _ in range(HUGE_MIB):
        yield f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    yield b"0\r\n\r\n"


def in_the_address(path: str) -> Iterator[bytes]:
    yield f"GET {path}?".encode()
    for _ in range(HUGE_MIB):
        yield b"x" * MIB


def answer_to(port: int, parts: Iterator[bytes]) -> str:
    """Send a request as long as the function takes it, and return the status it answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(OSError):
            for part in parts:
                connection.sendall(part)
        try:
            return connection.recv(12).decode().removeprefix("HTTP/1.1 ")
        except ConnectionResetError:  # it hung up before all was sent
            return "reset"


@pytest.mark.parametrize(
    ("request_of", "path", "statuses"),
    [
        (with_length, "/", {"413"}),
        (in_chunks, "/", {"413"}),
        (with_length, "/robots.txt", {"404", "reset"}),  # functions-framework answers this path itself
        (in_the_address, "/", {"414", "reset"}),
    ],
    ids=["length", "chunks", "framework's path", "address"],
)
def test_huge_requests_take_no_memory(
    webhook: Served, request_of: Callable[[str], Iterator[bytes]], path: str, statuses: set[str]
) -> None:
    idle = webhook.resident_mib()
    peak = idle
    with ThreadPoolExecutor(ATTACKERS) as attackers:
        answers = [attackers.submit(answer_to, webhook.port, request_of(path)) for _ in range(ATTACKERS)]
        while not all(answer.done() for answer in answers):
            peak = max(peak, webhook.resident_mib())

    assert set(Counter(answer.result() for answer in answers)) <= statuses
    assert peak - idle < GROWTH_MIB


def test_a_refused_body_that_is_sent_to_its_end_gets_its_answer(webhook: Served) -> None:
    assert httpx.post(webhook.url, content=b"x" * MIB).status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


UNFINISHED = {
    "nothing": "",
    "head": HEAD.format(path="/"),
    "body": HEAD.format(path="/") + "Content-Length: 100\r\n\r\n{",
    "chunk": HEAD.format(path="/") + "Transfer-Encoding: chunked\r\n\r\n1\r\n{",
    "unread body": HEAD.format(path="/").replace("POST", "PUT") + "Content-Length: 100\r\n\r\n{",
    "framework's path": HEAD.format(path="/robots.txt") + "Content-Length: 100\r\n\r\n{",
}


def test_half_sent_requests_delay_a_good_one_by_seconds(webhook: Served) -> None:
    """Some of the attackers go on sending, a byte now and then."""
    with ExitStack() as stack:
        connections = []
        for number in range(HALF_SENT):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", webhook.port)))
            connection.sendall(list(UNFINISHED.values())[number % len(UNFINISHED)].encode())
            connections.append(connection)
        over = threading.Event()
        drips = threading.Thread(target=drip, args=(connections[::3], over))
        drips.start()
        try:
            delays = [seconds_of_good_webhook(webhook) for _ in range(5)]
        finally:
            over.set()
            drips.join()

    assert max(delays) < DELAY_S


def drip(connections: list[socket.socket], over: threading.Event) -> None:
    while not over.wait(1):
        for connection in connections:
            with suppress(OSError):
                connection.sendall(b" ")


def seconds_of_good_webhook(served: Served) -> float:
    begun = time.monotonic()
    assert good_webhook(served) == httpx.codes.OK
    return time.monotonic() - begun


@pytest.mark.parametrize("kind", ["body", "chunk"])
def test_a_body_that_does_not_arrive_is_408(webhook: Served, kind: str) -> None:
    assert answer_to(webhook.port, iter([UNFINISHED[kind].encode()])) == "408"


def test_hostile_requests_leave_no_stack_trace(webhook: Served) -> None:
    """Whoever can write errors into the log at will can hide one among them, and wake somebody."""
    log = webhook.log.read_text()

    assert "Traceback" not in log
    assert '"severity": "ERROR"' not in log
