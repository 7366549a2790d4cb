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

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast, get_args

from flask import Flask, Response, jsonify, request

from stripe_simulator.engine.errors import ApiError, invalid, missing
from stripe_simulator.engine.faults import Fault
from stripe_simulator.engine.objects import StripeObject
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.engine.webhooks import Mode
from stripe_simulator.resources import disputes, payments, subscriptions
from stripe_simulator.resources.checkout import expire_overdue
from stripe_simulator.resources.pricing import reprice
from stripe_simulator.resources.promotions import apply_promotion

_TEST_CARD = "4242424242424242"
_RESENDS_MAX = 1000

Body = dict[str, Any]
Control = Callable[..., Mapping[str, Any]]

_controls: list[tuple[str, str, Control, bool]] = []


def _control(method: str, path: str, *, locked: bool = True) -> Callable[[Control], Control]:
    """Declare a control; `locked` ones run as one step of the store."""

    def keep(act: Control) -> Control:
        _controls.append((method, path, act, locked))
        return act

    return keep


def install(app: Flask, simulator: Simulator) -> None:
    """Serve the /_sim paths."""
    for method, path, act, locked in _controls:
        view = _view(simulator, act, locked=locked)
        app.add_url_rule(path, endpoint=f"{method} {path}", view_func=view, methods=[method])


def _view(simulator: Simulator, act: Control, *, locked: bool) -> Callable[..., Response]:
    def view(**path_ids: str) -> Response:
        try:
            body = _body()
            if not locked:
                return jsonify(act(simulator, body, **path_ids))
            with simulator.store.lock:
                expire_overdue(simulator)
                return jsonify(act(simulator, body, **path_ids))
        except ApiError as error:
            refused = jsonify({"error": error.error})
            refused.status_code = error.status
            return refused

    return view


@_control("GET", "/_sim/health", locked=False)
def _health(_simulator: Simulator, _body: Body) -> Body:
    return {"status": "ok"}


@_control("GET", "/_sim/state")
def _state(simulator: Simulator, _body: Body) -> Body:
    return {
        "objects": simulator.store.count(),
        "webhooks": simulator.webhooks.summary(),
        "faults": simulator.faults.remaining(),
        "tax_percent": float(simulator.tax_percent),
    }


@_control("POST", "/_sim/sessions/<session_id>/pay")
def _pay(simulator: Simulator, body: Body, session_id: str) -> StripeObject:
    """Pay as a buyer would: the promotion code, then the method; a 3-D Secure step is completed unless told to fail."""
    session = simulator.store.get("checkout.session", session_id)
    email = body.get("email")
    method = _choice({"method": "card", **body}, "method", ("card", "delayed"))
    step = _choice({"three_d_secure": "complete", **body}, "three_d_secure", ("complete", "fail"))
    if body.get("promotion_code"):
        apply_promotion(simulator, session, str(body["promotion_code"]))
    if method == "delayed":
        payments.pay_later(simulator, session, email)
        return session
    completed = payments.pay_by_card(simulator, session, str(body.get("card", _TEST_CARD)), email)
    if completed is None:
        payments.finish_3ds(simulator, session, authenticated=step == "complete", email=email)
    return session


@_control("POST", "/_sim/sessions/<session_id>/settle")
def _settle(simulator: Simulator, body: Body, session_id: str) -> StripeObject:
    session = simulator.store.get("checkout.session", session_id)
    outcome = _choice(body, "outcome", ("succeeded", "failed"))
    payments.settle(simulator, session, succeeded=outcome == "succeeded")
    return session


@_control("POST", "/_sim/disputes")
def _dispute(simulator: Simulator, body: Body) -> StripeObject:
    charge = simulator.store.refer("charge", _text(body, "charge"), "charge")
    return disputes.open_dispute(simulator, charge, _whole_number(body, "amount"))


@_control("POST", "/_sim/disputes/<dispute_id>/close")
def _close_dispute(simulator: Simulator, body: Body, dispute_id: str) -> StripeObject:
    dispute = simulator.store.get("dispute", dispute_id)
    return disputes.close_dispute(simulator, dispute, _choice(body, "status", ("won", "lost")))


@_control("POST", "/_sim/refunds/<refund_id>/fail")
def _fail_refund(simulator: Simulator, body: Body, refund_id: str) -> StripeObject:
    reason = str(body.get("reason", "expired_or_canceled_card"))
    return disputes.fail_refund(simulator, simulator.store.get("refund", refund_id), reason)


@_control("POST", "/_sim/subscriptions/<subscription_id>")
def _set_subscription(simulator: Simulator, body: Body, subscription_id: str) -> StripeObject:
    subscription = simulator.store.get("subscription", subscription_id)
    subscriptions.set_status(simulator, subscription, _choice(body, "status", subscriptions.STATUSES))
    return subscription


@_control("POST", "/_sim/subscriptions/<subscription_id>/fail_invoice")
def _fail_invoice(simulator: Simulator, _body: Body, subscription_id: str) -> StripeObject:
    return subscriptions.fail_invoice(simulator, simulator.store.get("subscription", subscription_id))


@_control("POST", "/_sim/events/<event_id>/resend", locked=False)
def _resend(simulator: Simulator, body: Body, event_id: str) -> Body:
    with simulator.store.lock:
        event = simulator.store.get("event", event_id)
    times = _whole_number({"times": 1, **body}, "times") or 0
    if not 1 <= times <= _RESENDS_MAX:
        raise invalid(f"Invalid times: must be between 1 and {_RESENDS_MAX}", param="times")
    return {"deliveries": simulator.webhooks.resend(event, times)}


@_control("GET", "/_sim/webhooks")
def _webhooks(simulator: Simulator, _body: Body) -> Body:
    return simulator.webhooks.summary()


@_control("POST", "/_sim/webhooks")
def _set_mode(simulator: Simulator, body: Body) -> Body:
    simulator.webhooks.mode = cast("Mode", _choice(body, "mode", get_args(Mode)))
    return simulator.webhooks.summary()


@_control("POST", "/_sim/tax")
def _set_tax(simulator: Simulator, body: Body) -> Body:
    simulator.tax_percent = _percentage(body)
    for session in simulator.store.newest("checkout.session", lambda one: bool(one["status"] == "open")):
        items = simulator.store.session_details[session["id"]].line_items
        reprice(simulator.store, session, items, simulator.tax_percent)
    return {"percent": float(simulator.tax_percent)}


@_control("GET", "/_sim/faults", locked=False)
def _faults(simulator: Simulator, _body: Body) -> Body:
    return {"faults": simulator.faults.remaining()}


@_control("POST", "/_sim/faults", locked=False)
def _add_fault(simulator: Simulator, body: Body) -> Body:
    for name in body:
        if name not in Fault.__dataclass_fields__:
            raise invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    for name in ("status", "timeout_ms", "times"):
        _whole_number(body, name)
    _choice({"when": "before", **body}, "when", ("before", "after"))
    simulator.faults.add(Fault(**body))
    return {"faults": simulator.faults.remaining()}


@_control("DELETE", "/_sim/faults", locked=False)
def _clear_faults(simulator: Simulator, _body: Body) -> Body:
    simulator.faults.clear()
    return {"faults": []}


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
