"""What buyers, backends and Stripe do while things break: each repeats until it has an answer, as the real ones do."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from bench import wire
from reliability.expectations import Answers
from reliability.faults.caller import PATIENCE_S, PAUSE_FIRST_S, Caller
from reliability.faults.jobs import Jobs
from reliability.faults.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

_SPENDS = 24
_SPEND_TOKENS = 5  # 24 times 5 is more than the 110 of a package: some have to be refused
_FINAL = {HTTPStatus.OK, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.CONFLICT}


class Traffic:
    """A few users, who buy, spend, are refunded and dispute, all at once."""

    def __init__(self, world: World, number: int, seed: int) -> None:
        self._world = world
        self._http = Caller()
        self._random = random.Random(f"{seed}:{number}")  # noqa: S311 - what users do, not a secret
        self._prefix = f"t{number}"
        self.answers = Answers()
        self._jobs = Jobs(world, self._http, self.answers)
        self.failures: list[str] = []

    @property
    def uids(self) -> list[str]:
        """The users."""
        return [f"{self._prefix}-{name}" for name in ("refunded", "disputed", "hot", "wrong", "early", "jobs")]

    def run(self) -> None:
        """Return when everybody has finished, or given up."""
        refunded, disputed, hot, wrong, early, jobs = self.uids
        everybody: list[Callable[[], None]] = [
            lambda: self._buy_and_refund(refunded),
            lambda: self._buy_and_dispute(disputed),
            lambda: self._buy_and_spend(hot),
            lambda: self._pay_wrong_terms(wrong),
            lambda: self._refund_at_once(early),
            lambda: self._buy_and_reserve(jobs),
        ]
        with self._http, ThreadPoolExecutor(len(everybody)) as pool:
            for done in [pool.submit(one) for one in everybody]:
                try:
                    done.result()
                except (TimeoutError, httpx.HTTPError) as error:
                    self.failures.append(f"{type(error).__name__}: {error}")

    def finish(self) -> None:
        """Give time to what expires, and let a last spend meet it."""
        with Caller() as http:
            self._jobs.finish(self.uids[-1], http)

    # --- users

    def _buy_and_refund(self, uid: str) -> None:
        first, _ = self._buy(uid), self._buy(uid)
        self._wait_for_tokens(uid)
        self._refund(first)

    def _buy_and_dispute(self, uid: str) -> None:
        session = self._buy(uid)
        self._wait_for_tokens(uid)
        payment = self._session(session)["payment_intent"]
        charge = self._world.stripe.get("/v1/charges", params={"payment_intent": payment}).json()["data"][0]["id"]
        dispute = self._world.simulate("disputes", charge=charge)["id"]
        self._world.simulate(f"disputes/{dispute}/close", status="lost")

    def _refund_at_once(self, uid: str) -> None:
        """Its refund may overtake its purchase."""
        self._refund(self._buy(uid))

    def _buy_and_spend(self, uid: str) -> None:
        """Spend from many connections, some of them with the same key at once."""
        self._buy(uid)
        self._wait_for_tokens(uid)
        keys = [f"{self._prefix}-{number}" for number in range(_SPENDS)]
        keys += self._random.sample(keys, _SPENDS // 4)
        self._random.shuffle(keys)
        with ThreadPoolExecutor(len(keys)) as pool:
            list(pool.map(lambda key: self._spend(uid, key), keys))

    def _buy_and_reserve(self, uid: str) -> None:
        """Run jobs that reserve first, on tokens of which some were given and will expire."""
        self._jobs.grant(uid)
        self._buy(uid)
        self._wait_for_tokens(uid, above=Jobs.GRANTED)
        self._jobs.run(uid)

    def _pay_wrong_terms(self, uid: str) -> None:
        """Pay a session that promises tokens that its package does not have."""
        metadata = {"firebase_uid": uid, "package_id": "popular", "tokens": "99999", "purchase_type": "token_package"}
        body = {
            "mode": "payment",
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": "999",
            "line_items[0][price_data][product_data][name]": "Tokens",
            "line_items[0][quantity]": "1",
            "success_url": "http://localhost/",
        }
        for key, value in metadata.items():
            body |= {f"metadata[{key}]": value, f"payment_intent_data[metadata][{key}]": value}

        def order() -> httpx.Response:
            return self._world.stripe.post("/v1/checkout/sessions", data=body)

        self._pay(self._http.until_ok(order).json()["id"])

    # --- what they do

    def _buy(self, uid: str) -> str:
        """Open a Checkout Session, pay it, and return its id. Who gets no answer tries again with another."""
        request = wire.checkout(uid, self._world.project)

        def order() -> httpx.Response:
            return self._http.client.post(
                self._world.url("create_checkout"), content=request.body, headers=request.headers
            )

        session = str(self._http.until_ok(order).json()["session_id"])
        self._pay(session)
        return session

    def _pay(self, session: str) -> None:
        self._world.simulate(f"sessions/{session}/pay")

    def _refund(self, session: str) -> None:
        payment = self._session(session)["payment_intent"]
        self._http.until_ok(lambda: self._world.stripe.post("/v1/refunds", data={"payment_intent": payment}))

    def _session(self, session: str) -> dict[str, str]:
        found: dict[str, str] = self._http.until_ok(
            lambda: self._world.stripe.get(f"/v1/checkout/sessions/{session}")
        ).json()
        return found

    def _spend(self, uid: str, key: str) -> None:
        request = wire.spend(uid, key, _SPEND_TOKENS)

        def spend() -> httpx.Response:
            return self._http.client.post(
                self._world.url("spend_tokens"), content=request.body, headers=request.headers
            )

        try:
            status = self._http.until_final(spend, _FINAL).status_code
        except TimeoutError:
            self.answers.give_up(uid, key)
            raise
        if status == HTTPStatus.OK:
            self.answers.accept(uid, key, _SPEND_TOKENS)
        elif status == HTTPStatus.PAYMENT_REQUIRED:
            self.answers.refuse(uid, key)
        else:
            self.answers.contradictions.append(f"spend {key} of {uid} conflicts with itself")

    def _wait_for_tokens(self, uid: str, *, above: int = 0) -> None:
        account = self._world.database.document(f"accounts/{uid}")

        def balance() -> int:
            return int((account.get().to_dict() or {}).get("balance", 0))

        deadline = time.monotonic() + PATIENCE_S
        while balance() <= above:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{uid} paid and got no tokens")
            time.sleep(PAUSE_FIRST_S)
