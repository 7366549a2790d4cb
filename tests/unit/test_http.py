"""The HTTP contract that the functions share."""

import json
from collections.abc import Callable
from io import BytesIO

import functions_framework
import pytest
from flask import Flask, Request, Response
from gunicorn.http.errors import ChunkMissingTerminator, NoMoreData
from werkzeug.test import EnvironBuilder, run_wsgi_app

from shared.domain import errors
from shared.domain.errors import BadInput, BodyIncomplete, TooLarge, WrongContentType
from shared.runtime import http
from tests.records import records

ORIGIN = "https://app.example"


def request(method: str = "GET", query: str = "", **options: object) -> Request:
    return Request(EnvironBuilder(method=method, query_string=query, **options).get_environ())  # type: ignore[arg-type] # werkzeug's own options


def answer(handler: Callable[[Request], object], incoming: Request, *methods: str, **options: object) -> Response:
    with Flask(__name__).app_context():
        return http.endpoint(*(methods or ("GET",)), **options)(handler)(incoming)  # type: ignore[arg-type] # any handler


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
        (BodyIncomplete(), 408, "request_timeout"),
        (TooLarge(1), 413, "too_large"),
        (WrongContentType(), 415, "unsupported_media_type"),
        (errors.LimitReached(7), 429, "purchase_limit"),
        (errors.TooManyCheckouts(7), 429, "too_many_checkouts"),
        (errors.TooManyReceipts(7), 429, "too_many_receipts"),
        (errors.AppCheckFailed(), 403, "app_check_failed"),
        (errors.CallerRefused("no token"), 403, "caller_refused"),
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
def test_only_listed_origins_are_allowed(origin: str | None, allowed: bool) -> None:
    headers = {"Origin": origin} if origin else {}

    response = answer(lambda _: {}, request(headers=headers), origins=frozenset({ORIGIN}))

    assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert response.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_errors_allow_the_origin_too_so_that_the_page_can_read_them() -> None:
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


def streamed(body: BytesIO, **environ: str) -> Request:
    """Return a request whose body ends where its stream ends, as gunicorn hands one over."""
    fields = EnvironBuilder(method="POST").get_environ()
    fields.pop("CONTENT_LENGTH", None)
    return Request({**fields, "wsgi.input": body, "wsgi.input_terminated": True, **environ})


def test_a_body_without_a_length_is_not_read_past_its_limit() -> None:
    endless = BytesIO(b"x" * 1_000)

    with pytest.raises(TooLarge):
        http.read_body(streamed(endless), 5)
    assert endless.tell() <= 6


def test_a_body_that_is_too_long_by_its_own_account_is_not_read_at_all() -> None:
    body = BytesIO(b"x" * 1_000)

    with pytest.raises(TooLarge):
        http.read_body(streamed(body, CONTENT_LENGTH="1000"), 5)
    assert body.tell() == 0


class Broken(BytesIO):
    """A body whose connection ends."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self, _size: int | None = -1) -> bytes:
        raise self.error


@pytest.mark.parametrize(
    "body",
    [BytesIO(b"12"), Broken(NoMoreData()), Broken(ChunkMissingTerminator(b"")), Broken(ConnectionResetError())],
    ids=["short", "no more data", "in the middle of a chunk", "reset"],
)
def test_a_body_that_does_not_arrive_whole_is_incomplete(body: BytesIO) -> None:
    with pytest.raises(BodyIncomplete):
        http.read_body(streamed(body, CONTENT_LENGTH="5"), 5)


@pytest.mark.parametrize(("method", "status", "most"), [("POST", 413, 11), ("PUT", 405, 0), ("POST", 401, 0)], ids=str)
@pytest.mark.parametrize("length", [{"CONTENT_LENGTH": "1000"}, {"HTTP_TRANSFER_ENCODING": "chunked"}], ids=str)
def test_the_framework_reads_no_more_of_a_refused_body_than_the_function(
    method: str, status: int, most: int, length: dict[str, str]
) -> None:
    """functions-framework reads the whole body into memory when the answer is made."""
    body = BytesIO(b"x" * 1_000)

    def handler(incoming: Request) -> dict[str, object]:
        if status == 401:
            raise errors.NotSignedIn
        return {"body": len(http.read_body(incoming, 10))}

    app = Flask(__name__)
    with app.app_context():
        function = http.endpoint("POST")(handler)
    functions_framework._configure_app(app, function, "http")
    fields = {**EnvironBuilder(method=method).get_environ(), "wsgi.input": body, "wsgi.input_terminated": True}
    fields.pop("CONTENT_LENGTH", None)

    _, answered, _ = run_wsgi_app(app, {**fields, **length})

    assert answered.startswith(str(status))
    assert body.tell() <= most


@pytest.mark.parametrize("body", [{"a": 1}, {}])
def test_a_json_object_is_read(body: dict[str, object]) -> None:
    incoming = request("POST", data=json.dumps(body), content_type="application/json")

    assert http.json_object(incoming) == body


@pytest.mark.parametrize(("text", "number"), [(None, 20), ("1", 1), ("100", 100), ("007", 7)])
def test_a_number_in_range_is_taken(text: str | None, number: int) -> None:
    query = "" if text is None else f"limit={text}"

    assert http.whole_number(request(query=query), "limit", default=20, least=1, most=100) == number
