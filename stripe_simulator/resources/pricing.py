"""What a Checkout Session costs: line items, discount, tax, total. Whole cents, halves rounded up."""

from decimal import ROUND_HALF_UP, Decimal

from stripe_simulator.engine.objects import StripeObject, build
from stripe_simulator.engine.store import Store


def line_item(price: StripeObject, product: StripeObject, quantity: int) -> StripeObject:
    """Make the line item of a price, before discounts and taxes."""
    subtotal = price["unit_amount"] * quantity
    return build(
        "item",
        amount_subtotal=subtotal,
        amount_total=subtotal,
        currency=price["currency"],
        description=product["name"],
        price=price,
        quantity=quantity,
    )


def reprice(store: Store, session: StripeObject, items: list[StripeObject], tax_percent: Decimal) -> None:
    """Set a session's and its line items' amounts anew: subtotal - discount + tax = total."""
    taxed = session["automatic_tax"]["enabled"]
    subtotal = discounted = 0
    for item in items:
        # Each item bears what the discount grows by when it joins: so the shares add up, and none exceeds its item.
        subtotal += item["amount_subtotal"]
        item["amount_discount"] = _discount(store, session, subtotal) - discounted
        discounted += item["amount_discount"]
        net = item["amount_subtotal"] - item["amount_discount"]
        item["amount_tax"] = rounded(net * tax_percent / 100) if taxed else 0
        item["amount_total"] = net + item["amount_tax"]
    session["amount_subtotal"] = subtotal
    session["amount_total"] = sum(item["amount_total"] for item in items)
    session["total_details"] = {
        "amount_discount": discounted,
        "amount_shipping": 0,
        "amount_tax": sum(item["amount_tax"] for item in items),
    }


def rounded(cents: Decimal) -> int:
    """Round to whole cents, a half upwards."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _discount(store: Store, session: StripeObject, cents: int) -> int:
    """What the session's discount, if any, takes off an amount."""
    for discount in session["discounts"]:
        coupon = store.get("coupon", discount["coupon"])
        if coupon["amount_off"] is not None:
            return min(cents, int(coupon["amount_off"]))
        return rounded(cents * Decimal(str(coupon["percent_off"])) / 100)
    return 0
