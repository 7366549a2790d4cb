"""Users and backends under load: each thread acts again and again, and notes what it was told."""

import json
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from urllib.parse import urlsplit

import httpx

from bench import wire
from bench.client import Request
from local.stack import Endpoints
from reliability.expectations import Answers
from reliability.load.measurements import Requests

_PURCHASES_MAX = 4  # of one user: the hourly limit is 5
_REFUNDED_SHARE = 0.2
_TIMEOUT_S = 60.0
_ATTEMPTS = 20
_RETRY_S = 0.25
_SLOW_PAUSE_S = 0.4
_FINAL = {HTTPStatus.OK, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}


@dataclass
class Person:
    """A user of the app: has this many purchases, of which these sessions may be refunded."""

    uid: str
    purchases: int = 0
    sessions: list[str] = field(default_factory=list)


class Users:
    """One thread's users, and the requests they cause."""

    def __init__(self, endpoints: Endpoints, number: int, seed: int, requests: Requests, answers: Answers) -> None:
        self._endpoints = endpoints
        self._random = random.Random(f"{seed}:{number}")  # noqa: S311 - what users do, not a secret
        self._requests = requests
        self._answers = answers
        self._http = httpx.Client(timeout=_TIMEOUT_S)
        self._number = number
        self._keys = count()
        self.people = [Person(f"load-{number}-0")]

    def act_until(self, deadline: float) -> None:
        """Do one thing after another."""
        actions: list[tuple[Callable[[Person], None], int]] = [
            (self._spend, 50),
            (self._spend_twice_at_once, 6),
            (self._run_job, 10),
            (self._read_balance, 14),
            (self._read_history, 8),
            (self._buy, 10),
            (self._refund, 2),
        ]
        acts, weights = zip(*actions, strict=True)
        with self._http:
            self._buy(self.people[0])
            while time.monotonic() < deadline:
                [act] = self._random.choices(acts, weights)
                act(self._random.choice(self.people[-3:]))

    # --- what they do

    def _buy(self, person: Person) -> None:
        if person.purchases >= _PURCHASES_MAX:
            person = Person(f"load-{self._number}-{len(self.people)}")
            self.people.append(person)
        request = wire.checkout(person.uid, self._endpoints.project)
        url = f"{self._endpoints.web}/api/tokens/create-checkout-session"
        answer = self._send("buy", lambda: self._http.post(url, content=request.body, headers=request.headers))
        if answer is not None and answer.status_code == HTTPStatus.OK:
            session = str(answer.json()["session_id"])
            pay = f"{self._endpoints.stripe}/_sim/sessions/{session}/pay"
            self._send("pay (simulator)", lambda: self._http.post(pay, json={}))
            person.purchases += 1
            person.sessions.append(session)

    def _refund(self, person: Person) -> None:
        if not person.sessions or self._random.random() > _REFUNDED_SHARE:
            return
        authorization = {"Authorization": f"Bearer {self._endpoints.stripe_secret_key}"}
        stripe = f"{self._endpoints.stripe}/v1"
        session = person.sessions.pop()
        paid = self._http.get(f"{stripe}/checkout/sessions/{session}", headers=authorization).json()
        body = {"payment_intent": paid["payment_intent"]}
        url = f"{stripe}/refunds"
        self._send("refund (simulator)", lambda: self._http.post(url, data=body, headers=authorization))

    def _read_balance(self, person: Person) -> None:
        self._read("read the balance", person, "/api/tokens/balance")

    def _read_history(self, person: Person) -> None:
        self._read("read the history", person, "/api/tokens/transactions")

    def _read(self, operation: str, person: Person, path: str) -> None:
        headers = wire.authorization(person.uid, self._endpoints.project)
        self._send(operation, lambda: self._http.get(self._endpoints.web + path, headers=headers))

    def _spend(self, person: Person) -> None:
        key = self._key()
        if self._spend_with(person, key) == HTTPStatus.PAYMENT_REQUIRED:
            self._answers.refuse(person.uid, key)

    def _spend_twice_at_once(self, person: Person) -> None:
        key = self._key()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: self._spend_with(person, key), range(2)))

    def _run_job(self, person: Person) -> None:
        """Reserve, and capture some of it."""
        key = self._key()
        if self._backend("reserve", wire.reserve(person.uid, key, 3)) != HTTPStatus.OK:
            return
        self._answers.give_up(person.uid, key)
        if self._backend("capture", wire.capture(person.uid, key, 2)) == HTTPStatus.OK:
            self._answers.accept(person.uid, key, 2)

    def _spend_with(self, person: Person, key: str) -> int:
        self._answers.give_up(person.uid, key)
        status = self._backend("spend", wire.spend(person.uid, key))
        if status == HTTPStatus.OK:
            self._answers.accept(person.uid, key, 1)
        return status

    # --- how

    def _key(self) -> str:
        return f"{self._number}-{next(self._keys)}"

    def _backend(self, operation: str, request: Request) -> int:
        url = self._endpoints.functions["spend_tokens"] + request.path
        answer = self._send(operation, lambda: self._http.post(url, content=request.body, headers=request.headers))
        return answer.status_code if answer is not None else 0

    def _send(self, operation: str, send: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Send until there is a final answer; each attempt is measured. None when there is no such answer."""
        for _ in range(_ATTEMPTS):
            began = time.monotonic()
            try:
                answer = send()
            except httpx.HTTPError:
                self._requests.add(operation, began, 0)
            else:
                self._requests.add(operation, began, answer.status_code)
                if answer.status_code in _FINAL or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    return answer
            time.sleep(_RETRY_S)
        return None


def dawdle_until(endpoints: Endpoints, deadline: float, requests: Requests) -> None:
    """Be a slow client: send a request byte by byte, for longer than a function waits for one."""
    body = json.dumps({"user_id": "slow", "amount": 1, "reason": "slow", "idempotency_key": "slow"}).encode()
    address = urlsplit(endpoints.functions["spend_tokens"])
    lines = ("POST / HTTP/1.1", f"Host: {address.netloc}", "Content-Type: application/json")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    while time.monotonic() < deadline:
        began = time.monotonic()
        with socket.create_connection((address.hostname, address.port), timeout=_TIMEOUT_S) as connection:
            requests.add("slow client", began, _dawdle(connection, head.encode(), body))


def _dawdle(connection: socket.socket, head: bytes, body: bytes) -> int:
    """Send a body slowly until there is an answer, and return its status; 0 when there is none."""
    try:
        connection.sendall(head)
        connection.settimeout(_SLOW_PAUSE_S)
        for byte in body:
            connection.sendall(bytes([byte]))
            try:
                line = connection.recv(64)
            except TimeoutError:
                continue
            return int(line.split()[1]) if line else 0
    except OSError:
        pass
    return 0
