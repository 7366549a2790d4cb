"""Stripe's resources: the operations under /v1, and what they do to an account."""
