"""The service accounts that no function runs as, by their short names."""

PUSH = "pubsub-push"
SCHEDULER = "scheduler"
BUILDER = "function-builder"
