"""Invoices of subscriptions, and of one-time payments that ask for one.

https://docs.stripe.com/api/invoices and https://docs.stripe.com/payments/checkout/receipts#paid-invoices: Stripe emits
invoice.paid as soon as the payment of a session with `invoice_creation` succeeds.
"""

from stripe_simulator.engine.objects import StripeObject, new_id
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.operations import Operations, as_list
from stripe_simulator.resources.params import text

operations = Operations()

operations.retrievable("invoice", "/v1/invoices")
operations.listable("invoice", "/v1/invoices", customer=text, status=text)


def create_invoice(account: Account, customer_id: str, lines: list[StripeObject], **values: object) -> StripeObject:
    """Create an open invoice with these lines, whose amounts are net of discounts and without taxes."""
    now = account.clock.now()
    customer = account.store.get("customer", customer_id)
    total = sum(line["amount"] for line in lines)
    invoice = account.create(
        "invoice",
        **{
            "amount_due": total,
            "amount_remaining": total,
            "customer": customer_id,
            "customer_email": customer.get("email"),
            "effective_at": now,
            "number": f"{new_id('coupon').upper()}-0001",
            "period_end": now,
            "period_start": now,
            "subtotal": total,
            "subtotal_excluding_tax": total,
            "total": total,
            "total_excluding_tax": total,
            **values,
        },
    )
    invoice["hosted_invoice_url"] = account.url(f"/invoices/{invoice['id']}")
    invoice["status_transitions"]["finalized_at"] = now
    for line in lines:
        line["invoice"] = invoice["id"]
    invoice["lines"] = as_list(f"/v1/invoices/{invoice['id']}/lines", lines)
    return invoice


def pay_invoice(account: Account, invoice: StripeObject) -> None:
    """Mark an invoice as paid, and emit invoice.paid and invoice.payment_succeeded."""
    invoice.update(amount_paid=invoice["total"], amount_remaining=0, attempt_count=1, attempted=True, status="paid")
    invoice["status_transitions"]["paid_at"] = account.clock.now()
    account.emit("invoice.paid", invoice)
    account.emit("invoice.payment_succeeded", invoice)


def invoice_session(account: Account, session: StripeObject) -> None:
    """Create the paid invoice of a session in payment mode that asked for one."""
    settings = session["invoice_creation"]
    if session["mode"] != "payment" or not settings["enabled"]:
        return
    items = account.store.session_details[session["id"]].line_items
    details, data = session["total_details"], settings["invoice_data"]
    invoice = create_invoice(
        account,
        session["customer"],
        [_line(account, item) for item in items],
        amount_due=session["amount_total"],
        billing_reason="manual",
        currency=session["currency"],
        description=data["description"],
        footer=data["footer"],
        metadata=dict(data["metadata"]),
        subtotal=session["amount_subtotal"],
        subtotal_excluding_tax=session["amount_subtotal"],
        total=session["amount_total"],
        total_discount_amounts=[
            {"amount": details["amount_discount"], "discount": discount["coupon"]} for discount in session["discounts"]
        ],
        total_excluding_tax=session["amount_total"] - details["amount_tax"],
    )
    session["invoice"] = invoice["id"]
    pay_invoice(account, invoice)


def _line(account: Account, item: StripeObject) -> StripeObject:
    now = account.clock.now()
    price = item["price"]
    return account.build(
        "invoice_line_item",
        amount=item["amount_subtotal"],
        currency=item["currency"],
        description=item["description"],
        period={"end": now, "start": now},
        pricing={**pricing_of(price), "unit_amount_decimal": str(item["amount_subtotal"] // item["quantity"])},
        quantity=item["quantity"],
        subtotal=item["amount_subtotal"],
    )


def pricing_of(price: StripeObject) -> StripeObject:
    """Return an invoice line's `pricing`."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }
