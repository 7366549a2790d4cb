"""A naive model of one user's tokens: every grant, reservation and spend is kept by itself.

It says what each request is answered, and what the balance is at any second. It knows no ledger and no entries.
"""

from dataclasses import dataclass, field
from typing import Any

DAY_S = 86_400
OPEN_MAX = 50


@dataclass
class Grant:
    """Tokens that expire."""

    key: str
    left: int
    expires_at: int
    priority: int
    gone: bool = False

    @property
    def place(self) -> tuple[int, int, str]:
        return self.priority, self.expires_at, self.key


@dataclass
class Reservation:
    body: tuple[Any, ...]
    amount: int
    expires_at: int
    on_expiry: str
    used: int = 0
    state: str = "open"


@dataclass
class Spend:
    """One unit of `sources` per token: the grant it came from, None for tokens that never expire."""

    sources: list[Grant | None]
    given_back: int = 0
    after: tuple[int, int] = (0, 0)


@dataclass
class ToyWallet:
    """`eternal` are the tokens that never expire; below zero it is a debt."""

    now: int
    eternal: int = 0
    grants: list[Grant] = field(default_factory=list)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    spends: dict[str, Spend] = field(default_factory=dict)
    answers: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = field(default_factory=dict)

    # --- what there is

    @property
    def balance(self) -> int:
        return self.eternal + sum(grant.left for grant in self.grants)

    @property
    def open(self) -> dict[str, Reservation]:
        return {key: one for key, one in self.reservations.items() if one.state == "open"}

    @property
    def available(self) -> int:
        return self.balance - sum(one.amount for one in self.open.values())

    def advance(self, to: int) -> None:
        """Let the time pass, second by second where something happens."""
        marks = {one.expires_at for one in self.open.values()} | {one.expires_at for one in self.grants}
        for at in sorted(mark for mark in marks if self.now < mark <= to):
            for key, one in sorted(self.open.items()):
                if one.expires_at == at:
                    one.state = "expired"
                    # A plain spend may have had the key before the reservation.
                    if one.on_expiry == "capture_used" and one.used and key not in self.spends:
                        self._charge(key, one.used)
                    else:
                        one.used = 0
            for grant in self.grants:
                if grant.expires_at == at:
                    grant.left, grant.gone = 0, True
        self.now = to

    # --- what is asked; each answers ("ok", …) or an error's code

    def purchase(self, tokens: int) -> None:
        self.eternal += tokens

    def take(self, tokens: int) -> None:
        """A refund, a dispute, or an operator's correction."""
        self.eternal -= tokens
        for grant in sorted(self.grants, key=lambda one: one.place):
            if self.eternal < 0:
                part = min(grant.left, -self.eternal)
                grant.left -= part
                self.eternal += part

    def grant(self, key: str, tokens: int, days: int | None, priority: int) -> tuple[Any, ...]:
        body = (tokens, days, priority)
        if key in self.answers:
            return self._again(key, body)
        if days is None:
            self.eternal += tokens
        else:
            for_debt = min(tokens, max(-self.eternal, 0))
            self.eternal += for_debt
            expires_at = ((self.now + days * DAY_S) // DAY_S + 1) * DAY_S
            self.grants.append(Grant(f"grant:ada:{key}", tokens - for_debt, expires_at, priority))
        return self._answered(key, body)

    def spend(self, key: str, tokens: int) -> tuple[Any, ...]:
        if key in self.spends:
            spend = self.spends[key]
            # A plain spend is answered with the capture that has its key: a job is charged once.
            return ("ok", *spend.after) if len(spend.sources) == tokens else ("idempotency_conflict",)
        if key in self.open:
            return ("idempotency_conflict",)
        if tokens > self.available:
            return ("not_enough_tokens",)
        self._charge(key, tokens)
        return ("ok", *self.spends[key].after)

    def reserve(self, key: str, tokens: int, at_least: int, seconds: int, on_expiry: str) -> tuple[Any, ...]:
        body = (tokens, at_least, seconds, on_expiry)
        if key in self.reservations:
            return self._reserved(key) if self.reservations[key].body == body else ("idempotency_conflict",)
        refusal = (
            "too_many_reservations"
            if len(self.open) >= OPEN_MAX
            else "not_enough_tokens"
            if self.available < at_least
            else None
        )
        if refusal:
            # Only a refusal looks whether the key was spent: a reservation would be of no use, but does no harm.
            return ("idempotency_conflict",) if key in self.spends else (refusal,)
        amount = min(tokens, self.available)
        self.reservations[key] = Reservation(body, amount, self.now + seconds, on_expiry)
        return self._reserved(key)

    def renew(self, key: str, used: int | None, seconds: int) -> tuple[Any, ...]:
        one = self.open.get(key)
        if one is None:
            return self._closed(key)
        if used is not None and used > one.amount:
            return ("over_reservation",)
        one.used = max(one.used, used or 0)
        one.expires_at = max(one.expires_at, self.now + seconds)
        return self._reserved(key)

    def capture(self, key: str, tokens: int) -> tuple[Any, ...]:
        one = self.open.get(key)
        if one is None:
            if key in self.reservations and key in self.spends:
                spend = self.spends[key]
                if len(spend.sources) == tokens:
                    return ("ok", *spend.after)
                released = self.reservations[key].state == "released"
                if not released and not self._was_charged_when_it_expired(key):
                    return ("idempotency_conflict",)
            return self._closed(key)
        if tokens > one.amount:
            return ("over_reservation",)
        if key in self.spends:
            return ("idempotency_conflict",)
        one.state, one.used = "captured", tokens
        self._charge(key, tokens)
        return ("ok", *self.spends[key].after)

    def release(self, key: str) -> tuple[Any, ...]:
        one = self.reservations.get(key)
        if one is None:
            return ("unknown_reservation",)
        if one.state == "open":
            one.state = "released"
            return ("released", one.amount, self.balance, self.available)
        charged = key in self.spends and one.state != "released"
        return self._closed(key) if charged else self._reserved(key)

    def reverse(self, key: str, spend_key: str, tokens: int | None) -> tuple[Any, ...]:
        body = (spend_key, tokens)
        if key in self.answers:
            return self._again(key, body)
        spend = self.spends.get(spend_key)
        if spend is None:
            return ("unknown_spend",)
        left = len(spend.sources) - spend.given_back
        count = left if tokens is None else tokens
        if not 0 < count <= left:
            return ("over_reversal",)
        # The last token taken comes back first. The owner has the debt to pay before a grant has its tokens again.
        end = len(spend.sources) - spend.given_back
        back = list(reversed(spend.sources[end - count : end]))
        spend.given_back += count
        answer = (self.balance + count, self.available + count)
        self.eternal += sum(grant is None or not grant.gone for grant in back)
        for grant in back:
            if grant is not None and not grant.gone and self.eternal > 0:
                self.eternal -= 1
                grant.left += 1
        return self._answered(key, body, answer)

    # --- how

    def _charge(self, key: str, tokens: int) -> None:
        sources: list[Grant | None] = []
        for grant in sorted(self.grants, key=lambda one: one.place):
            part = min(grant.left, tokens - len(sources))
            grant.left -= part
            sources += [grant] * part
        rest = tokens - len(sources)
        self.eternal -= rest
        self.spends[key] = Spend(sources + [None] * rest, after=(self.balance, self.available))

    def _answered(self, key: str, body: tuple[Any, ...], after: tuple[int, int] | None = None) -> tuple[Any, ...]:
        answer = ("ok", *(after or (self.balance, self.available)))
        self.answers[key] = (body, answer)
        return answer

    def _again(self, key: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        asked, answer = self.answers[key]
        return answer if asked == body else ("idempotency_conflict",)

    def _reserved(self, key: str) -> tuple[Any, ...]:
        one = self.reservations[key]
        # A plain spend may have used the key of a reservation that expired without a charge.
        spent = key in self.spends and one.state == "expired" and not self._was_charged_when_it_expired(key)
        state = "captured" if spent else one.state
        return (state, one.amount, self.balance, self.available)

    def _was_charged_when_it_expired(self, key: str) -> bool:
        return self.reservations[key].state == "expired" and self.reservations[key].used > 0

    def _closed(self, key: str) -> tuple[Any, ...]:
        if key not in self.reservations:
            return ("unknown_reservation",)
        charged = key in self.spends and self.reservations[key].state != "released"
        return ("reservation_captured",) if charged else ("reservation_released",)
