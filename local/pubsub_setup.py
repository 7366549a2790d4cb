"""Topics and subscriptions on the Pub/Sub emulator, as the deployment makes them on Google Cloud. Safe to repeat.

How the official emulator delivers (google-cloud-cli 528, measured 2026-11):

- A push that is refused or answered 503 is pushed again every 1.0 s; an answer makes no difference to the pace.
- With a dead-letter policy of N attempts, a message goes to the dead-letter topic N seconds after it was published
  (5: 5.3 s, 100: 103.8 s), also when nothing listens at the endpoint. Hence _DELIVERY_ATTEMPTS: the largest number
  there is lets a function be away for 100 s before anything is dead-lettered. In production the retry policy's backoff
  stretches fewer attempts over hours.
- With a retry policy it does not dead-letter, so none is set here.
- It ignores filters (a function gets every message and must leave the others alone), sends no OIDC token and no
  deliveryAttempt, and pushes at most 2 messages of a subscription at a time.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from topology.functions import Function
from topology.topics import DEAD_LETTERS, RETENTION, STRIPE_EVENTS

_DELIVERY_ATTEMPTS = 100
_RETENTION = f"{int(RETENTION.total_seconds())}s"
_ACK_DEADLINE_SECONDS = 60


def set_up(emulator: str, project: str, functions: list[Function], urls: Mapping[str, str]) -> None:
    """Make what is missing.

    Args:
        emulator: host:port of the Pub/Sub emulator.
        project: the project's id.
        functions: the table of functions; those with a subscription get one.
        urls: where each function is reached, by name.
    """
    with httpx.Client(base_url=f"http://{emulator}/v1/projects/{project}/") as pubsub:
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
                    "ackDeadlineSeconds": _ACK_DEADLINE_SECONDS,
                    "deadLetterPolicy": {
                        "deadLetterTopic": f"projects/{project}/topics/{DEAD_LETTERS}",
                        "maxDeliveryAttempts": _DELIVERY_ATTEMPTS,
                    },
                }
                _create(pubsub, f"subscriptions/{function.subscription.name}", subscription | never_expires)


def _create(pubsub: httpx.Client, path: str, resource: dict[str, Any]) -> None:
    answer = pubsub.put(path, json=resource)
    if answer.status_code != httpx.codes.CONFLICT:  # it exists
        answer.raise_for_status()
