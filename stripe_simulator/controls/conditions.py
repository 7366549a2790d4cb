"""The circumstances: faults, time, webhooks, and what this Stripe does where the real one varies."""

from dataclasses import asdict, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any, cast, get_args

from stripe_simulator.controls.frame import Body, Controls
from stripe_simulator.engine.behavior import Behavior, RefundStatus
from stripe_simulator.engine.errors import invalid
from stripe_simulator.engine.faults import Fault, Form, When
from stripe_simulator.engine.simulator import Account
from stripe_simulator.engine.webhooks import Mode, Plan
from stripe_simulator.resources.pricing import reprice

controls = Controls()

_RESENDS_MAX = 1000
_FAULT_FIELDS = tuple(field.name for field in fields(Fault))


@controls.declare("GET", "/health", locked=False)
def health(_account: Account, _body: Body) -> dict[str, Any]:
    """Say that the simulator answers."""
    return {"status": "ok"}


@controls.declare("GET", "/state")
def show_state(account: Account, _body: Body) -> dict[str, Any]:
    """Return how many objects there are, and the circumstances."""
    return _state(account)


@controls.declare("POST", "/reset")
def reset(account: Account, _body: Body) -> dict[str, Any]:
    """Make everything kind again: no faults, no tax, default behavior, deliveries and clock. Objects remain."""
    account.simulator.faults.clear()
    account.simulator.behavior = Behavior()
    account.webhooks.plan = Plan()
    account.clock.offset_s = 0
    account.clock.resume()
    return _state(account)


def _state(account: Account) -> dict[str, Any]:
    return {
        "objects": account.store.count(),
        "webhooks": account.webhooks.summary(),
        "faults": account.simulator.faults.remaining(),
        "behavior": _behavior(account),
        "clock": _clock(account),
        "tax_percent": float(account.behavior.tax_percent),
    }


@controls.declare("GET", "/webhooks")
def show_plan(account: Account, _body: Body) -> dict[str, Any]:
    """Return what is on its way, and what became of the rest."""
    return account.webhooks.summary()


@controls.declare("POST", "/webhooks", "mode", "types", "delay_s", "connected")
def set_plan(account: Account, body: Body) -> dict[str, Any]:
    """Choose what happens to events from now on; what is left out returns to its default."""
    account.webhooks.plan = Plan(
        mode=cast("Mode", body.choice("mode", get_args(Mode), "deliver")),
        types=body.texts("types", Plan().types),
        delay_s=body.number("delay_s", Plan().delay_s),
        connected=body.flag("connected"),
    )
    return account.webhooks.summary()


@controls.declare("POST", "/events/<event_id>/resend", "times", locked=False)
def resend(account: Account, body: Body, event_id: str) -> dict[str, Any]:
    """Deliver an event again, all copies at once, and return what each was answered."""
    with account.simulator.lock:
        event = account.store.get("event", event_id)
    times = body.integer("times", 1) or 0
    if not 1 <= times <= _RESENDS_MAX:
        raise invalid(f"Invalid times: must be between 1 and {_RESENDS_MAX}", param="times")
    return {"deliveries": account.webhooks.resend(event, times)}


@controls.declare("GET", "/faults", locked=False)
def list_faults(account: Account, _body: Body) -> dict[str, Any]:
    """Return the faults still to come."""
    return _faults(account)


@controls.declare("POST", "/faults", *_FAULT_FIELDS, locked=False)
def add_fault(account: Account, body: Body) -> dict[str, Any]:
    """Request a fault."""
    fault = Fault(
        path_prefix=body.text("path_prefix", Fault().path_prefix),
        method=body.text("method").upper() if "method" in body else None,
        status=body.integer("status", least=100),
        timeout_ms=body.integer("timeout_ms", 0, least=0) or 0,
        times=body.integer("times", 1, least=1) or 1,
        when=cast("When", body.choice("when", get_args(When), "before")),
        stored=body.flag("stored"),
        form=cast("Form", body.choice("form", get_args(Form), "whole")),
    )
    if fault.stored and fault.status is None:
        raise invalid("Only an error can be stored: give its `status`.", param="stored")
    account.simulator.faults.add(fault)
    return _faults(account)


@controls.declare("DELETE", "/faults", locked=False)
def clear_faults(account: Account, _body: Body) -> dict[str, Any]:
    """Cancel every fault still to come."""
    account.simulator.faults.clear()
    return _faults(account)


@controls.declare("GET", "/clock")
def show_clock(account: Account, _body: Body) -> dict[str, Any]:
    """Return the simulator's time."""
    return _clock(account)


@controls.declare("POST", "/clock", "offset_s", "stopped")
def set_clock(account: Account, body: Body) -> dict[str, Any]:
    """Shift the time of everything created from now on, or stop it; what is left out returns to its default."""
    account.clock.offset_s = body.integer("offset_s", 0) or 0
    if body.flag("stopped"):
        account.clock.stop()
    else:
        account.clock.resume()
    return _clock(account)


@controls.declare("GET", "/behavior")
def show_behavior(account: Account, _body: Body) -> dict[str, Any]:
    """Return what this Stripe does where the real one varies."""
    return _behavior(account)


@controls.declare(
    "POST",
    "/behavior",
    *("refund_status", "failed_refunds_lower_amount_refunded", "search_lag_s", "adaptive_pricing"),
    *("settlement_currency", "settlement_rate"),
)
def set_behavior(account: Account, body: Body) -> dict[str, Any]:
    """Choose it; what is left out returns to its default."""
    default = Behavior()
    account.simulator.behavior = Behavior(
        refund_status=cast("RefundStatus", body.choice("refund_status", get_args(RefundStatus), default.refund_status)),
        failed_refunds_lower_amount_refunded=body.flag("failed_refunds_lower_amount_refunded", default=True),
        search_lag_s=body.number("search_lag_s", default.search_lag_s),
        adaptive_pricing=body.flag("adaptive_pricing"),
        settlement_currency=body.text("settlement_currency").lower() if "settlement_currency" in body else None,
        settlement_rate=body.number("settlement_rate", default.settlement_rate),
        tax_percent=account.behavior.tax_percent,
    )
    return _behavior(account)


@controls.declare("POST", "/tax", "percent")
def set_tax(account: Account, body: Body) -> dict[str, Any]:
    """Choose what sessions with automatic tax add, open ones included."""
    try:
        percent = Decimal(body.text("percent"))
    except InvalidOperation:
        percent = Decimal(-1)
    if not 0 <= percent <= 100:  # noqa: PLR2004 - what a percentage is
        raise invalid("Invalid percent: must be between 0 and 100", param="percent")
    account.simulator.behavior = replace(account.behavior, tax_percent=percent)
    for session in account.store.newest("checkout.session", lambda session: bool(session["status"] == "open")):
        reprice(account, session)
    return {"percent": float(percent)}


def _faults(account: Account) -> dict[str, Any]:
    return {"faults": account.simulator.faults.remaining()}


def _behavior(account: Account) -> dict[str, Any]:
    return {name: value for name, value in asdict(account.behavior).items() if name != "tax_percent"}


def _clock(account: Account) -> dict[str, Any]:
    return {"now": account.clock.now(), "offset_s": account.clock.offset_s, "stopped": account.clock.stopped}
