"""Discounts: coupons, promotion codes, and applying them to a session.

https://docs.stripe.com/api/coupons, /promotion_codes
"""

from stripe_simulator.engine.errors import invalid, missing
from stripe_simulator.engine.objects import StripeObject, new_id
from stripe_simulator.engine.simulator import Account
from stripe_simulator.resources.operations import Operations
from stripe_simulator.resources.params import (
    anything,
    boolean,
    currency,
    fields,
    integer,
    metadata,
    one_of,
    percent,
    positive_amount,
    text,
)
from stripe_simulator.resources.pricing import reprice

operations = Operations()


@operations.declare(
    "POST",
    "/v1/coupons",
    {
        "amount_off": positive_amount,
        "currency": currency,
        "duration": one_of("forever", "once", "repeating"),
        "duration_in_months": integer,
        "id": text,
        "max_redemptions": positive_amount,
        "metadata": metadata,
        "name": text,
        "percent_off": percent,
    },
)
def create_coupon(account: Account, params: StripeObject) -> StripeObject:
    """Create a coupon for a percentage, or for an amount in a currency."""
    if ("amount_off" in params) == ("percent_off" in params):
        raise invalid("You must pass either percent_off or amount_off.")
    if "amount_off" in params and "currency" not in params:
        raise missing("currency")
    if "id" in params and account.store.find("coupon", params["id"]):
        raise invalid("Coupon already exists.", code="resource_already_exists", param="id")
    return account.create("coupon", **params)


operations.retrievable("coupon", "/v1/coupons")


@operations.declare(
    "POST",
    "/v1/promotion_codes",
    {
        "active": boolean,
        "code": text,
        "customer": text,
        "expires_at": integer,
        "max_redemptions": positive_amount,
        "metadata": metadata,
        "promotion": fields({"coupon": text, "type": one_of("coupon")}, required=["coupon", "type"]),
        "restrictions": anything,
    },
    required=["promotion"],
)
def create_promotion_code(account: Account, params: StripeObject) -> StripeObject:
    """Create a code that a buyer can type to get a coupon; it is unique among active codes, ignoring case."""
    account.store.refer("coupon", params["promotion"]["coupon"], "promotion[coupon]")
    params.setdefault("code", new_id("coupon").upper())
    if any(account.store.newest("promotion_code", lambda code: _is_active(code, params["code"]))):
        raise invalid("An active promotion code with `code: " + params["code"] + "` already exists.", param="code")
    return account.create("promotion_code", **params)


operations.retrievable("promotion_code", "/v1/promotion_codes")
operations.listable("promotion_code", "/v1/promotion_codes", active=boolean, code=text)


def apply_promotion(account: Account, session: StripeObject, code: str) -> None:
    """Apply a promotion code to an open session; raises ApiError 400 if it is not allowed or not valid."""
    if not session["allow_promotion_codes"]:
        raise invalid("Promotion codes are not allowed for this session.", param="promotion_code")
    promotion = _find_usable(account, code.strip())
    coupon = account.store.get("coupon", promotion["promotion"]["coupon"]) if promotion else None
    if promotion is None or coupon is None or coupon["currency"] not in (None, session["currency"]):
        raise invalid("This code is invalid.", param="promotion_code")
    session["discounts"] = [{"coupon": coupon["id"], "promotion_code": promotion["id"]}]
    reprice(account, session)


def redeem(account: Account, session: StripeObject) -> None:
    """Count the use of a completed session's discounts; the last allowed use ends a coupon or a code."""
    for discount in session["discounts"]:
        coupon = account.store.get("coupon", discount["coupon"])
        coupon["times_redeemed"] += 1
        if coupon["times_redeemed"] == coupon["max_redemptions"]:
            coupon["valid"] = False
        if discount["promotion_code"] is not None:
            promotion = account.store.get("promotion_code", discount["promotion_code"])
            promotion["times_redeemed"] += 1
            if promotion["times_redeemed"] == promotion["max_redemptions"]:
                promotion["active"] = False


def _find_usable(account: Account, code: str) -> StripeObject | None:
    for promotion in account.store.newest("promotion_code", lambda promotion: _is_active(promotion, code)):
        coupon = account.store.get("coupon", promotion["promotion"]["coupon"])
        if coupon["valid"] and (promotion["expires_at"] is None or promotion["expires_at"] > account.clock.now()):
            return promotion
    return None


def _is_active(promotion: StripeObject, code: str) -> bool:
    """Whether this is an active promotion code with these letters, whatever their case."""
    return bool(promotion["active"] and promotion["code"].casefold() == code.casefold())
