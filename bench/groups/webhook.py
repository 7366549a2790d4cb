"""Stripe's webhook, which Stripe and the buyer wait for: verify and publish, against nothing but the publishing."""

import json
from collections.abc import Iterator

from bench import wire
from bench.baselines.bare import calls
from bench.client import Request
from bench.lab import Lab
from bench.measure import alternately, percentile
from bench.results import Row, at_most

_CALLS = 500


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows: one request at a time, as the buyer's redirect waits for one webhook."""
    project = lab.project(topics=True)
    publisher = calls.publisher(lab.emulators.pubsub)
    body = json.dumps(wire.purchase("bare", 0), indent=2).encode()
    topic = f"projects/{project}/topics/stripe-events"
    with lab.function("stripe_webhook", project) as webhook, lab.baseline("bare", "bare_publish", project) as bare:
        ours, theirs = webhook.caller(), bare.caller()
        webhooks = iter([wire.webhook(wire.purchase(f"webhook-{number}", 0)) for number in range(_CALLS + 1)])

        def post() -> object:
            return ours.ask(next(webhooks))

        def post_bare() -> object:
            return theirs.ask(Request("POST", "/", {}, body))

        answered, over_http, alone = alternately(_CALLS, post, post_bare, lambda: calls.publish(publisher, topic, body))
    p50, p99 = ([percentile(each_ms, percent) for each_ms in (answered, over_http, alone)] for percent in (50, 99))
    note = f"{p50[0]:.1f} and {p50[1]:.1f} ms"
    yield Row("webhook ÷ bare publish, both over HTTP: p50", p50[0] / p50[1], at_most(1.5), note)
    yield Row("webhook ÷ bare publish, both over HTTP: p99", p99[0] / p99[1], note=f"{p99[0]:.1f} and {p99[1]:.1f} ms")
    yield Row("webhook over HTTP ÷ bare publish in a loop: p50", p50[0] / p50[2], note=f"{p50[2]:.1f} ms without HTTP")
    yield Row("webhook over HTTP ÷ bare publish in a loop: p99", p99[0] / p99[2], note=f"{p99[2]:.1f} ms without HTTP")
