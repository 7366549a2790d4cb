"""How pages are rendered: without JavaScript, and with nothing loaded from elsewhere."""

from flask import Response, make_response, render_template

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}


def render(template: str, status: int = 200, **values: object) -> Response:
    """Return a page."""
    response = make_response(render_template(template, **values), status)
    response.headers.update(_HEADERS)
    return response


def message(title: str, text: str, *, back: str | None = None, status: int = 200) -> Response:
    """Return a page that only says something."""
    return render("message.html", status, title=title, text=text, back=back)
