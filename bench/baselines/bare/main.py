"""The unavoidable calls behind HTTP, so that the web server's share can be told apart."""

import os
from functools import cache

import functions_framework
from flask import Request
from google.pubsub_v1 import PublisherClient

from bench.baselines.bare import calls


@functions_framework.http
def bare_publish(request: Request) -> str:
    """Publish the body."""
    topic = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/stripe-events"
    calls.publish(_publisher(), topic, request.get_data())
    return "ok"


@cache
def _publisher() -> PublisherClient:
    return calls.publisher(os.environ["PUBSUB_EMULATOR_HOST"])
