"""Subscriptions, as far as a change of status needs them.

https://docs.stripe.com/api/subscriptions and https://docs.stripe.com/billing/subscriptions/webhooks. Periods do not
end by themselves: /_sim/subscriptions says what happens.
"""

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any

from stripe_simulator.engine.errors import invalid
from stripe_simulator.engine.objects import StripeObject, template
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.invoices import create_invoice, pay_invoice, pricing_of
from stripe_simulator.resources.operations import LIST_PARAMS, Operations, as_list, created_within, page
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

_DAYS_UNTIL_NEXT_ATTEMPT = 3
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
def create(account: Account, params: StripeObject) -> StripeObject:
    """Start a subscription, which is active at once."""
    account.store.refer("customer", params["customer"], "customer")
    items = []
    for position, item in enumerate(params["items"]):
        param = f"items[{position}][price]"
        price = account.store.refer("price", item["price"], param)
        if price["type"] != "recurring":
            message = (
                "The price specified is set to `type=one_time` but this field only accepts prices with "
                "`type=recurring`."
            )
            raise invalid(message, param=param)
        items.append((price, item.get("quantity", 1)))
    values: StripeObject = {
        name: params[name] for name in ("cancel_at_period_end", "description", "metadata") if name in params
    }
    subscription, _invoice = start(account, customer=params["customer"], items=items, values=values)
    return subscription


operations.retrievable("subscription", "/v1/subscriptions")


@operations.declare(
    "GET", "/v1/subscriptions", {**LIST_PARAMS, "customer": text, "status": one_of("all", "ended", *STATUSES)}
)
def list_subscriptions(account: Account, params: StripeObject) -> StripeObject:
    """List subscriptions, newest first; without a status, those that are not canceled."""
    statuses = _statuses(params.get("status"))

    def matches(subscription: StripeObject) -> bool:
        return (
            created_within(subscription, params)
            and subscription["customer"] == params.get("customer", subscription["customer"])
            and subscription["status"] in statuses
        )

    return page(account.store, "subscription", "/v1/subscriptions", params, matches)


def _statuses(requested: str | None) -> tuple[str, ...]:
    if requested is None:
        return tuple(status for status in STATUSES if status != "canceled")
    return {"all": STATUSES, "ended": ("canceled", "incomplete_expired")}.get(requested, (requested,))


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
def update(account: Account, params: StripeObject, object_id: str) -> StripeObject:
    """Change what is given and emit customer.subscription.updated."""
    subscription = account.store.get("subscription", object_id)
    params.pop("proration_behavior", None)
    if "metadata" in params:
        params["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    if "cancel_at_period_end" in params:
        cancels = params["cancel_at_period_end"]
        params["cancel_at"] = _period_end(subscription) if cancels else None
        params["canceled_at"] = account.clock.now() if cancels else None
    account.change("customer.subscription.updated", subscription, **params)
    return subscription


@operations.declare("DELETE", "/v1/subscriptions/<object_id>", {"invoice_now": boolean, "prorate": boolean})
def cancel(account: Account, _params: StripeObject, object_id: str) -> StripeObject:
    """End a subscription at once and emit customer.subscription.deleted."""
    subscription = account.store.get("subscription", object_id)
    if subscription["status"] == "canceled":
        raise invalid(f"No such subscription: '{object_id}'", code="resource_missing", param="id")
    now = account.clock.now()
    subscription.update(status="canceled", canceled_at=now, ended_at=now)
    subscription["cancellation_details"]["reason"] = "cancellation_requested"
    account.emit("customer.subscription.deleted", subscription)
    return subscription


def start(
    account: Account, *, customer: str, items: list[tuple[StripeObject, int]], values: dict[str, Any]
) -> tuple[StripeObject, StripeObject]:
    """Create an active subscription and its first invoice, which is paid; emits customer.subscription.created."""
    now = account.clock.now()
    subscription = account.create(
        "subscription",
        billing_cycle_anchor=now,
        currency=items[0][0]["currency"],
        customer=customer,
        start_date=now,
        **values,
    )
    parts = [_item(account, subscription["id"], price, quantity) for price, quantity in items]
    subscription["items"] = as_list(f"/v1/subscription_items?subscription={subscription['id']}", parts)
    invoice = _invoice(account, subscription, reason="subscription_create")
    subscription["latest_invoice"] = invoice["id"]
    account.emit("customer.subscription.created", subscription)
    pay_invoice(account, invoice)
    return subscription, invoice


def set_status(account: Account, subscription: StripeObject, status: str) -> None:
    """Change a subscription's status from outside; emits customer.subscription.updated, or .deleted for `canceled`."""
    if status not in STATUSES:
        raise invalid(f"Invalid status: must be one of {', '.join(STATUSES)}", param="status")
    if status == "canceled":
        cancel(account, {}, subscription["id"])
    else:
        account.change("customer.subscription.updated", subscription, status=status)


def fail_invoice(account: Account, subscription: StripeObject) -> StripeObject:
    """Let a renewal fail: an open invoice, invoice.payment_failed, and the subscription past due."""
    invoice = _invoice(account, subscription, reason="subscription_cycle")
    next_attempt = account.clock.now() + _DAYS_UNTIL_NEXT_ATTEMPT * 24 * 3600
    invoice.update(attempt_count=1, attempted=True, auto_advance=True, next_payment_attempt=next_attempt)
    subscription["latest_invoice"] = invoice["id"]
    account.emit("invoice.payment_failed", invoice)
    account.change("customer.subscription.updated", subscription, status="past_due")
    return invoice


def _period_end(subscription: StripeObject) -> int:
    """Return when the paid period ends, which the items say since API 2025-03-31."""
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def _item(account: Account, subscription_id: str, price: StripeObject, quantity: int) -> StripeObject:
    now = account.clock.now()
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
    return account.build(
        "subscription_item",
        current_period_end=_later(now, recurring["interval"], recurring["interval_count"]),
        current_period_start=now,
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


def _invoice(account: Account, subscription: StripeObject, *, reason: str) -> StripeObject:
    items = subscription["items"]["data"]
    return create_invoice(
        account,
        subscription["customer"],
        [_invoice_line(account, subscription["id"], item) for item in items],
        billing_reason=reason,
        currency=subscription["currency"],
        parent={
            "quote_details": None,
            "subscription_details": {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]},
            "type": "subscription_details",
        },
        period_end=_period_end(subscription),
        period_start=items[0]["current_period_start"],
    )


def _invoice_line(account: Account, subscription_id: str, item: StripeObject) -> StripeObject:
    price = item["price"]
    cost = price["unit_amount"] * item["quantity"]
    return account.build(
        "invoice_line_item",
        amount=cost,
        currency=price["currency"],
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
        pricing=pricing_of(price),
        quantity=item["quantity"],
        subtotal=cost,
    )
