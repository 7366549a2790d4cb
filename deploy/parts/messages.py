"""Pub/Sub: the topics, and the subscriptions that push to functions."""

from collections.abc import Mapping
from typing import Any

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.environment import Deployed
from deploy.parts.identities import PUSH
from deploy.resource import Resource, always, by_name
from topology.topics import DEAD_LETTERS, RETENTION, STRIPE_EVENTS

_RETENTION_S = f"{int(RETENTION.total_seconds())}s"
_RETENTION_FLAG = f"--message-retention-duration={RETENTION.days}d"


def topics(deployment: Deployment) -> None:
    """Create the topic for Stripe's events and the one for undeliverable messages."""
    look = deployment.listing("pubsub", "topics", "list")
    for topic in (STRIPE_EVENTS, DEAD_LETTERS):
        update = gcloud("pubsub", "topics", "update", topic, _RETENTION_FLAG, deployment.project)
        deployment.executor.ensure(
            Resource(
                f"topic {topic}",
                look,
                by_name(topic),
                gcloud("pubsub", "topics", "create", topic, _RETENTION_FLAG, deployment.project),
                always(update),
                desired={"messageRetentionDuration": _RETENTION_S},
            )
        )
    for row in deployment.functions:
        for topic in row.publishes:
            deployment.grant(("pubsub", "topics", topic), deployment.member(row.service), "roles/pubsub.publisher")
    deployment.grant(("pubsub", "topics", DEAD_LETTERS), deployment.pubsub_agent, "roles/pubsub.publisher")


def subscriptions(deployment: Deployment) -> None:
    """Create the dead letters' own subscription and one push subscription per subscriber."""
    _subscription(deployment, DEAD_LETTERS, DEAD_LETTERS, (_RETENTION_FLAG, "--ack-deadline=60"), {})
    for row in deployment.functions:
        if row.subscription:
            name = row.subscription.name
            flags, desired = _push(deployment, row)
            _subscription(deployment, name, STRIPE_EVENTS, flags, desired, message_filter=row.subscription.filter)
            deployment.grant(("pubsub", "subscriptions", name), deployment.pubsub_agent, "roles/pubsub.subscriber")


def _push(deployment: Deployment, row: Deployed) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return the flags that make a subscription push to a function, and the fields they set."""
    environment = deployment.environment
    url, pusher = environment.url(row.service), environment.account(PUSH)
    dead_letters = f"projects/{environment.project}/topics/{DEAD_LETTERS}"
    flags = (
        f"--push-endpoint={url}",
        f"--push-auth-service-account={pusher}",
        f"--push-auth-token-audience={url}",
        f"--ack-deadline={row.timeout_s}",
        "--min-retry-delay=10s",
        "--max-retry-delay=600s",
        f"--dead-letter-topic={dead_letters}",
        "--max-delivery-attempts=10",
    )
    desired = {
        "pushConfig": {"pushEndpoint": url, "oidcToken": {"serviceAccountEmail": pusher, "audience": url}},
        "ackDeadlineSeconds": row.timeout_s,
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
        "deadLetterPolicy": {"deadLetterTopic": dead_letters, "maxDeliveryAttempts": 10},
    }
    return flags, desired


def _subscription(
    deployment: Deployment,
    name: str,
    topic: str,
    flags: tuple[str, ...],
    desired: Mapping[str, Any],
    *,
    message_filter: str = "",
) -> None:
    path = f"projects/{deployment.environment.project}/topics/{topic}"
    subscriptions_ = ("pubsub", "subscriptions")
    flags = (*flags, "--expiration-period=never")
    filter_flag = (f"--message-filter={message_filter}",) if message_filter else ()
    update = gcloud(*subscriptions_, "update", name, *flags, deployment.project)
    deployment.executor.ensure(
        Resource(
            f"subscription {name}",
            deployment.listing(*subscriptions_, "list"),
            by_name(name),
            gcloud(*subscriptions_, "create", name, f"--topic={path}", *filter_flag, *flags, deployment.project),
            always(update),
            desired={**desired, "expirationPolicy": {}},
            immutable={"topic": path, "filter": message_filter},
        )
    )
