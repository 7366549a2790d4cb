"""The Python client against docs/openapi.yaml: it sends bodies that the API takes, and understands what it answers."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests import openapi
from token_economy import ReservationAnswer, Tokens, TransactionAnswer, errors

GRANTS = "/grant_tokens"
SPEND_URL = "http://localhost:1"
GRANTS_URL = "http://localhost:2"

Answer = TransactionAnswer | ReservationAnswer
# Each call as plain as it can be, and with everything it takes.
CALLS: dict[str, list[Callable[[Tokens], Answer]]] = {
    "/": [lambda tokens: tokens.spend("u1", 10, key="picture-1", reason="one picture")],
    "/reservations": [
        lambda tokens: tokens.open_reservation("u1", 500, key="job-1", reason="chat"),
        lambda tokens: tokens.open_reservation(
            "u1", 500, key="job-1", reason="chat", at_least=100, expires_in_s=60, on_expiry="release"
        ),
    ],
    "/reservations/renew": [
        lambda tokens: tokens.renew("u1", key="job-1"),
        lambda tokens: tokens.renew("u1", key="job-1", used=120, expires_in_s=60),
    ],
    "/reservations/capture": [lambda tokens: tokens.capture("u1", 320, key="job-1")],
    "/reservations/release": [lambda tokens: tokens.release("u1", key="job-1")],
    "/reversals": [
        lambda tokens: tokens.reverse_spend("u1", "job-1", key="back-1", reason="blurred"),
        lambda tokens: tokens.reverse_spend("u1", "job-1", key="back-1", reason="blurred", amount=20),
    ],
    GRANTS: [
        lambda tokens: tokens.grant("u1", 20, key="welcome", reason="welcome"),
        lambda tokens: tokens.grant("u1", 20, key="welcome", reason="welcome", expires_in_days=10, priority=0),
    ],
}
each_path = pytest.mark.parametrize("path", CALLS)


def examples(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield status and body of every example of an answer at a path."""
    for status, response in openapi.responses(path, "post").items():
        for example in response["content"]["application/json"]["examples"].values():
            yield status, example["value"]


def answered(path: str, call: Callable[[Tokens], Answer], status: int, body: object) -> tuple[httpx.Request, Answer]:
    """Return the request that a call makes, and what it makes of an answer."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status, json=body)

    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        answer = call(Tokens(SPEND_URL, grants_url=GRANTS_URL, http=http, budget_s=0))
    return requests[0], answer


def test_the_client_has_every_path_for_trusted_backends() -> None:
    described = {path for path, item in openapi.spec()["paths"].items() if "servers" in item}

    assert set(CALLS) == described


@each_path
def test_the_bodies_it_sends_are_those_of_the_api(path: str) -> None:
    schema = openapi.spec()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    status, body = next(examples(path))
    assert status == 200

    for call in CALLS[path]:
        request, _ = answered(path, call, status, body)

        assert str(request.url) == (f"{GRANTS_URL}/" if path == GRANTS else f"{SPEND_URL}{path}")
        assert openapi.problems_with(json.loads(request.content), schema) == []


@each_path
def test_it_reads_every_answer(path: str) -> None:
    for body in (body for status, body in examples(path) if status == 200):
        _, answer = answered(path, CALLS[path][0], 200, body)

        assert (answer.balance, answer.available) == (body["balance"], body["available"])
        if isinstance(answer, TransactionAnswer):
            assert answer.transaction.id == body["transaction"]["id"]
            assert answer.transaction.timestamp.tzinfo is not None
        else:
            assert answer.reservation.state == body["reservation"]["state"]
            assert answer.reservation.expires_at.tzinfo is not None


# These have no type of their own: a program cannot do anything about them.
PLAIN = {"not_found", "method_not_allowed", "request_timeout"}


@each_path
def test_every_error_of_the_api_has_a_type(path: str) -> None:
    for status, body in examples(path):
        code = body.get("error", {}).get("code")
        if status == 200:
            continue
        with pytest.raises(errors.TokensError) as raised:
            answered(path, CALLS[path][0], status, body)

        if status >= 500:
            assert type(raised.value) is errors.Unavailable, code
        elif code in PLAIN:
            assert type(raised.value) is errors.Refused, code
        else:
            assert isinstance(raised.value, errors.Refused)
            assert type(raised.value) is not errors.Refused, code
