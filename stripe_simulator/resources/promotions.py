"""Using a discount: the code that a buyer types, and the count of its uses."""

from stripe_simulator.engine.errors import invalid
from stripe_simulator.engine.objects import StripeObject, now
from stripe_simulator.engine.simulator import Simulator
from stripe_simulator.resources.pricing import reprice


def apply_promotion(simulator: Simulator, session: StripeObject, code: str) -> None:
    """Apply a promotion code to an open session; raises ApiError 400 where it is not allowed or not valid."""
    if not session["allow_promotion_codes"]:
        raise invalid("Promotion codes are not allowed for this session.", param="promotion_code")
    promotion = _find(simulator, code.strip())
    coupon = simulator.store.get("coupon", promotion["promotion"]["coupon"]) if promotion else None
    if promotion is None or coupon is None or coupon["currency"] not in (None, session["currency"]):
        raise invalid("This code is invalid.", param="promotion_code")
    session["discounts"] = [{"coupon": coupon["id"], "promotion_code": promotion["id"]}]
    items = simulator.store.session_details[session["id"]].line_items
    reprice(simulator.store, session, items, simulator.tax_percent)


def redeem(simulator: Simulator, session: StripeObject) -> None:
    """Count a completed session's discounts; the last use that is allowed ends a coupon or a code."""
    for discount in session["discounts"]:
        coupon = simulator.store.get("coupon", discount["coupon"])
        coupon["times_redeemed"] += 1
        if coupon["times_redeemed"] == coupon["max_redemptions"]:
            coupon["valid"] = False
        if discount["promotion_code"] is not None:
            promotion = simulator.store.get("promotion_code", discount["promotion_code"])
            promotion["times_redeemed"] += 1
            if promotion["times_redeemed"] == promotion["max_redemptions"]:
                promotion["active"] = False


def same_code(promotion: StripeObject, code: str) -> bool:
    """Whether a promotion code is the one that was typed, whatever the case."""
    return bool(promotion["code"].casefold() == code.casefold())


def _find(simulator: Simulator, code: str) -> StripeObject | None:
    for promotion in simulator.store.newest("promotion_code", lambda one: one["active"] and same_code(one, code)):
        coupon = simulator.store.get("coupon", promotion["promotion"]["coupon"])
        if coupon["valid"] and (promotion["expires_at"] is None or promotion["expires_at"] > now()):
            return promotion
    return None
