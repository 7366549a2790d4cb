"""What a Checkout Session costs: line items, discount, tax, total. Whole cents, halves rounded up."""

from decimal import ROUND_HALF_UP, Decimal

from stripe_simulator.engine.objects import StripeObject, build
from stripe_simulator.engine.simulator import Account


def line_item(
    price: StripeObject, product: StripeObject, quantity: int, option: tuple[str, int] | None = None
) -> StripeObject:
    """Return a new line item for a price, before discounts and taxes.

    `option` is one of the price's currencies with its amount; None: the default one.
    """
    currency, unit_amount = option or (price["currency"], price["unit_amount"])
    subtotal = unit_amount * quantity
    return build(
        "item",
        amount_subtotal=subtotal,
        amount_total=subtotal,
        currency=currency,
        description=product["name"],
        price=price,
        quantity=quantity,
    )


def reprice(account: Account, session: StripeObject) -> None:
    """Set a stored session's amounts from its line items, its discount and the account's tax."""
    items = account.store.session_details[session["id"]].line_items
    coupons = [account.store.get("coupon", discount["coupon"]) for discount in session["discounts"]]
    set_amounts(session, items, coupons[0] if coupons else None, account.behavior.tax_percent)


def set_amounts(
    session: StripeObject, items: list[StripeObject], coupon: StripeObject | None, tax_percent: Decimal
) -> None:
    """Set the amounts of a session and of its line items: subtotal - discount + tax = total."""
    taxed = session["automatic_tax"]["enabled"]
    subtotal = discounted = 0
    for item in items:
        # Each item bears what the discount grows by when it joins: the shares add up, and none exceeds its item.
        subtotal += item["amount_subtotal"]
        item["amount_discount"] = _discount(coupon, subtotal) - discounted
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
    """Round to whole cents, a half upward."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _discount(coupon: StripeObject | None, cents: int) -> int:
    """Return what a coupon takes off an amount."""
    if coupon is None:
        return 0
    if coupon["amount_off"] is not None:
        return min(cents, int(coupon["amount_off"]))
    return rounded(cents * Decimal(str(coupon["percent_off"])) / 100)
