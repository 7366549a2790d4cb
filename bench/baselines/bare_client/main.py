"""The least that a function must load to use Firestore. It calls nothing."""

import functions_framework
import google.auth  # noqa: F401 - the import is what is measured
from flask import Request
from google.cloud import firestore  # noqa: F401 - the import is what is measured


@functions_framework.http
def bare_client(_request: Request) -> str:
    """Response ok."""
    return "ok"
