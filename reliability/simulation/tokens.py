"""What users do with their tokens: spends, jobs that reserve first, tokens that were given and expire."""

import heapq
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from shared.domain.errors import NotEnoughTokens, NotFound, TooManyReservations
from shared.domain.posting import decide_post
from shared.domain.reserving import decide_capture, decide_release, decide_reserve
from shared.domain.settling import due_at
from shared.domain.spend_requests import (
    Capture,
    ReservationKey,
    capture_request_of,
    grant_of,
    reservation_of,
    spend_of,
)

if TYPE_CHECKING:
    from reliability.simulation.business import Business

_RENDERING_S = 120


class Tokens:
    """Backends that spend, reserve and give."""

    def __init__(self, business: "Business") -> None:
        self._business = business
        self._keys = count()
        self._due: list[tuple[int, str]] = []

    def welcome(self, moment: float, uid: str) -> None:
        """Give a new user tokens that expire."""
        assume = self._business.assume
        body = {"user_id": uid, "amount": assume.welcome_tokens, "reason": "welcome", "idempotency_key": "welcome"}
        _, new = grant_of(body | {"expires_in_days": assume.welcome_days})
        self._business.ledger.change(
            uid,
            lambda account, known, at: decide_post(account, known, at, new=new, create_account=True),
            datetime.fromtimestamp(moment, UTC),
        )
        self._watch(uid)

    def spend(self, moment: float, uid: str, bought: int) -> None:
        """Spend some of what was bought, now and then more than there is."""
        business = self._business
        chance, assume = business.random.random, business.assume
        amount = max(1, int(bought * (0.1 + chance())))
        key = f"k{next(self._keys)}"
        body = {"user_id": uid, "amount": amount, "reason": "render", "idempotency_key": key}
        if chance() < assume.spend_reserves:
            self._reserve(moment, body)
            return
        _, new = spend_of(body)
        times = 2 if chance() < assume.spend_repeated else 1
        if times > 1:
            business.ledger.will_ask_for(new.id)
        now = datetime.fromtimestamp(moment, UTC)
        for _ in range(times):
            try:
                business.ledger.change(
                    uid,
                    lambda account, known, at: decide_post(account, known, at, new=new, create_account=False),
                    now,
                )
            except (NotEnoughTokens, NotFound):
                business.figures.refused += 1

    def sweep(self, now: datetime) -> None:
        """Settle the accounts in which something has expired that nobody has touched since."""
        ledger, now_s = self._business.ledger, now.timestamp()
        while self._due and self._due[0][0] <= now_s:
            _, uid = heapq.heappop(self._due)
            due = due_at(ledger.accounts[uid])
            if due is not None and due <= now_s:
                ledger.sweep(uid, now)
            self._watch(uid)

    def _reserve(self, moment: float, body: dict[str, object]) -> None:
        business = self._business
        request = reservation_of(body | {"on_expiry": "capture_used"})
        now = datetime.fromtimestamp(moment, UTC)
        try:
            business.ledger.change(
                request.whose.uid,
                lambda account, known, at: decide_reserve(account, known, at, request=request),
                now,
            )
        except (NotEnoughTokens, NotFound, TooManyReservations):
            business.figures.refused += 1
            return
        if business.happens(business.assume.reservation_abandoned):
            self._watch(request.whose.uid)
            return
        used = max(1, int(request.amount * business.random.random()))
        capture = capture_request_of({**body, "amount": used})
        act = self._capture if business.random.random() < 0.9 else self._release  # noqa: PLR2004 - nine of ten jobs end well
        business.at(moment + _RENDERING_S, act, capture)

    def _capture(self, moment: float, capture: Capture) -> None:
        self._business.ledger.change(
            capture.whose.uid,
            lambda account, known, at: decide_capture(account, known, at, capture=capture),
            datetime.fromtimestamp(moment, UTC),
        )

    def _release(self, moment: float, capture: Capture) -> None:
        whose: ReservationKey = capture.whose
        self._business.ledger.change(
            whose.uid,
            lambda account, known, at: decide_release(account, known, at, whose=whose),
            datetime.fromtimestamp(moment, UTC),
        )

    def _watch(self, uid: str) -> None:
        due = due_at(self._business.ledger.accounts[uid])
        if due is not None:
            heapq.heappush(self._due, (due, uid))
