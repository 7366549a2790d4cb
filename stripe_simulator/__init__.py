"""Stripe on one machine: the part of its API, Checkout page and webhooks that selling tokens needs.

`python -m stripe_simulator` serves it; README.md says what it simulates and how to be unkind with it.

    settings.py   the environment
    server.py     the process, or a thread inside a test
    api.py        /v1: Stripe's API, whose operations are in resources/
    controls/     /_sim: what happens outside the API, and faults
    pages/        the payment page, receipts, invoices
    engine/       what all of these build on

Everything lives in memory, behind one lock; a restart forgets it.
"""
