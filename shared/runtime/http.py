"""The HTTP contract that the functions share: JSON, CORS, and errors as statuses.

An answer is `{"success": true, …}` or `{"success": false, "error": {"code", "message"}}`; no error shows a stack trace,
a secret or somebody else's data. No cookies are used, so a browser needs no CSRF token.
"""

import functools
import json
from collections.abc import Callable, Collection, Mapping
from io import BytesIO
from typing import Any

from flask import Request, Response
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected

from shared.domain.errors import (
    BadInput,
    BodyIncomplete,
    CallerRefused,
    MethodNotAllowed,
    RequestError,
    TooLarge,
    WrongContentType,
)
from shared.runtime import logs, server

JSON_BODY_MAX_BYTES = 16 * 1024
_PREFLIGHT_S = 3_600

Handler = Callable[[Request], Mapping[str, Any] | Response]


def endpoint(
    *methods: str,
    origins: Collection[str] = (),
    project: str | None = None,
    admit: Callable[[Headers], None] | None = None,
) -> Callable[[Handler], Callable[[Request], Response]]:
    """Make a handler an HTTP function: it returns the fields of its answer and raises RequestError to refuse.

    Args:
        methods: the methods it accepts; HEAD is included with GET.
        origins: the other web origins whose pages may call it.
        project: ties log records to the request's trace.
        admit: looks at a request's headers before anything else does, and raises CallerRefused.
    """
    server.bound_requests()
    allowed = (*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS")

    def decorate(handler: Handler) -> Callable[[Request], Response]:
        def admitting(request: Request) -> Mapping[str, Any] | Response:
            if admit is not None:
                admit(request.headers)
            return handler(request)

        @functools.wraps(handler)
        def function(request: Request) -> Response:
            logs.trace_request(request.headers.get("X-Cloud-Trace-Context", ""), project)
            response = _preflight() if request.method == "OPTIONS" else _answer(admitting, request, allowed)
            # functions-framework takes what is left of the body into memory when the answer is made: leave it nothing.
            request.stream = BytesIO()
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers.setdefault("Cache-Control", "no-store")
            _allow_origin(response, request.headers.get("Origin"), allowed, origins)
            return response

        return function

    return decorate


def json_response(fields: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer; `fields` come after `success`."""
    body = json.dumps({"success": status < 400, **fields}, ensure_ascii=False)  # noqa: PLR2004 - HTTP's first error status
    return Response(body, status, dict(headers or {}), content_type="application/json")


def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the raw body, which is never read past the limit.

    Raises:
        TooLarge: it is longer than `max_bytes`.
        BodyIncomplete: it did not arrive whole; shared/runtime/server.py says how long it may take.
    """
    if (request.content_length or 0) > max_bytes:
        raise TooLarge(max_bytes)
    try:
        body = request.stream.read(max_bytes + 1)
    except (OSError, ParseException, ClientDisconnected) as error:
        raise BodyIncomplete from error
    if len(body) > max_bytes:
        raise TooLarge(max_bytes)
    if len(body) < (request.content_length or 0):
        raise BodyIncomplete
    return body


def json_object(request: Request) -> dict[str, Any]:
    """Return the request's JSON object.

    Raises:
        WrongContentType, TooLarge, BodyIncomplete: see shared/domain/errors.py.
        BadInput: the body is not a JSON object.
    """
    if request.mimetype != "application/json":
        raise WrongContentType
    try:
        body = json.loads(read_body(request, JSON_BODY_MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise BadInput("invalid_json", "The body is not JSON") from error
    if not isinstance(body, dict):
        raise BadInput("invalid_json", "The body must be a JSON object")
    return body


def whole_number(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number from the query string.

    Raises:
        BadInput: it is not one, or not from `least` to `most`.
    """
    text = request.args.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise BadInput(f"invalid_{name}", f"{name} must be a whole number from {least} to {most}")


def _answer(handler: Handler, request: Request, allowed: Collection[str]) -> Response:
    try:
        if request.method not in allowed:
            raise MethodNotAllowed(allowed)
        result = handler(request)
        return result if isinstance(result, Response) else json_response(result)
    except RequestError as error:
        if isinstance(error, CallerRefused):
            logs.warning("caller.refused", f"Refused a caller: {error.reason}", reason=error.reason)
        if error.status >= 500:  # noqa: PLR2004 - HTTP's first server error
            logs.error("request.failed", f"Answered {error.status} {error.code}", cause=error, code=error.code)
        return json_response({"error": {"code": error.code, "message": error.message}}, error.status, error.headers)
    except Exception as error:  # noqa: BLE001 - the edge: the framework would show the exception's text to the caller
        logs.error("request.crashed", "Answered 500 to an unforeseen error", cause=error)
        return json_response({"error": {"code": "internal", "message": "Something went wrong on our side"}}, 500)


def _preflight() -> Response:
    return Response(status=204)


def _allow_origin(response: Response, origin: str | None, allowed: Collection[str], origins: Collection[str]) -> None:
    if origins:
        response.headers.add("Vary", "Origin")
    if origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = ", ".join(allowed)
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, X-Firebase-AppCheck"
        response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_S)
