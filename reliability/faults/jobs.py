"""Backends that reserve tokens for a job, and capture, release or forget what they reserved."""

import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, ClassVar

import httpx

from reliability.expectations import Answers
from reliability.faults.caller import Caller
from reliability.faults.world import World

_FINAL = {HTTPStatus.OK, HTTPStatus.PAYMENT_REQUIRED}
_JOBS = 8
_RESERVED = 20  # 8 times 20 is more than the 110 of a package and the grant: one has to be refused
_CAPTURED = 12
_GIVEN_BACK = 4
_USED = 5
_ABANDONED_S = 1


class Jobs:
    """The jobs of one user: all at once, each capture from two connections."""

    GRANTED: ClassVar[int] = 30

    def __init__(self, world: World, http: Caller, answers: Answers) -> None:
        self._world = world
        self._http = http
        self._answers = answers
        self._abandoned_at = 0.0

    def grant(self, uid: str) -> None:
        """Give the user tokens that expire tomorrow."""
        body = {"user_id": uid, "amount": self.GRANTED, "reason": "welcome", "idempotency_key": "welcome"}
        self._call("grant_tokens", "/", body | {"expires_in_days": 1})

    def run(self, uid: str) -> None:
        """Run the jobs, and forget one reservation."""
        with ThreadPoolExecutor(_JOBS + 1) as pool:
            done = [pool.submit(self._job, uid, number) for number in range(_JOBS)]
            done.append(pool.submit(self._abandon, uid))
            for one in done:
                one.result()

    def finish(self, uid: str, http: Caller) -> None:
        """Wait until the forgotten reservation has expired, and let one more spend meet it."""
        time.sleep(max(0.0, self._abandoned_at + 2 * _ABANDONED_S + 0.2 - time.monotonic()))
        self._http = http
        body = {"user_id": uid, "amount": 1, "reason": "the last", "idempotency_key": "last"}
        if self._call("spend_tokens", "/", body).status_code == HTTPStatus.OK:
            self._answers.accept(uid, "last", 1)
        else:
            self._answers.refuse(uid, "last")

    def _job(self, uid: str, number: int) -> None:
        whose = {"user_id": uid, "idempotency_key": f"job-{number}"}
        reserved = self._call("spend_tokens", "/reservations", whose | {"amount": _RESERVED, "reason": "render"})
        if reserved.status_code != HTTPStatus.OK:
            self._answers.refuse(uid, whose["idempotency_key"])
        elif number % 3 == 0:
            self._call("spend_tokens", "/reservations/release", whose)
            self._answers.release(uid, whose["idempotency_key"])
        else:
            captured = whose | {"amount": _CAPTURED}
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda _: self._call("spend_tokens", "/reservations/capture", captured), range(2)))
            self._answers.accept(uid, whose["idempotency_key"], _CAPTURED)
            self._give_back(uid, whose["idempotency_key"])

    def _give_back(self, uid: str, key: str) -> None:
        """Give back some of what a job was charged, from two connections."""
        body = {"user_id": uid, "spend_key": key, "amount": _GIVEN_BACK, "reason": "it was dark"}
        body["idempotency_key"] = f"back-{key}"
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: self._call("spend_tokens", "/reversals", body), range(2)))
        self._answers.given_back[uid, key] = _GIVEN_BACK

    def _abandon(self, uid: str) -> None:
        """Reserve, and be heard of no more: what was used so far is charged."""
        whose = {"user_id": uid, "idempotency_key": "abandoned"}
        more = {"amount": _USED, "reason": "render", "expires_in_s": _ABANDONED_S, "on_expiry": "capture_used"}
        self._answers.give_up(uid, "abandoned")
        if self._call("spend_tokens", "/reservations", whose | more).status_code == HTTPStatus.OK:
            renewal = whose | {"used": _USED, "expires_in_s": _ABANDONED_S}
            # It may have expired before this arrives.
            self._call("spend_tokens", "/reservations/renew", renewal, HTTPStatus.CONFLICT)
        self._abandoned_at = time.monotonic()

    def _call(self, function: str, path: str, body: dict[str, Any], *more: int) -> httpx.Response:
        return self._http.until_final(
            lambda: self._http.client.post(self._world.url(function) + path, json=body), {*_FINAL, *more}
        )
