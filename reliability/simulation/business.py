"""The business: who buys, spends, is refunded and disputes, when, and what of it reaches the product, when."""

import heapq
import random
from bisect import bisect
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import accumulate, count
from typing import Any

from reliability.simulation.assumptions import DAY_S, HOUR_S, PACKAGES, START_S, Assumptions
from reliability.simulation.figures import Figures
from reliability.simulation.ledger import MemoryLedger
from reliability.simulation.money import Money
from reliability.simulation.tokens import Tokens
from shared.domain.crediting import AlreadyHeld, Credited, Duplicate, Held, decide_credit, decide_hold
from shared.domain.limits import Limits
from shared.domain.purchase import AwaitingPayment, Hold, Purchase, assess_session
from shared.runtime.catalog_file import load_catalog

_CATALOG = load_catalog()
_LIMITS = Limits()
_SHARES = list(accumulate(share for _, _, share in PACKAGES))
_WEEKDAYS = (0.9, 0.9, 0.95, 1.0, 1.1, 1.2, 0.95)
_RECONCILED = ("reconciled",)
_TEMPLATE = {"livemode": False, "payment_status": "paid", "customer": "cus_1"}

Event = tuple[float, int, Callable[..., None], tuple[Any, ...]]


class Business:
    """Plays day after day. Everything that happens is an event in the order of its time.

    Args:
        users: how many join in all.
        days: how long it goes on.
        seed: what chance depends on.
        assumptions: how everybody behaves.
    """

    def __init__(self, users: int, days: int, seed: int, assumptions: Assumptions) -> None:
        self.figures = Figures(days)
        self.ledger = MemoryLedger()
        self.unsettled: set[str] = set()
        self._users = users
        self._days = days
        self._random = random.Random(seed)  # noqa: S311 - chance, not a secret
        self._assume = assumptions
        self._events: list[Event] = []
        self._order = count()
        self._sessions = count()
        self._joined = 0
        self.money = Money(self)
        self.tokens = Tokens(self)

    def play(self, day: int) -> None:
        """Play one day."""
        begin = START_S + day * DAY_S
        self._join(day, begin)
        for _ in range(self._buyers_on(day)):
            self.at(begin + self._random.random() * DAY_S, self._buy, self._someone())
        self._run_until(begin + DAY_S)
        self.tokens.sweep(datetime.fromtimestamp(begin + DAY_S, UTC))
        self.figures.end_day(day, self.ledger)

    def finish(self) -> list[str]:
        """Let everything that is on its way arrive, and return what does not hold."""
        self._run_until(float("inf"))
        end = datetime.fromtimestamp(START_S + (self._days + 400) * DAY_S, UTC)
        self.tokens.sweep(end)
        self.ledger.check_accounts()
        self.ledger.check_nothing_reserved(end)
        wrong = list(self.ledger.violations) + self.money.violations()
        wrong += [f"{session} is paid, and neither credited nor held" for session in sorted(self.unsettled)]
        return wrong

    # --- for the parts

    @property
    def random(self) -> random.Random:
        """Where all chance comes from."""
        return self._random

    @property
    def assume(self) -> Assumptions:
        """How everybody behaves."""
        return self._assume

    def at(self, moment: float, act: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401 - the act's own
        """Let something happen at a moment (UTC seconds), which it is given first."""
        heapq.heappush(self._events, (moment, next(self._order), act, arguments))

    def happens(self, share: float) -> bool:
        """Tell whether something happens that happens with this share."""
        return self._random.random() < share

    # --- buyers

    def _run_until(self, end: float) -> None:
        events = self._events
        while events and events[0][0] < end:
            moment, _, act, arguments = heapq.heappop(events)
            act(moment, *arguments)

    def _join(self, day: int, begin: float) -> None:
        last = max(1.0, self._days * self._assume.joined_by)
        joined = min(self._users, int(self._users * (day + 1) / last))
        for number in range(self._joined, joined):
            self.at(begin + self._random.random() * DAY_S, self.tokens.welcome, f"u{number}")
        self._joined = joined

    def _someone(self) -> str:
        """Return one of those who have joined; some buy far more often than others."""
        return f"u{int(self._random.random() ** 1.5 * self._joined)}"

    def _buyers_on(self, day: int) -> int:
        joined_share = self._joined / self._users
        mean = self._users * self._assume.purchases_per_user / self._days
        growth = joined_share / (1 - self._assume.joined_by / 2)
        noise = self._random.gauss(1.0, 0.05)
        return max(0, round(mean * growth * _WEEKDAYS[day % 7] * noise))

    def _buy(self, moment: float, uid: str) -> None:
        """Pay a session now; its event arrives in seconds, in an hour, or twice."""
        assume, chance = self._assume, self._random.random
        package, terms, _ = PACKAGES[bisect(_SHARES, chance() * _SHARES[-1])]
        number = next(self._sessions)
        tokens = terms.tokens if chance() >= assume.tampered else 99_999
        session: dict[str, Any] = {
            **_TEMPLATE,
            "id": f"cs_{number}",
            "created": int(moment) - 60,
            "payment_intent": f"pi_{number}",
            "currency": terms.currency,
            "amount_subtotal": terms.price_cents,
            "amount_total": terms.price_cents,
            "metadata": {
                "purchase_type": "token_package",
                "firebase_uid": uid,
                "package_id": package,
                "tokens": str(tokens),
            },
        }
        if chance() < assume.delayed:
            session["payment_status"] = "unpaid"
            self.at(moment + 2, self._complete, session, int(moment))
            if chance() < assume.delayed_fails:
                return
            session = {**session, "payment_status": "paid"}
            moment += 3 * DAY_S
        self.unsettled.add(session["id"])
        self.figures.pay(moment, terms.price_cents)
        self.money.plan(moment, session, terms.tokens)
        lost = chance() < assume.lost
        arrives = moment + (HOUR_S if lost else 1 + 3 * chance())
        delivery = _RECONCILED if lost else ()
        if chance() < assume.duplicated:
            self.ledger.will_ask_for(f"purchase:{session['id']}")
            self.at(arrives + 60 * chance(), self._complete, session, int(moment), *delivery)
        self.at(arrives, self._complete, session, int(moment), *delivery)
        if chance() < assume.burst:
            for _ in range(6):
                self.at(moment + HOUR_S * chance() / 2, self._buy, uid)
        if chance() < assume.spends_per_purchase:
            self.at(arrives + HOUR_S * 72 * chance(), self.tokens.spend, uid, terms.tokens)

    def _complete(self, moment: float, session: dict[str, Any], paid_at: int, *delivery: str) -> None:
        """Do as credit_tokens does with the event of a session; `reconciled` ones were read from Stripe."""
        genuine = delivery == _RECONCILED
        figures = self.figures
        figures.events += 1
        assessed = assess_session(session, paid_at=paid_at, now=int(moment), catalog=_CATALOG, livemode=False)
        now = datetime.fromtimestamp(moment, UTC)
        outcome: Credited | Duplicate | Held | AlreadyHeld
        match assessed:
            case Purchase():
                outcome = self.ledger.change(
                    assessed.uid,
                    lambda account, known, at: decide_credit(
                        account, known, at, purchase=assessed, limits=_LIMITS, genuine=genuine
                    ),
                    now,
                )
            case Hold(uid=str(uid)):
                outcome = self.ledger.change(
                    uid, lambda account, known, at: decide_hold(account, known, at, hold=assessed), now
                )
            case AwaitingPayment():
                return
            case _:
                self.ledger.violations.append(f"{session['id']} is taken for another product's")
                return
        figures.outcomes[type(outcome).__name__] += 1
        self.unsettled.discard(session["id"])
        if isinstance(outcome, Held):
            self.money.call_an_operator(moment, outcome.hold)
