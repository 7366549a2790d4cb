"""Answers that do not arrive whole: the bodies, and what the server does about their connections."""

from collections.abc import Iterator

from flask import Response

_PAGE = b"<!doctype html><title>Bad gateway</title><h1>502 Bad Gateway</h1><p>The proxy did not get an answer.</p>"


def half_sent(response: Response) -> Response:
    """Return a response that promises its whole body, sends half of it, and closes the connection."""
    body = response.get_data()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionAbortedError

    cut = Response(half(), response.status_code, content_type=response.content_type)
    cut.headers.update(response.headers)
    cut.headers["Content-Length"] = str(len(body))
    return cut


def as_html(status: int) -> Response:
    """Return what a proxy in between might answer: a page instead of JSON."""
    return Response(_PAGE, status, content_type="text/html; charset=utf-8")


def reset() -> Response:
    """Return a response that sends nothing and resets the connection."""

    def nothing() -> Iterator[bytes]:
        raise ConnectionResetError
        yield b""

    return Response(nothing())
