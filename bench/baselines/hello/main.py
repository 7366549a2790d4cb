"""The smallest possible function."""

import functions_framework
from flask import Request


@functions_framework.http
def hello(_request: Request) -> str:
    """Response ok."""
    return "ok"
