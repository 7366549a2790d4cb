"""The least that a function can be."""

import functions_framework
from flask import Request


@functions_framework.http
def hello(_request: Request) -> str:
    """Answer ok."""
    return "ok"
