"""How everybody calls: again, with pauses, until there is an answer that settles the matter."""

import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

PATIENCE_S = 60.0
PAUSE_FIRST_S = 0.05
_PAUSE_LONGEST_S = 1.0
_REQUEST_TIMEOUT_S = 65.0  # longer than the functions' own: a client that hangs up learns less
_CONNECTIONS = 64


class Caller:
    """Sends requests until they are answered. Thread-safe."""

    def __init__(self) -> None:
        self.client = httpx.Client(timeout=_REQUEST_TIMEOUT_S, limits=httpx.Limits(max_connections=_CONNECTIONS))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.client.close()

    def until_ok(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Return the first answer that is 200 and arrived whole. Raises as `until_final`."""
        return self.until_final(send, (HTTPStatus.OK,))

    def until_final(self, send: Callable[[], httpx.Response], final: Collection[int]) -> httpx.Response:
        """Return the first answer with one of these statuses that arrived whole.

        Raises:
            TimeoutError: there is none.
        """
        deadline, pause_s, last = time.monotonic() + PATIENCE_S, PAUSE_FIRST_S, "nothing"
        while time.monotonic() < deadline:
            try:
                answer = send()
            except httpx.HTTPError as error:
                last = type(error).__name__
            else:
                if answer.status_code in final and _is_json(answer):
                    return answer
                last = f"{answer.status_code} {answer.text[:200]}"
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_LONGEST_S)
        raise TimeoutError(f"no final answer, but {last}")


def _is_json(answer: httpx.Response) -> bool:
    """Tell whether an answer arrived whole; the harness uses Stripe's API too, and meets its faults."""
    try:
        answer.json()
    except ValueError:
        return False
    return True
