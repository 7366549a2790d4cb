"""The /_sim paths: what happens outside Stripe's API, for tests and demos. README.md lists them."""
