"""Stripe's webhook signature (https://docs.stripe.com/webhooks#verify-manually)."""

import hashlib
import hmac


def sign(payload: str, secrets: tuple[str, ...], timestamp: int) -> str:
    """Return the Stripe-Signature header: `t=<seconds>,v1=<HMAC-SHA256 of "t.payload">`, one v1 per secret."""
    message = f"{timestamp}.{payload}".encode()
    signatures = [hmac.new(secret.encode(), message, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])
