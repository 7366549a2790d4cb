"""Creates topics and subscriptions on the Pub/Sub emulator, as deploy.sh does on Google Cloud. Safe to repeat.

How the official emulator delivers (google-cloud-cli 528, measured 2026-11):

- It repeats a push every 1.0 s while the connection is refused or the answer is 503; both at the same pace.
- With a dead-letter policy of N attempts, a message goes to the dead-letter topic N seconds after it was published
  (5: 5.3 s, 100: 103.8 s), even if nothing listens at the endpoint. Hence _DELIVERY_ATTEMPTS: with the maximum, a
  function can be down for 100 s before anything is dead-lettered. In production, the retry policy's backoff spreads
  fewer attempts over hours.
- With a retry policy it never dead-letters, so none is set here.
- It ignores filters (a function gets every message and must ignore the others), sends no OIDC token and no
  deliveryAttempt, and pushes at most 2 messages of a subscription at a time.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from topology.functions import Function
from topology.topics import DEAD_LETTERS, RETENTION, STRIPE_EVENTS

_DELIVERY_ATTEMPTS = 100
_RETENTION = f"{int(RETENTION.total_seconds())}s"
_ACK_DEADLINE_S = 60
_TIMEOUT_S = 30  # an emulator's first answers are slow on a busy machine


def set_up(emulator: str, project: str, functions: list[Function], urls: Mapping[str, str]) -> None:
    """Create what is missing.

    Args:
        emulator: host:port of the Pub/Sub emulator.
        project: the project's id.
        functions: those with a subscription get one.
        urls: the address of each function, by name.
    """
    with httpx.Client(base_url=f"http://{emulator}/v1/projects/{project}/", timeout=_TIMEOUT_S) as pubsub:
        _create(pubsub, f"topics/{STRIPE_EVENTS}", {"messageRetentionDuration": _RETENTION})
        _create(pubsub, f"topics/{DEAD_LETTERS}", {})
        never_expires: dict[str, Any] = {"expirationPolicy": {}}
        _create(
            pubsub,
            f"subscriptions/{DEAD_LETTERS}",
            {"topic": f"projects/{project}/topics/{DEAD_LETTERS}"} | never_expires,
        )
        for function in functions:
            if function.subscription:
                subscription = {
                    "topic": f"projects/{project}/topics/{STRIPE_EVENTS}",
                    "pushConfig": {"pushEndpoint": urls[function.name]},
                    "filter": function.subscription.filter,
                    "ackDeadlineSeconds": _ACK_DEADLINE_S,
                    "deadLetterPolicy": {
                        "deadLetterTopic": f"projects/{project}/topics/{DEAD_LETTERS}",
                        "maxDeliveryAttempts": _DELIVERY_ATTEMPTS,
                    },
                }
                _create(pubsub, f"subscriptions/{function.subscription.name}", subscription | never_expires)


def _create(pubsub: httpx.Client, path: str, resource: dict[str, Any]) -> None:
    answer = pubsub.put(path, json=resource)
    if answer.status_code != httpx.codes.CONFLICT:  # it already exists
        answer.raise_for_status()
