"""How pages are rendered: without JavaScript, and with nothing loaded from elsewhere."""

from flask import Response, make_response, render_template

_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}
_WITHOUT_DECIMALS = ("jpy", "krw", "clp", "vnd")
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


def money(amount: int, currency: str) -> str:
    """Write an amount as a buyer reads it: $9.99, -€1.00, 12.50 CHF, 1,500 JPY."""
    sign = "-" if amount < 0 else ""
    decimals = "" if currency in _WITHOUT_DECIMALS else f".{abs(amount) % 100:02}"
    whole = abs(amount) if currency in _WITHOUT_DECIMALS else abs(amount) // 100
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{whole:,}{decimals}" if symbol else f"{sign}{whole:,}{decimals} {currency.upper()}"
