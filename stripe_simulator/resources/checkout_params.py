"""The parameters of a Checkout Session (https://docs.stripe.com/api/checkout/sessions/create)."""

from collections.abc import Mapping

from stripe_simulator.resources.catalog import INLINE_PRICE_PARAMS
from stripe_simulator.resources.params import (
    Reader,
    anything,
    between,
    boolean,
    currency,
    email,
    fields,
    integer,
    list_of,
    metadata,
    one_of,
    text,
    url,
)

_LINE_ITEM = fields(
    {
        "adjustable_quantity": anything,
        "metadata": metadata,
        "price": text,
        "price_data": fields(
            {
                **INLINE_PRICE_PARAMS,
                "product_data": fields(
                    {
                        "description": text,
                        "images": list_of(text),
                        "metadata": metadata,
                        "name": text,
                        "tax_code": text,
                    },
                    required=["name"],
                ),
            },
            required=["currency"],
        ),
        "quantity": between(1, 999_999),
    }
)
_PAYMENT_INTENT_DATA = fields(
    {
        "capture_method": one_of("automatic", "automatic_async"),
        "description": text,
        "metadata": metadata,
        "receipt_email": email,
        "setup_future_usage": one_of("off_session", "on_session"),
        "statement_descriptor": text,
        "statement_descriptor_suffix": text,
        "transfer_group": text,
    }
)
_INVOICE_DATA = fields(
    {
        "account_tax_ids": anything,
        "custom_fields": anything,
        "description": text,
        "footer": text,
        "issuer": anything,
        "metadata": metadata,
        "rendering_options": anything,
    }
)
ECHOED: Mapping[str, Reader] = {
    "billing_address_collection": one_of("auto", "required"),
    "client_reference_id": text,
    "customer_creation": one_of("always", "if_required"),
    "customer_email": email,
    "integration_identifier": text,
    "locale": text,
    "metadata": metadata,
    "origin_context": one_of("mobile_app", "web"),
    "payment_method_collection": one_of("always", "if_required"),
    "payment_method_types": list_of(text),
    "submit_type": one_of("auto", "book", "donate", "pay", "subscribe"),
    "success_url": url,
    "cancel_url": url,
    "ui_mode": one_of("hosted_page"),
}
"""Settings that a session shows as they were sent, and that change nothing else here."""
CREATE: Mapping[str, Reader] = {
    **ECHOED,
    "adaptive_pricing": fields({"enabled": boolean}),
    "allow_promotion_codes": boolean,
    "automatic_tax": fields({"enabled": boolean, "liability": anything}, required=["enabled"]),
    "consent_collection": anything,
    "currency": currency,
    "custom_text": anything,
    "customer": text,
    "customer_update": anything,
    "discounts": list_of(fields({"coupon": text, "promotion_code": text})),
    "expires_at": integer,
    "invoice_creation": fields({"enabled": boolean, "invoice_data": _INVOICE_DATA}, required=["enabled"]),
    "line_items": list_of(_LINE_ITEM),
    "mode": one_of("payment", "subscription"),
    "payment_intent_data": _PAYMENT_INTENT_DATA,
    "payment_method_options": anything,
    "phone_number_collection": anything,
    "subscription_data": fields({"description": text, "metadata": metadata}),
    "tax_id_collection": anything,
}
