"""Stripe's webhook, whose answer Stripe and the buyer wait for, compared with publishing and nothing else."""

import json
from collections.abc import Iterator

from bench import wire
from bench.baselines.bare import calls
from bench.client import Request
from bench.lab import Lab
from bench.measure import interleaved_calls, percentile
from bench.results import Row, at_most

_CALLS = 500


def measure(lab: Lab) -> Iterator[Row]:
    """Yield the rows. Requests are sent one at a time: a buyer's redirect waits for one webhook."""
    project = lab.project()
    lab.create_topics(project)
    publisher = calls.publisher(lab.emulators.pubsub)
    topic = f"projects/{project}/topics/stripe-events"
    body = json.dumps(wire.purchase("bare", 0), indent=2).encode()
    bare_request = Request("POST", "/", {}, body)
    with lab.function("stripe_webhook", project) as webhook, lab.baseline("bare", "bare_publish", project) as bare:
        ours, theirs = webhook.client(), bare.client()
        webhooks = iter([wire.webhook(wire.purchase(f"webhook-{number}", 0)) for number in range(_CALLS + 1)])
        posted, bare_posted, published = interleaved_calls(
            _CALLS,
            lambda: ours.send_ok(next(webhooks)),
            lambda: theirs.send_ok(bare_request),
            lambda: calls.publish(publisher, topic, body),
        )
    for percent, target in ((50, at_most(1.5)), (99, None)):
        our_ms, bare_ms, loop_ms = (percentile(each, percent) for each in (posted, bare_posted, published))
        note = f"{our_ms:.1f} and {bare_ms:.1f} ms"
        yield Row(f"webhook ÷ bare publish, both over HTTP: p{percent}", our_ms / bare_ms, target, note)
        note = f"{our_ms:.1f} and {loop_ms:.1f} ms"
        yield Row(f"webhook over HTTP ÷ bare publish without HTTP: p{percent}", our_ms / loop_ms, note=note)
