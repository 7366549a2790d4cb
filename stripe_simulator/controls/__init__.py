"""The /_sim paths: what happens outside Stripe's API."""
