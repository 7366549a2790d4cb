"""The Pub/Sub topics, and how long they keep messages. Every side that names one imports it from here."""

from datetime import timedelta

STRIPE_EVENTS = "stripe-events"
"""Every verified event that something here handles."""

DEAD_LETTERS = "stripe-events-dead"
"""The topic that takes undeliverable messages; its one subscription has the same name."""

RETENTION = timedelta(days=31)
"""How long a topic keeps messages: the longest Pub/Sub allows, so that any part can be replayed."""
