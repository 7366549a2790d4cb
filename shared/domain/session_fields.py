"""What a Checkout Session says, read with care: any field may be missing or of the wrong kind. Pure."""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from shared.domain.times import YEAR_10000_S

_INT64_MAX = 2**63 - 1
_EVIDENCE_MAX = 500  # as long as Stripe lets a metadata value be
_SESSION_ID = re.compile(r"cs_\w{1,252}", re.ASCII)  # at most 255: https://docs.stripe.com/upgrades

RECEIPT_FIELDS = ("invoice", "payment_intent.latest_charge")
"""What a session must be expanded by for `receipt_url_of`."""


def is_session_id(value: object) -> TypeGuard[str]:
    """Tell whether a value looks like the id of a Checkout Session."""
    return isinstance(value, str) and _SESSION_ID.fullmatch(value) is not None


def receipt_url_of(session: Mapping[str, Any]) -> str | None:
    """Return where Stripe shows an expanded session's invoice, or else the receipt of its payment, or else None.

    Without an invoice and with nothing to pay, there is neither.
    Sources: https://docs.stripe.com/api/invoices/object#invoice_object-hosted_invoice_url and
    https://docs.stripe.com/api/charges/object#charge_object-receipt_url
    """
    charge = mapping_of(mapping_of(session.get("payment_intent")).get("latest_charge"))
    addresses = (mapping_of(session.get("invoice")).get("hosted_invoice_url"), charge.get("receipt_url"))
    return next((url for url in addresses if isinstance(url, str) and url), None)


def metadata_of(stripe_object: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata of a Stripe object; empty when it has none, or none that can be read."""
    return mapping_of(stripe_object.get("metadata"))


def evidence_in(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a session that a hold keeps: ids, claims and amounts, no personal data."""
    metadata = metadata_of(session)
    evidence = {
        "packageId": metadata.get("package_id"),
        "tokens": metadata.get("tokens"),
        "amountTotal": session.get("amount_total"),
        "amountSubtotal": session.get("amount_subtotal"),
        "amountTax": mapping_of(session.get("total_details")).get("amount_tax"),
        "currency": session.get("currency"),
        "customerId": session.get("customer"),
        "paymentIntentId": session.get("payment_intent"),
        "livemode": session.get("livemode"),
    }
    return {name: storable(value) for name, value in evidence.items()}


def malformed_fields(session: Mapping[str, Any]) -> list[str]:
    """Return the required fields that this paid session lacks: redelivery would not help."""
    totals = mapping_of(session.get("total_details"))
    well_formed = {
        # With an amount, `no_payment_required` means that the payment comes later, if at all.
        "payment_status": session.get("payment_status") == "paid"
        or (session.get("payment_status") == "no_payment_required" and session.get("amount_total") == 0),
        "created": _is_count(session.get("created"), YEAR_10000_S - 1),
        "amount_subtotal": _is_count(session.get("amount_subtotal")),
        "amount_total": _is_count(session.get("amount_total")),
        "amount_discount": totals.get("amount_discount") is None or _is_count(totals["amount_discount"]),
        "amount_tax": totals.get("amount_tax") is None or _is_count(totals["amount_tax"]),
    }
    return [name for name, good in well_formed.items() if not good]


def _is_count(value: object, most: int = _INT64_MAX) -> bool:
    return type(value) is int and 0 <= value <= most


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return a JSON object, empty when the value is anything else."""
    return value if isinstance(value, Mapping) else {}


def storable(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return what a document can hold of a JSON value: Firestore refuses some numbers, texts and lists in lists."""
    if isinstance(value, int):
        return value if abs(value) <= _INT64_MAX else str(value)
    if value is None:
        return None
    return (value if isinstance(value, str) else repr(value)).encode("utf-8", "replace").decode()[:_EVIDENCE_MAX]


def whole_number(text: object) -> int | None:
    """Read a count of tokens as create_checkout writes it: ASCII digits, no sign, no leading zero."""
    if isinstance(text, str) and text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= 9:  # noqa: PLR2004
        return int(text)
    return None


def is_paid_in_full(session: Mapping[str, Any], *, promotions: bool) -> bool:
    """Tell whether what was paid is the price: less a discount only where promotions are allowed, plus any tax."""
    totals = mapping_of(session.get("total_details"))
    discount = totals.get("amount_discount") or 0
    return (discount == 0 or promotions) and session["amount_total"] >= session["amount_subtotal"] - discount
