"""The HTTP contract that the functions share."""

import json
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask, Request, Response
from werkzeug.test import EnvironBuilder

from shared.domain import errors
from shared.domain.errors import BadInput, TooLarge, WrongContentType
from shared.runtime import http
from tests.records import records

ORIGIN = "https://app.example"


def request(method: str = "GET", query: str = "", **options: object) -> Request:
    return Request(EnvironBuilder(method=method, query_string=query, **options).get_environ())  # type: ignore[arg-type] # werkzeug's own options


def answer(handler: Callable[[Request], object], asked: Request, *methods: str, **options: object) -> Response:
    with Flask(__name__).app_context():
        return http.endpoint(*(methods or ("GET",)), **options)(handler)(asked)  # type: ignore[arg-type] # any handler


def raising(error: Exception) -> Callable[[Request], object]:
    def handler(_: Request) -> object:
        raise error

    return handler


def test_a_handlers_fields_come_after_success() -> None:
    response = answer(lambda _: {"balance": 1}, request())

    assert (response.status_code, response.get_json()) == (200, {"success": True, "balance": 1})
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadInput("bad", "Bad"), 400, "bad"),
        (errors.NotSignedIn(), 401, "not_signed_in"),
        (TooLarge(1), 413, "too_large"),
        (WrongContentType(), 415, "unsupported_media_type"),
        (errors.LimitReached(7), 429, "purchase_limit"),
        (errors.StripeRefused(), 502, "stripe_refused"),
        (errors.Unavailable("busy"), 503, "busy"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_becomes_its_status_and_code(error: errors.RequestError, status: int, code: str) -> None:
    response = answer(raising(error), request())

    assert response.status_code == status
    assert response.get_json() == {"success": False, "error": {"code": code, "message": error.message}}
    assert error.headers.items() <= dict(response.headers).items()


@pytest.mark.parametrize("error", [errors.StripeRefused(), errors.Unavailable("busy")])
def test_a_server_error_is_recorded_with_its_trace(
    error: errors.RequestError, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(raising(error), request())

    [record] = records(capsys)
    assert (record["severity"], record["event"], record["code"]) == ("ERROR", "request.failed", error.code)
    assert type(error).__name__ in record["stack_trace"]


def test_a_callers_error_is_not_recorded_as_ours(capsys: pytest.CaptureFixture[str]) -> None:
    answer(raising(BadInput("bad", "Bad")), request())

    assert records(capsys) == []


def test_an_unforeseen_error_says_nothing_of_itself() -> None:
    response = answer(raising(RuntimeError("whsec_secret")), request())

    assert response.status_code == 500
    assert response.get_json()["error"]["code"] == "internal"
    assert b"whsec_secret" not in response.data


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [(ORIGIN, True), ("https://evil.example", False), ("null", False), (ORIGIN + ".evil", False), (None, False)],
)
def test_only_listed_origins_get_leave(origin: str | None, allowed: bool) -> None:
    headers = {"Origin": origin} if origin else {}

    response = answer(lambda _: {}, request(headers=headers), origins=frozenset({ORIGIN}))

    assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert response.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_errors_carry_the_leave_too_so_that_the_page_can_read_them() -> None:
    response = answer(raising(errors.LimitReached(7)), request(headers={"Origin": ORIGIN}), origins=frozenset({ORIGIN}))

    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Expose-Headers"] == "Retry-After"


def test_a_preflight_does_not_reach_the_handler() -> None:
    response = answer(raising(RuntimeError()), request("OPTIONS"))

    assert response.status_code == 204


def test_a_body_is_read_up_to_its_limit() -> None:
    assert http.read_body(request("POST", data=b"12345"), 5) == b"12345"
    with pytest.raises(TooLarge):
        http.read_body(request("POST", data=b"123456"), 5)


def test_a_body_that_tells_no_length_is_not_read_past_its_limit() -> None:
    endless = BytesIO(b"x" * 1_000)
    environ = EnvironBuilder(method="POST").get_environ()
    environ.update({"wsgi.input": endless, "wsgi.input_terminated": True})
    environ.pop("CONTENT_LENGTH", None)

    with pytest.raises(TooLarge):
        http.read_body(Request(environ), 5)
    assert endless.tell() <= 6


@pytest.mark.parametrize("body", [{"a": 1}, {}])
def test_a_json_object_is_read(body: dict[str, object]) -> None:
    asked = request("POST", data=json.dumps(body), content_type="application/json")

    assert http.json_object(asked) == body


@pytest.mark.parametrize(("text", "number"), [(None, 20), ("1", 1), ("100", 100), ("007", 7)])
def test_a_number_in_range_is_taken(text: str | None, number: int) -> None:
    query = "" if text is None else f"limit={text}"

    assert http.whole_number(request(query=query), "limit", default=20, least=1, most=100) == number
