"""Stripe on one machine: the part of Stripe's API, Checkout page and webhooks that the token economy uses.

`python -m stripe_simulator` serves it. Settings come from the environment (see settings.py): HOST, PORT,
STRIPE_SECRET_KEY, STRIPE_WEBHOOK_URL, STRIPE_WEBHOOK_SECRET, SIMULATOR_BASE_URL.

    /v1/...           Stripe's API: customers, products, prices, coupons, promotion codes, Checkout Sessions, payment
                      intents, charges, refunds, disputes, subscriptions, invoices, events, webhook endpoints
    /pay/{session}    the hosted payment page, which is `session.url`
    /_sim/...         what happens outside the API: paying, settling, disputing, losing webhooks (see controls/)

The payment page is plain HTML. Its inputs carry one word each as `id`, `name` and `data-testid`:

    email  card-number  card-expiry  card-cvc  method-card  method-delayed  promotion-code  apply-promotion
    pay-button  cancel-button  error-message  3ds-complete  3ds-fail

(the two methods share the name `method`, the buttons the name `action`: their values are `card`, `delayed`, `pay`,
`cancel`, `apply`, `3ds-complete` and `3ds-fail`).

Test cards (https://docs.stripe.com/testing): 4242 4242 4242 4242 pays, 4000 0000 0000 0002 declines,
4000 0000 0000 9995 has insufficient funds, 4000 0025 0000 3155 asks for 3-D Secure; cards.py has them all.

Everything lives in memory, behind one lock; a restart forgets it.
"""
