"""The least that a function which uses Firestore has to load; it calls nothing."""

import functions_framework
import google.auth  # noqa: F401 - loading it is what is measured
from flask import Request
from google.cloud import firestore  # noqa: F401 - loading it is what is measured


@functions_framework.http
def bare_client(_request: Request) -> str:
    """Answer ok."""
    return "ok"
