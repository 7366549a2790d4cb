"""The simulator's controls."""

from typing import Any

import httpx

KEY = "sk_test_gateway"


def simulate(url: str, path: str, **body: object) -> dict[str, Any]:
    """Use a control, and return its answer."""
    answer = httpx.post(f"{url}/_sim/{path}", json=body, auth=(KEY, ""), verify=False)
    assert answer.is_success, answer.text
    done: dict[str, Any] = answer.json()
    return done
