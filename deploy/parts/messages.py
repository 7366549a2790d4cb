"""Pub/Sub: the topics, and the subscriptions that push to functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.commands import gcloud
from deploy.deployment import Deployment
from deploy.environment import PUSH
from deploy.parts.ground import label_flags
from deploy.resource import LABELS, Kind, Resource, always, labeled, last_part
from topology.functions import Function
from topology.topics import DEAD_LETTERS, RETENTION, STRIPE_EVENTS

_TOPICS = ("pubsub", "topics")
_SUBSCRIPTIONS = ("pubsub", "subscriptions")
_RETENTION_S = f"{int(RETENTION.total_seconds())}s"
_RETENTION_FLAG = f"--message-retention-duration={RETENTION.days}d"
_SEVEN_DAYS_S = "604800s"


def topics(deployment: Deployment) -> None:
    """Create the topic for Stripe's events and the one for undeliverable messages."""
    kind = Kind(
        "topic",
        deployment.listing(*_TOPICS, "list"),
        last_part,
        labeled(),
        lambda state: gcloud(*_TOPICS, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    for topic in (STRIPE_EVENTS, DEAD_LETTERS):
        create = gcloud(*_TOPICS, "create", topic, _RETENTION_FLAG, label_flags(), deployment.project)
        labels = label_flags("--update-labels")
        update = gcloud(*_TOPICS, "update", topic, _RETENTION_FLAG, labels, deployment.project)
        desired = {"messageRetentionDuration": _RETENTION_S, "labels": LABELS}
        deployment.executor.ensure(Resource(kind, topic, create, always(update), desired=desired))
        publishers = {deployment.member(row.service) for row in deployment.functions if topic in row.publishes}
        if topic == DEAD_LETTERS:
            publishers.add(deployment.pubsub_agent)
        deployment.ensure_policy((*_TOPICS, topic), {"roles/pubsub.publisher": publishers})


@dataclass(frozen=True)
class _Subscription:
    """What the subscriptions of this project differ in; `push` is empty for one that is pulled from."""

    name: str
    topic: str
    ack_deadline_s: int
    filter: str = ""
    flags: tuple[str, ...] = ()
    push: Mapping[str, Any] | None = None


def subscriptions(deployment: Deployment) -> None:
    """Create the dead letters' own subscription and one push subscription per subscriber."""
    kind = Kind(
        "subscription",
        deployment.listing(*_SUBSCRIPTIONS, "list"),
        last_part,
        labeled(),
        lambda state: gcloud(*_SUBSCRIPTIONS, "delete", last_part(state), deployment.project),
    )
    deployment.executor.own(kind)
    _ensure(deployment, kind, _Subscription(DEAD_LETTERS, DEAD_LETTERS, 60))
    deployment.ensure_policy((*_SUBSCRIPTIONS, DEAD_LETTERS), {})
    for row in deployment.functions:
        if row.subscription:
            _ensure(deployment, kind, _pushing(deployment, row, row.subscription.name, row.subscription.filter))
            subscribers = {"roles/pubsub.subscriber": {deployment.pubsub_agent}}
            deployment.ensure_policy((*_SUBSCRIPTIONS, row.subscription.name), subscribers)


def _pushing(deployment: Deployment, row: Function, name: str, message_filter: str) -> _Subscription:
    environment = deployment.environment
    url, pusher = environment.url(row.service), environment.account(PUSH)
    dead_letters = f"projects/{environment.project}/topics/{DEAD_LETTERS}"
    flags = (
        f"--push-endpoint={url}",
        f"--push-auth-service-account={pusher}",
        f"--push-auth-token-audience={url}",
        "--min-retry-delay=10s",
        "--max-retry-delay=600s",
        f"--dead-letter-topic={dead_letters}",
        "--max-delivery-attempts=10",
    )
    desired = {
        "pushConfig": {
            "pushEndpoint": url,
            "oidcToken": {"serviceAccountEmail": pusher, "audience": url},
            "noWrapper": None,
        },
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
        "deadLetterPolicy": {"deadLetterTopic": dead_letters, "maxDeliveryAttempts": 10},
    }
    return _Subscription(name, STRIPE_EVENTS, row.timeout_s, message_filter, flags, desired)


def _ensure(deployment: Deployment, kind: Kind, subscription: _Subscription) -> None:
    path = f"projects/{deployment.environment.project}/topics/{subscription.topic}"
    pulled = subscription.push is None
    flags = (
        *subscription.flags,
        f"--ack-deadline={subscription.ack_deadline_s}",
        "--expiration-period=never",
        # Without a push, messages wait for a person. A pushed one is kept by the topic for as long.
        _RETENTION_FLAG if pulled else "--message-retention-duration=7d",
        "--no-retain-acked-messages",
    )
    only = (f"--message-filter={subscription.filter}",) if subscription.filter else ()
    create = ("create", subscription.name, f"--topic={path}", *only, *flags, label_flags())
    delivery = ("--push-endpoint", "") if pulled else ("--clear-push-no-wrapper-config",)
    update = ("update", subscription.name, *flags, *delivery, label_flags("--update-labels"))
    deployment.executor.ensure(
        Resource(
            kind,
            subscription.name,
            gcloud(*_SUBSCRIPTIONS, *create, deployment.project),
            always(gcloud(*_SUBSCRIPTIONS, *update, deployment.project)),
            desired={
                "ackDeadlineSeconds": subscription.ack_deadline_s,
                "expirationPolicy": {"ttl": None},
                "labels": LABELS,
                "messageRetentionDuration": _RETENTION_S if pulled else _SEVEN_DAYS_S,
                "retainAckedMessages": False,
                "pushConfig": {"pushEndpoint": None},
                **(subscription.push or {}),
            },
            immutable={
                "topic": path,
                "filter": subscription.filter,
                "enableMessageOrdering": False,
                "detached": False,
            },
        )
    )
