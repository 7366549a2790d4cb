"""Stripe's resources: the operations of /v1, and what they do."""
