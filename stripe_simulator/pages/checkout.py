"""The hosted payment page, `session.url`: plain forms that work without JavaScript.

As in Checkout, the redirect to success_url waits for the answer to the webhook of checkout.session.completed, for at
most ten seconds (https://docs.stripe.com/checkout/fulfillment#redirect-hosted-checkout).
"""

from datetime import UTC, datetime
from typing import Any

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from stripe_simulator.engine.currencies import money
from stripe_simulator.engine.errors import ApiError
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Account, Simulator
from stripe_simulator.pages.rendering import message, render
from stripe_simulator.resources import payments
from stripe_simulator.resources.cards import check_cvc, check_expiry
from stripe_simulator.resources.checkout import expire_overdue
from stripe_simulator.resources.promotions import apply_promotion

_SESSION_ID = "{CHECKOUT_SESSION_ID}"


def install(app: Flask, simulator: Simulator) -> None:
    """Serve the payment page."""
    app.add_template_filter(money)

    @app.get("/pay/<session_id>")
    def show(session_id: str) -> Response:
        with simulator.lock:
            expire_overdue(simulator)
            return _page(simulator, session_id)

    @app.post("/pay/<session_id>")
    def submit(session_id: str) -> Response:
        with simulator.lock:
            expire_overdue(simulator)
            account, session = _find(simulator, session_id)
            if session is None or session["status"] != "open":
                return _page(simulator, session_id)
            action = request.form.get("action", "pay")
            if action == "cancel":
                return redirect(session["cancel_url"] or session["success_url"], code=303)
            try:
                completed = _act(account, session, action)
            except ApiError as error:
                return _page(simulator, session_id, error=str(error))
            if completed is None:
                return redirect(f"/pay/{session_id}", code=303)
            back = session["success_url"].replace(_SESSION_ID, session_id)
        simulator.webhooks.wait_for_answer(completed, simulator.settings.redirect_wait_s)
        return redirect(back, code=303)


def _find(simulator: Simulator, session_id: str) -> tuple[Account, StripeObject | None]:
    """Return a session and the account that it belongs to."""
    for account in simulator.accounts:
        session = account.store.find("checkout.session", session_id)
        if session is not None:
            return account, session
    return simulator.account(None), None


def _act(account: Account, session: StripeObject, action: str) -> StripeObject | None:
    """Do what the pressed button says; return the completed event, or None to show the page again."""
    form = request.form
    email = form.get("email", "").strip() or None
    if action in ("3ds-complete", "3ds-fail"):
        return payments.finish_3ds(account, session, authenticated=action == "3ds-complete")
    code = form.get("promotion-code", "").strip()
    if code and not session["discounts"]:
        apply_promotion(account, session, code)
    if action == "apply":
        return None
    if form.get("method") == "delayed":
        return payments.pay_later(account, session, email)
    if session["amount_total"] > 0:
        today = datetime.fromtimestamp(account.clock.now(), UTC)
        check_expiry(form.get("card-expiry", ""), this_year=today.year, this_month=today.month)
        check_cvc(form.get("card-cvc", ""))
    return payments.pay_by_card(account, session, form.get("card-number", ""), email)


def _page(simulator: Simulator, session_id: str, error: str | None = None) -> Response:
    account, session = _find(simulator, session_id)
    if session is None:
        return message("Page not found", "This link doesn't match a Checkout Session.", status=404)
    if session["status"] == "complete":
        back = session["success_url"].replace(_SESSION_ID, session_id)
        return message("You're all done here", "This Checkout Session has already been paid.", back=back)
    if session["status"] == "expired":
        return message(
            "This page has expired",
            "This Checkout Session has expired. Go back and start again.",
            back=session["cancel_url"],
        )
    details = account.store.session_details[session_id]
    values: dict[str, Any] = {
        "session": session,
        "items": details.line_items,
        "error": error,
        "email": request.form.get("email") or payments.email_of(account, session) or "",
        "offers_delayed": payments.offers_delayed(session),
        "promotion": _promotion(account, session),
        "typed_promotion": request.form.get("promotion-code", ""),
        "chosen_method": request.form.get("method", "card"),
    }
    template = "three_d_secure.html" if details.card_in_3ds and error is None else "pay.html"
    return render(template, 402 if error else 200, **values)


def _promotion(account: Account, session: StripeObject) -> str | None:
    """Return the code, or the coupon's name, that is applied to the session."""
    for discount in session["discounts"]:
        promotion = account.store.by_id(discount["promotion_code"])
        coupon = account.store.get("coupon", discount["coupon"])
        return str(promotion["code"] if promotion else coupon["name"] or coupon["id"])
    return None
