"""The Pub/Sub topics and their retention. Whatever names a topic imports it from here."""

from datetime import timedelta

STRIPE_EVENTS = "stripe-events"
"""Carries every verified event that a function handles."""

DEAD_LETTERS = "stripe-events-dead"
"""Takes undeliverable messages. Its only subscription has the same name."""

RETENTION = timedelta(days=31)
"""How long a topic keeps messages: the longest that Pub/Sub allows, so that any part can be replayed."""
