"""Subscriptions, and the invoices that go with them, as far as a change of status needs them.

https://docs.stripe.com/api/subscriptions and https://docs.stripe.com/billing/subscriptions/webhooks. Time does not
pass here: no period ends by itself; /_sim/subscriptions says what happens.
"""

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any

from stripe_simulator.engine.errors import invalid
from stripe_simulator.engine.objects import StripeObject, build, new_id, now, template
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, created_within, listed, page
from stripe_simulator.resources.params import (
    anything,
    between,
    boolean,
    clearable,
    fields,
    integer,
    list_of,
    merge_metadata,
    metadata,
    one_of,
    text,
)

operations = Operations()

STATUSES = ("incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused")

_ITEM = fields({"metadata": metadata, "price": text, "quantity": between(1, 999_999)}, required=["price"])


@operations.declare(
    "POST",
    "/v1/subscriptions",
    {
        "cancel_at_period_end": boolean,
        "collection_method": one_of("charge_automatically"),
        "customer": text,
        "default_payment_method": text,
        "description": text,
        "items": list_of(_ITEM),
        "metadata": metadata,
        "payment_behavior": anything,
        "payment_settings": anything,
    },
    required=["customer", "items"],
)
def create(simulator: Simulator, params: StripeObject) -> StripeObject:
    """Start a subscription; it is active at once."""
    simulator.store.refer("customer", params["customer"], "customer")
    items = [
        (simulator.store.refer("price", item["price"], f"items[{position}][price]"), item.get("quantity", 1))
        for position, item in enumerate(params["items"])
    ]
    for price, _quantity in items:
        if price["type"] != "recurring":
            message = (
                "The price specified is set to `type=one_time` but this field only accepts prices with "
                "`type=recurring`."
            )
            raise invalid(message, param="items[0][price]")
    kept = ("cancel_at_period_end", "description", "metadata")
    values = {name: params[name] for name in kept if name in params}
    subscription, _invoice = start(simulator, customer=params["customer"], items=items, values=values)
    return subscription


operations.retrievable("subscription", "/v1/subscriptions")
operations.retrievable("invoice", "/v1/invoices")
operations.listable("invoice", "/v1/invoices", customer=text, status=text)


@operations.declare(
    "GET", "/v1/subscriptions", {**LIST_PARAMS, "customer": text, "status": one_of("all", "ended", *STATUSES)}
)
def listing(simulator: Simulator, params: StripeObject) -> StripeObject:
    """List subscriptions, newest first; without a status those that are not canceled, as Stripe does."""
    wanted = {"all": STATUSES, "ended": ("canceled", "incomplete_expired")}.get(
        params.get("status", ""),
        (params["status"],) if "status" in params else tuple(status for status in STATUSES if status != "canceled"),
    )

    def matches(subscription: StripeObject) -> bool:
        return (
            created_within(subscription, params)
            and subscription["customer"] == params.get("customer", subscription["customer"])
            and subscription["status"] in wanted
        )

    return page(simulator.store, "subscription", "/v1/subscriptions", params, matches)


@operations.declare(
    "POST",
    "/v1/subscriptions/<object_id>",
    {
        "cancel_at": clearable(integer),
        "cancel_at_period_end": boolean,
        "default_payment_method": text,
        "description": clearable(text),
        "metadata": metadata,
        "proration_behavior": anything,
    },
)
def update(simulator: Simulator, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given and emit customer.subscription.updated."""
    subscription = simulator.store.get("subscription", object_id)
    params.pop("proration_behavior", None)
    if "metadata" in params:
        params["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    if "cancel_at_period_end" in params:
        cancels = params["cancel_at_period_end"]
        params["cancel_at"] = period_end(subscription) if cancels else None
        params["canceled_at"] = now() if cancels else None
    simulator.change("customer.subscription.updated", subscription, **params)
    return subscription


@operations.declare("DELETE", "/v1/subscriptions/<object_id>", {"invoice_now": boolean, "prorate": boolean})
def cancel(simulator: Simulator, _params: StripeObject, object_id: str) -> StripeObject:
    """End a subscription at once and emit customer.subscription.deleted."""
    subscription = simulator.store.get("subscription", object_id)
    if subscription["status"] == "canceled":
        raise invalid(f"No such subscription: '{object_id}'", code="resource_missing", param="id")
    moment = now()
    subscription.update(status="canceled", canceled_at=moment, ended_at=moment)
    subscription["cancellation_details"]["reason"] = "cancellation_requested"
    simulator.emit("customer.subscription.deleted", subscription)
    return subscription


def start(
    simulator: Simulator, *, customer: str, items: list[tuple[StripeObject, int]], values: dict[str, Any]
) -> tuple[StripeObject, StripeObject]:
    """Make an active subscription and its first, paid invoice; emits customer.subscription.created."""
    moment = now()
    subscription = build(
        "subscription",
        billing_cycle_anchor=moment,
        currency=items[0][0]["currency"],
        customer=customer,
        start_date=moment,
        **values,
    )
    made = [_item(subscription["id"], price, quantity, moment) for price, quantity in items]
    subscription["items"] = listed(f"/v1/subscription_items?subscription={subscription['id']}", made)
    simulator.store.add(subscription)
    invoice = _invoice(simulator, subscription, reason="subscription_create")
    total = invoice["total"]
    invoice.update(amount_paid=total, amount_remaining=0, attempt_count=1, attempted=True, status="paid")
    subscription["latest_invoice"] = invoice["id"]
    simulator.emit("customer.subscription.created", subscription)
    return subscription, invoice


def set_status(simulator: Simulator, subscription: StripeObject, status: str) -> None:
    """Change a subscription's status from outside; emits customer.subscription.updated, or .deleted for `canceled`."""
    if status not in STATUSES:
        raise invalid(f"Invalid status: must be one of {', '.join(STATUSES)}", param="status")
    if status == "canceled":
        cancel(simulator, {}, subscription["id"])
    else:
        simulator.change("customer.subscription.updated", subscription, status=status)


def fail_invoice(simulator: Simulator, subscription: StripeObject) -> StripeObject:
    """Let a renewal fail: an open invoice, invoice.payment_failed, and the subscription past due."""
    invoice = _invoice(simulator, subscription, reason="subscription_cycle")
    invoice.update(attempt_count=1, attempted=True, auto_advance=True, next_payment_attempt=now() + 3 * 24 * 3600)
    subscription["latest_invoice"] = invoice["id"]
    simulator.emit("invoice.payment_failed", invoice)
    simulator.change("customer.subscription.updated", subscription, status="past_due")
    return invoice


def period_end(subscription: StripeObject) -> int:
    """When the paid period ends: since API 2025-03-31 the items carry it."""
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def _item(subscription_id: str, price: StripeObject, quantity: int, moment: int) -> StripeObject:
    recurring = price["recurring"]
    plan = template("plan")
    plan.update(
        amount=price["unit_amount"],
        amount_decimal=price["unit_amount_decimal"],
        created=price["created"],
        currency=price["currency"],
        id=price["id"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        product=price["product"],
    )
    return build(
        "subscription_item",
        current_period_end=_later(moment, recurring["interval"], recurring["interval_count"]),
        current_period_start=moment,
        plan=plan,
        price=price,
        quantity=quantity,
        subscription=subscription_id,
    )


def _later(moment: int, interval: str, count: int) -> int:
    """Add days, weeks, months or years; the 31st becomes a shorter month's last day."""
    start_of_period = datetime.fromtimestamp(moment, UTC)
    if interval in ("day", "week"):
        return int((start_of_period + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = start_of_period.month - 1 + count * (12 if interval == "year" else 1)
    year, month = start_of_period.year + months // 12, months % 12 + 1
    day = min(start_of_period.day, calendar.monthrange(year, month)[1])
    return int(start_of_period.replace(year=year, month=month, day=day).timestamp())


def _invoice(simulator: Simulator, subscription: StripeObject, *, reason: str) -> StripeObject:
    items = subscription["items"]["data"]
    total = sum(item["price"]["unit_amount"] * item["quantity"] for item in items)
    customer = simulator.store.get("customer", subscription["customer"])
    invoice = build(
        "invoice",
        amount_due=total,
        amount_remaining=total,
        billing_reason=reason,
        currency=subscription["currency"],
        customer=subscription["customer"],
        customer_email=customer.get("email"),
        effective_at=now(),
        number=new_id("coupon").upper() + "-0001",
        parent={
            "quote_details": None,
            "subscription_details": {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]},
            "type": "subscription_details",
        },
        period_end=period_end(subscription),
        period_start=items[0]["current_period_start"],
        subtotal=total,
        subtotal_excluding_tax=total,
        total=total,
        total_excluding_tax=total,
    )
    lines = [_invoice_line(invoice["id"], subscription["id"], item) for item in items]
    invoice["lines"] = listed(f"/v1/invoices/{invoice['id']}/lines", lines)
    return simulator.store.add(invoice)


def _invoice_line(invoice_id: str, subscription_id: str, item: StripeObject) -> StripeObject:
    price = item["price"]
    cost = price["unit_amount"] * item["quantity"]
    return build(
        "invoice_line_item",
        amount=cost,
        currency=price["currency"],
        invoice=invoice_id,
        parent={
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription_id,
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        period={"end": item["current_period_end"], "start": item["current_period_start"]},
        pricing={
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        quantity=item["quantity"],
        subtotal=cost,
    )
