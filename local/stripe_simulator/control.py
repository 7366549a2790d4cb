"""What happens outside Stripe's API, for tests and demos. JSON in, JSON out; errors in Stripe's shape.

GET  /_sim/health                                       {"status": "ok"}
GET  /_sim/state                                        how many objects of each kind, faults and webhooks
POST /_sim/sessions/<id>/pay     {"card"?, "method"?: "card"|"delayed", "email"?, "promotion_code"?,
                                  "three_d_secure"?: "complete"|"fail"}      the session; 402 when declined
POST /_sim/sessions/<id>/settle  {"outcome": "succeeded"|"failed"}           the session
POST /_sim/disputes              {"charge", "amount"?}                       the dispute
POST /_sim/disputes/<id>/close   {"status": "won"|"lost"}                    the dispute
POST /_sim/refunds/<id>/fail     {"reason"?}                                 the refund
POST /_sim/subscriptions/<id>    {"status"}                                  the subscription
POST /_sim/subscriptions/<id>/fail_invoice                                   the invoice
POST /_sim/events/<id>/resend    {"times"?: 1}     {"deliveries": [{"endpoint", "url", "status"}]}, all at once
GET  /_sim/webhooks                                {"mode", "idle", "pending", "delivered", "failed", "dropped", ...}
POST /_sim/webhooks              {"mode": "deliver"|"drop"|"duplicate"|"shuffle"}
GET, POST, DELETE /_sim/faults   {"path_prefix"?, "method"?, "status"?, "timeout_ms"?, "times"?, "when"?}
POST /_sim/tax                   {"percent"}       added by sessions with automatic tax, open ones included
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, get_args

from flask import Flask, Response, jsonify, request

from . import payments, reversals, subscriptions
from .checkout import expire_overdue
from .errors import ApiError, invalid, missing
from .faults import Fault
from .pricing import reprice
from .webhooks import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .objects import StripeObject
    from .simulator import Simulator

_TEST_CARD = "4242424242424242"
_RESENDS_MAX = 1000

Body = dict[str, Any]


def install(app: Flask, simulator: Simulator) -> None:
    """Serve the /_sim paths."""
    store = simulator.store

    def serve(method: str, path: str, act: Callable[..., Mapping[str, Any]], *, locked: bool = True) -> None:
        def view(**path_ids: str) -> Response:
            body = _body()
            if not locked:
                return jsonify(act(body, **path_ids))
            with store.lock:
                expire_overdue(simulator)
                return jsonify(act(body, **path_ids))

        app.add_url_rule(path, endpoint=f"{method} {path}", view_func=_shaped(view), methods=[method])

    def session_of(session_id: str) -> StripeObject:
        return store.get("checkout.session", session_id)

    def pay(body: Body, session_id: str) -> StripeObject:
        return _pay(simulator, session_of(session_id), body)

    def settle(body: Body, session_id: str) -> StripeObject:
        session = session_of(session_id)
        outcome = _choice(body, "outcome", ("succeeded", "failed"))
        payments.settle(simulator, session, succeeded=outcome == "succeeded")
        return session

    def dispute(body: Body) -> StripeObject:
        charge = store.refer("charge", _text(body, "charge"), "charge")
        return reversals.open_dispute(simulator, charge, _whole_number(body, "amount"))

    def close_dispute(body: Body, dispute_id: str) -> StripeObject:
        return reversals.close_dispute(simulator, store.get("dispute", dispute_id), _text(body, "status"))

    def fail_refund(body: Body, refund_id: str) -> StripeObject:
        reason = body.get("reason", "expired_or_canceled_card")
        return reversals.fail_refund(simulator, store.get("refund", refund_id), reason)

    def set_subscription(body: Body, subscription_id: str) -> StripeObject:
        subscription = store.get("subscription", subscription_id)
        subscriptions.set_status(simulator, subscription, _text(body, "status"))
        return subscription

    def fail_invoice(_body: Body, subscription_id: str) -> StripeObject:
        return subscriptions.fail_invoice(simulator, store.get("subscription", subscription_id))

    def resend(body: Body, event_id: str) -> Body:
        with store.lock:
            event = store.get("event", event_id)
        times = _whole_number(body, "times")
        times = 1 if times is None else times
        if not 1 <= times <= _RESENDS_MAX:
            raise invalid(f"Invalid times: must be between 1 and {_RESENDS_MAX}", param="times")
        return {"deliveries": simulator.webhooks.resend(event, times)}

    def set_mode(body: Body) -> Body:
        simulator.webhooks.mode = _choice(body, "mode", get_args(Mode))  # type: ignore[assignment]  # one of Mode's words
        return simulator.webhooks.summary()

    def set_tax(body: Body) -> Body:
        simulator.tax_percent = _percentage(body)
        for session in store.newest("checkout.session", lambda one: bool(one["status"] == "open")):
            reprice(store, session, simulator.tax_percent)
        return {"percent": float(simulator.tax_percent)}

    def add_fault(body: Body) -> Body:
        simulator.faults.add(_fault(body))
        return {"faults": simulator.faults.remaining()}

    def clear_faults(_body: Body) -> Body:
        simulator.faults.clear()
        return {"faults": []}

    serve("GET", "/_sim/health", lambda _body: {"status": "ok"}, locked=False)
    serve(
        "GET",
        "/_sim/state",
        lambda _body: {
            "objects": store.count(),
            "webhooks": simulator.webhooks.summary(),
            "faults": simulator.faults.remaining(),
            "tax_percent": float(simulator.tax_percent),
        },
    )
    serve("POST", "/_sim/sessions/<session_id>/pay", pay)
    serve("POST", "/_sim/sessions/<session_id>/settle", settle)
    serve("POST", "/_sim/disputes", dispute)
    serve("POST", "/_sim/disputes/<dispute_id>/close", close_dispute)
    serve("POST", "/_sim/refunds/<refund_id>/fail", fail_refund)
    serve("POST", "/_sim/subscriptions/<subscription_id>", set_subscription)
    serve("POST", "/_sim/subscriptions/<subscription_id>/fail_invoice", fail_invoice)
    serve("POST", "/_sim/events/<event_id>/resend", resend, locked=False)
    serve("GET", "/_sim/webhooks", lambda _body: simulator.webhooks.summary())
    serve("POST", "/_sim/webhooks", set_mode)
    serve("POST", "/_sim/tax", set_tax)
    serve("GET", "/_sim/faults", lambda _body: {"faults": simulator.faults.remaining()}, locked=False)
    serve("POST", "/_sim/faults", add_fault, locked=False)
    serve("DELETE", "/_sim/faults", clear_faults, locked=False)


def _pay(simulator: Simulator, session: StripeObject, body: Body) -> StripeObject:
    """Pay as a buyer would: the promotion code first, then the method; a 3-D Secure step is completed unless told to fail."""
    email = body.get("email")
    method = _choice({"method": "card", **body}, "method", ("card", "delayed"))
    step = _choice({"three_d_secure": "complete", **body}, "three_d_secure", ("complete", "fail"))
    if body.get("promotion_code"):
        payments.apply_promotion(simulator, session, str(body["promotion_code"]))
    if method == "delayed":
        payments.pay_later(simulator, session, email)
        return session
    completed = payments.pay_by_card(simulator, session, str(body.get("card", _TEST_CARD)), email)
    if completed is None:
        payments.finish_3ds(simulator, session, authenticated=step == "complete", email=email)
    return session


def _shaped(view: Callable[..., Response]) -> Callable[..., Response]:
    def shaped(**path_ids: str) -> Response:
        try:
            return view(**path_ids)
        except ApiError as error:
            refused = jsonify({"error": error.error})
            refused.status_code = error.status
            return refused

    return shaped


def _body() -> Body:
    body = request.get_json(force=True, silent=True) if request.data else {}
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


def _text(body: Body, name: str) -> str:
    if name not in body:
        raise missing(name)
    return str(body[name])


def _choice(body: Body, name: str, choices: tuple[str, ...]) -> str:
    chosen = _text(body, name)
    if chosen not in choices:
        raise invalid(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
    return chosen


def _whole_number(body: Body, name: str) -> int | None:
    number = body.get(name)
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise invalid(f"Invalid integer: {number}", code="parameter_invalid_integer", param=name)
    return number


def _percentage(body: Body) -> Decimal:
    try:
        percentage = Decimal(_text(body, "percent"))
    except InvalidOperation:
        percentage = Decimal(-1)
    if not 0 <= percentage <= 100:  # noqa: PLR2004 - what a percentage is
        raise invalid("Invalid percent: must be between 0 and 100", param="percent")
    return percentage


def _fault(body: Body) -> Fault:
    unknown = sorted(set(body) - {"path_prefix", "method", "status", "timeout_ms", "times", "when"})
    if unknown:
        raise invalid(f"Received unknown parameter: {unknown[0]}", code="parameter_unknown", param=unknown[0])
    _choice({"when": "before", **body}, "when", ("before", "after"))
    for name in ("status", "timeout_ms", "times"):
        _whole_number(body, name)
    return Fault(**body)
