"""The client for code that blocks."""

from types import TracebackType
from typing import Self

import httpx

from token_economy import calls
from token_economy.calls import Answer, Call
from token_economy.channel import Channel
from token_economy.identity import identity_for
from token_economy.jobs import EXPIRES_IN_S
from token_economy.records import OnExpiry, ReservationAnswer, TransactionAnswer
from token_economy.sync_job import JobContext


class Tokens:
    """Spends, reserves and grants users' tokens. Threads may share one.

    Every method raises a TokensError when it does not succeed; see token_economy.errors for the kinds. `Unavailable`
    means that nobody knows what happened: the same call with the same key finds out. The others changed nothing.

    Args:
        url: the URL of spend_tokens.
        grants_url: the URL of grant_tokens, which has other callers than spend_tokens.
        auth: how requests are authorized; unless given, Cloud Run's identity token for https, nothing for http on
            this machine.
        http: the HTTP client to use; it stays open.
        timeout_s: how long one attempt may take.
        budget_s: how long a call may take, with all its attempts.
        cleanup_budget_s: how long the end of a job that failed may take, with all its attempts.
    """

    def __init__(
        self,
        url: str,
        *,
        grants_url: str | None = None,
        auth: httpx.Auth | None = None,
        http: httpx.Client | None = None,
        timeout_s: float = 20,
        budget_s: float = 30,
        cleanup_budget_s: float = 10,
    ) -> None:
        self._http = http or httpx.Client()
        self._owns_http = http is None
        self._budget_s = budget_s
        self._cleanup_budget_s = cleanup_budget_s
        self._channel = self._channel_to(url, auth, timeout_s)
        self._grants = self._channel_to(grants_url, auth, timeout_s) if grants_url else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            self._http.close()

    def spend(self, user_id: str, amount: int, *, key: str, reason: str) -> TransactionAnswer:
        """Debit tokens at once, for work whose cost is known beforehand."""
        return self._send(calls.spend(user_id, amount, key=key, reason=reason))

    def reserve(
        self,
        user_id: str,
        amount: int,
        *,
        key: str,
        reason: str,
        at_least: int | None = None,
        expires_in_s: int = EXPIRES_IN_S,
        on_expiry: OnExpiry = "capture_used",
    ) -> JobContext:
        """Reserve tokens for the body of a `with` block, and charge what it used, however it ends.

        The reservation is renewed, with what was used so far, while the body runs. An error of the charge is raised
        after a body that succeeded, and never replaces an error of the body: it is added to that as a note, and
        logged by `token_economy`.

        Args:
            user_id: whose tokens.
            amount: how many tokens the job may use.
            key: names the job: taken from the request that it serves, so that a retry has the same. Never random.
            reason: what the user reads in the history.
            at_least: take what is available between this and `amount`; without it, it is `amount` or nothing.
            expires_in_s: after how long without a renewal, such as that of a killed process, the reservation ends.
            on_expiry: whether that charges what the last renewal reported, or nothing.

        Returns:
            The context of a job: limit the work to `job.amount`, and count it with `job.use(n)` or `job.used = n`.

        Raises:
            ReservationCaptured: the job under this key was charged before, so the body did not run.
            TokensError: the body did not run, or could not be charged.
        """
        call = calls.reserve(
            user_id, amount, key=key, reason=reason, at_least=at_least, expires_in_s=expires_in_s, on_expiry=on_expiry
        )
        return JobContext(
            self._channel,
            call,
            user_id=user_id,
            key=key,
            expires_in_s=expires_in_s,
            budget_s=self._budget_s,
            cleanup_budget_s=self._cleanup_budget_s,
        )

    def open_reservation(
        self,
        user_id: str,
        amount: int,
        *,
        key: str,
        reason: str,
        at_least: int | None = None,
        expires_in_s: int = EXPIRES_IN_S,
        on_expiry: OnExpiry = "capture_used",
    ) -> ReservationAnswer:
        """Reserve tokens for a job that ends elsewhere: renew, and capture or release, are up to the caller.

        A key whose job has ended answers with that: look at `reservation.state`.
        """
        call = calls.reserve(
            user_id, amount, key=key, reason=reason, at_least=at_least, expires_in_s=expires_in_s, on_expiry=on_expiry
        )
        return self._send(call)

    def renew(
        self, user_id: str, *, key: str, used: int | None = None, expires_in_s: int = EXPIRES_IN_S
    ) -> ReservationAnswer:
        """Extend a reservation from now on; `used` is what its job has used so far, which is charged if it expires."""
        return self._send(calls.renew(user_id, key=key, used=used, expires_in_s=expires_in_s))

    def capture(self, user_id: str, amount: int, *, key: str) -> TransactionAnswer:
        """Charge what was used of a reservation, and give back the rest."""
        return self._send(calls.capture(user_id, amount, key=key))

    def release(self, user_id: str, *, key: str) -> ReservationAnswer:
        """Give back a reservation, and charge nothing."""
        return self._send(calls.release(user_id, key=key))

    def reverse_spend(
        self, user_id: str, spend_key: str, *, key: str, reason: str, amount: int | None = None
    ) -> TransactionAnswer:
        """Give back what was spent, or captured, under `spend_key`: all that is left of it, or `amount`."""
        return self._send(calls.reverse_spend(user_id, spend_key, key=key, reason=reason, amount=amount))

    def grant(
        self,
        user_id: str,
        amount: int,
        *,
        key: str,
        reason: str,
        expires_in_days: int | None = None,
        priority: int | None = None,
    ) -> TransactionAnswer:
        """Give tokens, also to somebody who never had any.

        Without `expires_in_days` they never expire; of those that do, the lowest `priority` (0 to 100) is spent first.
        """
        if self._grants is None:
            raise ValueError("Pass grants_url, the URL of grant_tokens, to grant tokens")
        call = calls.grant(user_id, amount, key=key, reason=reason, expires_in_days=expires_in_days, priority=priority)
        return self._grants.send(call, self._budget_s)

    def _channel_to(self, url: str, auth: httpx.Auth | None, timeout_s: float) -> Channel:
        url = url.rstrip("/")
        return Channel(self._http, url, auth or identity_for(url), timeout_s)

    def _send(self, call: Call[Answer]) -> Answer:
        return self._channel.send(call, self._budget_s)
