"""Stripe's objects, each built from a complete template (object_templates.json), so that none ever lacks a field.

The fields are those of Stripe's OpenAPI samples and of its library; tests/test_objects.py compares them.
"""

import copy
import json
import secrets
import string
from functools import cache
from pathlib import Path
from typing import Any

StripeObject = dict[str, Any]

_ALPHANUMERIC = string.ascii_letters + string.digits

# Prefix and length of what follows, as they look in Stripe's test mode.
_ID_SHAPES = {
    "balance_transaction": ("txn_3", 23),
    "charge": ("ch_3", 23),
    "checkout.session": ("cs_test_a1", 56),
    "coupon": ("", 8),
    "customer": ("cus_", 14),
    "dispute": ("du_1", 23),
    "event": ("evt_1", 23),
    "invoice": ("in_1", 23),
    "invoice_line_item": ("il_1", 23),
    "item": ("li_1", 23),
    "payment_intent": ("pi_3", 23),
    "payment_method": ("pm_1", 23),
    "price": ("price_1", 23),
    "product": ("prod_", 14),
    "promotion_code": ("promo_1", 23),
    "refund": ("re_3", 23),
    "request": ("req_", 14),
    "subscription": ("sub_1", 23),
    "subscription_item": ("si_", 14),
    "webhook_endpoint": ("we_1", 23),
}


def new_id(kind: str) -> str:
    """Return a new id that looks like Stripe's for this kind of object."""
    prefix, length = _ID_SHAPES[kind]
    return prefix + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def build(kind: str, **values: object) -> StripeObject:
    """Build a complete object with a new id; `values` replace the template's.

    Raises:
        KeyError: the kind has no such field.
    """
    built = template(kind)
    if "id" in built:
        built["id"] = new_id(kind)
    for name, value in values.items():
        if name not in built:
            raise KeyError(f"{kind} has no field {name}")
        built[name] = value
    return built


def template(kind: str) -> StripeObject:
    """Return a copy of a kind's template: every field, with its neutral value."""
    copied: StripeObject = copy.deepcopy(_templates()[kind])
    return copied


@cache
def _templates() -> dict[str, StripeObject]:
    loaded: dict[str, StripeObject] = json.loads(Path(__file__).with_name("object_templates.json").read_text())
    return loaded
