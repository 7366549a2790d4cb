"""What becomes of payments: refunds, disputes and appeals as Stripe tells of them; operators who decide on holds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from ops.alert_record import Attribution
from ops.decisions import Refund, decide_rejection, decide_release
from reliability.simulation.assumptions import DAY_S, HOUR_S
from shared.domain.payment_events import fact_of
from shared.domain.payment_facts import PaymentFacts
from shared.domain.purchase import Hold, HoldReason, Purchase
from shared.domain.reversing import decide_reversal
from shared.runtime.catalog_file import load_catalog

if TYPE_CHECKING:
    from reliability.simulation.business import Business

_OPERATOR = Attribution("sim@example.com", "looked at it")
_CATALOG = load_catalog()

Moves = list[dict[str, Any]]


class Money:
    """Plans what becomes of a payment when it is made, and keeps how much of it went back, to compare with."""

    def __init__(self, business: "Business") -> None:
        self._business = business
        self._numbers = count()
        self._sales: dict[str, tuple[str, int, int]] = {}
        self._back: dict[str, int] = {}

    def plan(self, moment: float, session: Mapping[str, Any], tokens: int) -> None:
        """Decide by chance whether a payment is refunded or disputed."""
        business, payment = self._business, session["payment_intent"]
        chance, assume = business.random.random, business.assume
        fate = chance()
        if fate >= assume.refunded + assume.disputed:
            return
        uid, cents = session["metadata"]["firebase_uid"], session["amount_total"]
        self._sales[payment] = (uid, tokens, cents)
        business.ledger.will_ask_for(f"purchase:{session['id']}")
        if fate < assume.refunded:
            # Some refunds overtake their purchase.
            business.at(moment + chance() ** 4 * 20 * DAY_S, self._refund, payment)
        else:
            business.at(moment + (5 + 40 * chance()) * DAY_S, self._dispute, payment)

    def violations(self) -> list[str]:
        """Return the payments of which other tokens were taken than their money says."""
        found = []
        for payment, (_, tokens, cents) in self._sales.items():
            entry = f"purchase:cs_{payment.removeprefix('pi_')}"
            due = tokens * min(self._back.get(payment, 0), cents) // cents
            if self._business.ledger.has_entry(entry) and self._business.ledger.taken_of(payment) != due:
                found.append(f"{payment}: {self._business.ledger.taken_of(payment)} tokens taken, {due} due")
        return found

    # --- refunds

    def _refund(self, moment: float, payment: str) -> None:
        business = self._business
        _, _, cents = self._sales[payment]
        amount = cents // 2 if business.happens(business.assume.refund_is_partial) else cents
        refund = {"id": f"re_{next(self._numbers)}", "amount": amount, "status": "succeeded", "payment_intent": payment}
        self._tell(moment, "refund.created", payment, refund)
        self._back[payment] = amount
        business.figures.refund(moment, amount)
        if business.happens(business.assume.refund_fails):
            business.at(moment + 2 * DAY_S, self._fail_refund, payment, refund)

    def _fail_refund(self, moment: float, payment: str, refund: dict[str, Any]) -> None:
        self._tell(moment, "refund.failed", payment, {**refund, "status": "failed"})
        self._back[payment] = 0
        self._business.figures.refund(moment, -refund["amount"])

    # --- disputes

    def _dispute(self, moment: float, payment: str) -> None:
        business = self._business
        dispute: dict[str, Any] = {
            "id": f"dp_{next(self._numbers)}",
            "amount": self._sales[payment][2],
            "currency": "usd",
            "status": "needs_response",
            "payment_intent": payment,
            "balance_transactions": [],
        }
        if business.happens(business.assume.dispute_is_inquiry):
            dispute["status"] = "warning_needs_response"
            self._tell_dispute(moment, "created", payment, dispute)
            business.at(moment + 10 * DAY_S, self._close, payment, {**dispute, "status": "warning_closed"})
            return
        dispute = self._moved(dispute, -dispute["amount"])
        self._back[payment] = dispute["amount"]
        business.figures.dispute(moment, dispute["amount"], business.assume.dispute_fee_cents)
        self._tell_dispute(moment, "created", payment, dispute)
        if business.happens(business.assume.dispute_won):
            business.at(moment + 30 * DAY_S, self._win, payment, dispute)
        else:
            business.at(moment + 30 * DAY_S, self._close, payment, {**dispute, "status": "lost"})
            if business.happens(business.assume.dispute_appealed):
                business.at(moment + 40 * DAY_S, self._appeal, payment, dispute)

    def _appeal(self, moment: float, payment: str, dispute: dict[str, Any]) -> None:
        self._tell_dispute(moment, "updated", payment, {**dispute, "status": "appeal_under_review"})
        won = self._business.happens(0.5)
        closed = {**dispute, "status": "lost"}
        self._business.at(moment + 20 * DAY_S, self._win if won else self._close, payment, dispute if won else closed)

    def _win(self, moment: float, payment: str, dispute: dict[str, Any]) -> None:
        dispute = self._moved({**dispute, "status": "won"}, dispute["amount"])
        self._back[payment] = 0
        self._business.figures.dispute(moment, -dispute["amount"], 0)
        # Both events, in whichever order they arrive.
        for what in self._business.random.sample(("funds_reinstated", "closed"), 2):
            self._tell_dispute(moment, what, payment, dispute)

    def _close(self, moment: float, payment: str, dispute: dict[str, Any]) -> None:
        self._tell_dispute(moment, "closed", payment, dispute)

    def _moved(self, dispute: dict[str, Any], cents: int) -> dict[str, Any]:
        move = {"id": f"txn_{next(self._numbers)}", "amount": cents, "currency": "usd"}
        return {**dispute, "balance_transactions": [*dispute["balance_transactions"], move]}

    def _tell_dispute(self, moment: float, what: str, payment: str, dispute: dict[str, Any]) -> None:
        self._tell(moment, f"charge.dispute.{what}", payment, dispute)

    def _tell(self, moment: float, type_: str, payment: str, stripe_object: dict[str, Any]) -> None:
        """Do as credit_tokens does with an event; some arrive twice."""
        business = self._business
        found = fact_of({"type": type_, "data": {"object": stripe_object}})
        if found is None:
            raise LookupError(type_)
        for _ in range(2 if business.happens(business.assume.duplicated) else 1):
            business.figures.events += 1
            outcome = business.ledger.change(
                self._sales[payment][0],
                lambda account, known, now: decide_reversal(account, known, now, payment=payment, fact=found[1]),
                datetime.fromtimestamp(moment, UTC),
            )
            business.figures.outcomes[type(outcome).__name__] += 1

    # --- operators

    def call_an_operator(self, moment: float, hold: Hold) -> None:
        """Let somebody look at a hold within a day."""
        business = self._business
        business.figures.held += 1
        release = hold.reason is HoldReason.LIMIT_EXCEEDED and business.happens(business.assume.hold_released)
        business.at(
            moment + HOUR_S * (1 + 23 * business.random.random()), self._release if release else self._reject, hold
        )

    def _release(self, moment: float, hold: Hold) -> None:
        evidence = hold.evidence
        purchase = Purchase(
            session_id=hold.session_id,
            uid=str(hold.uid),
            package_id=evidence["packageId"],
            tokens=evidence["tokens"],
            bonus=0,
            subtotal_cents=evidence["amountSubtotal"],
            paid_cents=evidence["amountTotal"],
            currency=evidence["currency"],
            customer_id=evidence["customerId"],
            payment_intent_id=evidence["paymentIntentId"],
            paid_at=hold.paid_at,
        )
        self._business.ledger.will_ask_for(hold.entry_id)
        self._business.ledger.change(
            purchase.uid,
            lambda account, known, now: decide_release(
                account,
                known,
                now,
                purchase=purchase,
                reported=PaymentFacts(),
                by=_OPERATOR,
                after_rejection=False,
            ),
            datetime.fromtimestamp(moment, UTC),
        )
        self._business.figures.released += 1

    def _reject(self, moment: float, hold: Hold) -> None:
        refund = Refund(payment=hold.evidence["paymentIntentId"], id=f"re_{next(self._numbers)}")
        self._business.ledger.change(
            str(hold.uid),
            lambda account, known, now: decide_rejection(
                account, known, now, session_id=hold.session_id, by=_OPERATOR, refund=refund
            ),
            datetime.fromtimestamp(moment, UTC),
        )
        self._business.figures.reject(moment, hold.evidence["amountTotal"])
