"""The hosted payment page, `session.url`: plain forms that work without JavaScript.

Like Checkout, the way back to success_url waits for the answer to the webhook of checkout.session.completed, at most
ten seconds (https://docs.stripe.com/checkout/fulfillment#redirect-hosted-checkout).
"""

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from stripe_simulator.engine.errors import ApiError
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources import payments
from stripe_simulator.resources.cards import check_cvc, check_expiry
from stripe_simulator.resources.checkout import expire_overdue
from stripe_simulator.resources.promotions import apply_promotion

_SESSION_ID = "{CHECKOUT_SESSION_ID}"
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}


def install(app: Flask, simulator: Simulator) -> None:
    """Serve the payment page and the receipts that charges point to."""
    app.add_template_filter(money)

    @app.get("/pay/<session_id>")
    def show(session_id: str) -> BaseResponse:
        with simulator.store.lock:
            expire_overdue(simulator)
            return _page(simulator, session_id)

    @app.post("/pay/<session_id>")
    def submit(session_id: str) -> BaseResponse:
        with simulator.store.lock:
            expire_overdue(simulator)
            session = simulator.store.find("checkout.session", session_id)
            if session is None or session["status"] != "open":
                return _page(simulator, session_id)
            action = request.form.get("action", "pay")
            if action == "cancel":
                return redirect(session["cancel_url"] or session["success_url"], code=303)
            try:
                completed = _act(simulator, session, action)
            except ApiError as error:
                return _page(simulator, session_id, error=str(error))
            if completed is None:
                return redirect(f"/pay/{session_id}", code=303)
            back = session["success_url"].replace(_SESSION_ID, session_id)
        simulator.webhooks.wait_for_answer(completed, simulator.settings.redirect_wait_s)
        return redirect(back, code=303)

    @app.get("/receipts/<charge_id>")
    def receipt(charge_id: str) -> BaseResponse:
        with simulator.store.lock:
            charge = simulator.store.find("charge", charge_id)
            if charge is None:
                return _message("There is no such receipt", "The address is not one of ours.", status=404)
            paid = money(charge["amount"], charge["currency"])
            refunded = money(charge["amount_refunded"], charge["currency"])
            text = f"{paid} paid, {refunded} refunded." if charge["amount_refunded"] else f"{paid} paid."
            return _message("Receipt", text)


def money(cents: int, currency: str) -> str:
    """Write an amount as a buyer reads it: $9.99, -€1.00, 12.50 CHF."""
    sign = "-" if cents < 0 else ""
    number = f"{abs(cents) // 100:,}.{abs(cents) % 100:02}"
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"


def _act(simulator: Simulator, session: StripeObject, action: str) -> StripeObject | None:
    """Do what the pressed button asks; answers the completed event, or None to show the page again."""
    form = request.form
    email = form.get("email", "").strip() or None
    if action in ("3ds-complete", "3ds-fail"):
        return payments.finish_3ds(simulator, session, authenticated=action == "3ds-complete")
    code = form.get("promotion-code", "").strip()
    applied = bool(session["discounts"])
    if code and not applied:
        apply_promotion(simulator, session, code)
    if action == "apply":
        return None
    if form.get("method") == "delayed":
        return payments.pay_later(simulator, session, email)
    if session["amount_total"] > 0:
        today = datetime.now(UTC)
        check_expiry(form.get("card-expiry", ""), this_year=today.year, this_month=today.month)
        check_cvc(form.get("card-cvc", ""))
    return payments.pay_by_card(simulator, session, form.get("card-number", ""), email)


def _page(simulator: Simulator, session_id: str, error: str | None = None) -> BaseResponse:
    session = simulator.store.find("checkout.session", session_id)
    if session is None:
        return _message("Page not found", "There is no such Checkout Session.", status=404)
    if session["status"] == "complete":
        back = session["success_url"].replace(_SESSION_ID, session_id)
        return _message("You're all done here", "This Checkout Session has already been paid.", back=back)
    if session["status"] == "expired":
        return _message(
            "This page has expired",
            "This Checkout Session has expired. Go back and start again.",
            back=session["cancel_url"],
        )
    details = simulator.store.session_details[session_id]
    shown: dict[str, Any] = {
        "session": session,
        "items": details.line_items,
        "error": error,
        "email": request.form.get("email") or payments.email_of(simulator, session) or "",
        "offers_delayed": payments.offers_delayed(session),
        "promotion": _promotion(simulator, session),
        "typed_promotion": request.form.get("promotion-code", ""),
        "chosen_method": request.form.get("method", "card"),
    }
    name = "three_d_secure.html" if details.card_in_3ds and error is None else "pay.html"
    return _rendered(render_template(name, **shown), 402 if error else 200)


def _promotion(simulator: Simulator, session: StripeObject) -> str | None:
    """The code, or the coupon's name, that is applied to the session."""
    for discount in session["discounts"]:
        promotion = simulator.store.by_id(discount["promotion_code"])
        coupon = simulator.store.get("coupon", discount["coupon"])
        return str(promotion["code"] if promotion else coupon["name"] or coupon["id"])
    return None


def _message(title: str, text: str, *, back: str | None = None, status: int = 200) -> Response:
    return _rendered(render_template("message.html", title=title, text=text, back=back), status)


def _rendered(html: str, status: int) -> Response:
    response = make_response(html, status)
    response.headers.update(_HEADERS)
    return response
