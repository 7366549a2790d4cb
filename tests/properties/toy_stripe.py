"""A toy Stripe that moves one payment's money at random and tells of it in events, and who has the money in the end.

It is written from what Stripe documents, not from the code it checks: it keeps who has the money as the money moves,
and never looks at what it told.
"""

import copy
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any, Literal

Json = dict[str, Any]

PAYMENT = "pi_1"
CHARGE = "ch_1"


@dataclass
class ToyRefund:
    """A refund; it counts until it has failed or was canceled."""

    id: str
    amount: int
    status: str

    @property
    def counts(self) -> bool:
        return self.status not in ("failed", "canceled")


@dataclass
class ToyDispute:
    """A dispute. `with_cardholder` is the part of its amount that is there now, from 0 to 1."""

    id: str
    amount: int
    currency: str
    status: str
    case_type: str
    moves: list[Json] = field(default_factory=list)
    with_cardholder: Fraction = Fraction(0)

    @property
    def is_open(self) -> bool:
        return self.status not in ("won", "lost", "warning_closed", "prevented")


class ToyStripe:
    """One payment of `paid` cents in usd, settled in `settlement`."""

    def __init__(self, random: Random, *, paid: int, tax: int) -> None:
        self.random = random
        self.paid = paid
        self.tax = tax
        self.settlement = random.choice(["usd", "usd", "eur"])
        self.lowers_total_on_failure = random.random() < 0.5
        self.total = 0  # the charge's amount_refunded
        self.refunds: list[ToyRefund] = []
        self.disputes: list[ToyDispute] = []
        self.events: list[Json] = []
        self._moves = 0

    def live(self, steps: int) -> None:
        """Let `steps` things happen, of those that can."""
        for _ in range(steps):
            self.random.choice(self._possible())()

    # --- who has the money

    def tokens_gone(self, tokens: int) -> int:
        """How many of the tokens bought must be gone, as the rules are told to a shopkeeper."""
        refunded = [refund.amount for refund in self.refunds if refund.counts]
        gone = sum(refunded) + sum((self._disputed(dispute) for dispute in self.disputes), Fraction(0))
        if gone >= self.paid:
            return tokens
        untaxed_gone, untaxed_paid = gone, self.paid
        if self.tax and self.tax in refunded:
            untaxed_gone, untaxed_paid = gone - self.tax, self.paid - self.tax
        return int(tokens * untaxed_gone / untaxed_paid)

    def _disputed(self, dispute: ToyDispute) -> Fraction:
        return dispute.with_cardholder * (dispute.amount if dispute.currency == "usd" else self.paid)

    # --- what can happen

    def _possible(self) -> list[Any]:
        can: list[Any] = [self._nothing]
        left = self.paid - sum(refund.amount for refund in self.refunds if refund.counts)
        if left > 0 and len(self.refunds) < 4:
            can += [lambda: self._refund(left)] * 3
        for refund in self.refunds:
            if refund.counts:
                can += [lambda refund=refund: self._progress(refund)]
        if len(self.disputes) < 3:
            can += [self._dispute] * 2
        for dispute in self.disputes:
            can += [lambda dispute=dispute: self._continue(dispute)] * 2
        return can

    def _nothing(self) -> None:
        """A dispute's evidence is edited: an event that says nothing new."""
        if self.disputes:
            self._tell_dispute("updated", self.random.choice(self.disputes))

    def _refund(self, left: int) -> None:
        amount = self.random.choice([left, self.random.randint(1, left), min(left, self.tax or left)])
        status = self.random.choice(["succeeded", "succeeded", "pending", "requires_action"])
        refund = ToyRefund(f"re_{len(self.refunds) + 1}", amount, status)
        self.refunds.append(refund)
        self.total += amount
        self._tell_refund("created", refund)
        charge = {"id": CHARGE, "object": "charge", "payment_intent": PAYMENT, "amount_refunded": self.total}
        self._tell("charge.refunded", charge)

    def _progress(self, refund: ToyRefund) -> None:
        refund.status = self.random.choice(["succeeded", "failed", "failed", "canceled"])
        if not refund.counts and self.lowers_total_on_failure:
            self.total -= refund.amount
        self._tell_refund("updated", refund)
        if refund.status == "failed":
            self._tell_refund("failed", refund)

    def _dispute(self) -> None:
        currency = self.random.choice(["usd", "usd", "usd", "gbp"])
        amount = self.random.choice([self.paid, self.paid, self.random.randint(1, self.paid)])
        kind = self.random.choice(["chargeback", "chargeback", "chargeback", "inquiry", "block", "resolution"])
        status = {"inquiry": "warning_needs_response", "chargeback": "needs_response"}.get(kind, "prevented")
        dispute = ToyDispute(f"dp_{len(self.disputes) + 1}", amount, currency, status, kind)
        self.disputes.append(dispute)
        self._tell_dispute("created", dispute)
        if kind in ("chargeback", "resolution"):
            self._withdraw(dispute)

    def _continue(self, dispute: ToyDispute) -> None:
        """Whatever comes next for this dispute."""
        match dispute.status:
            case "warning_needs_response" | "warning_under_review" | "warning_closed":
                # An inquiry that was closed can still become a chargeback.
                self.random.choice([self._review_inquiry, self._close_inquiry, self._escalate])(dispute)
            case "needs_response":
                self.random.choice([self._review, self._win, self._lose, self._lose_in_part])(dispute)
            case "under_review" | "appeal_under_review":
                self.random.choice([self._win, self._lose, self._lose_in_part])(dispute)
            case "appeal_needs_response":
                self._change(dispute, "appeal_under_review")
            case "lost":  # the shop appeals, or the cardholder gives up after all
                self.random.choice([lambda d: self._change(d, "appeal_needs_response"), self._win])(dispute)
            case "won":  # the cardholder's bank appeals: the money goes at once, or when it has decided
                self.random.choice([self._appeal_of_bank, self._lose])(dispute)

    def _review_inquiry(self, dispute: ToyDispute) -> None:
        self._change(dispute, "warning_under_review")

    def _close_inquiry(self, dispute: ToyDispute) -> None:
        self._change(dispute, "warning_closed", "closed")

    def _escalate(self, dispute: ToyDispute) -> None:
        dispute.case_type = "chargeback"
        self._change(dispute, "needs_response")
        self._withdraw(dispute)

    def _review(self, dispute: ToyDispute) -> None:
        self._change(dispute, "under_review")

    def _appeal_of_bank(self, dispute: ToyDispute) -> None:
        self._change(dispute, "appeal_needs_response")
        self._withdraw(dispute)

    def _win(self, dispute: ToyDispute) -> None:
        """The shop has everything back; which of the two events comes first is Stripe's affair."""
        dispute.status = "won"
        early = self.random.random() < 0.5
        if early:
            self._tell_dispute("closed", dispute)
        self._reinstate(dispute)
        if not early:
            self._tell_dispute("closed", dispute)

    def _lose(self, dispute: ToyDispute) -> None:
        dispute.status = "lost"
        self._withdraw(dispute)
        self._tell_dispute("closed", dispute)

    def _lose_in_part(self, dispute: ToyDispute) -> None:
        """Part of the money comes back, and the status is lost all the same."""
        dispute.status = "lost"
        if dispute.currency == self.settlement:
            self._return_part(dispute, of=dispute.amount)
        elif len(dispute.moves) == 1:  # converted at two rates, a part is what the settled cents say it is
            self._return_part(dispute, of=-dispute.moves[0]["amount"])
        self._tell_dispute("closed", dispute)

    def _change(self, dispute: ToyDispute, status: str, told_as: str = "updated") -> None:
        dispute.status = status
        self._tell_dispute(told_as, dispute)

    # --- money

    def _withdraw(self, dispute: ToyDispute) -> None:
        """Take what of the disputed amount is not with the cardholder yet."""
        if dispute.with_cardholder < 1:
            self._move(dispute, -self._settled(dispute, 1 - dispute.with_cardholder))
            dispute.with_cardholder = Fraction(1)
            self._tell_dispute("funds_withdrawn", dispute)

    def _reinstate(self, dispute: ToyDispute) -> None:
        """Give back all that is with the cardholder."""
        if dispute.with_cardholder:
            self._move(dispute, self._settled(dispute, dispute.with_cardholder))
            dispute.with_cardholder = Fraction(0)
            self._tell_dispute("funds_reinstated", dispute)

    def _return_part(self, dispute: ToyDispute, *, of: int) -> None:
        if dispute.with_cardholder == 1 and of > 1:
            cents = self.random.randint(1, of - 1)
            self._move(dispute, cents)
            dispute.with_cardholder -= Fraction(cents, of)
            self._tell_dispute("funds_reinstated", dispute)

    def _settled(self, dispute: ToyDispute, part: Fraction) -> int:
        """Convert a part of a dispute's amount into the settlement currency, at the rate of the day."""
        rate = 1 if dispute.currency == self.settlement else Fraction(self.random.randint(80, 120), 100)
        return max(1, round(dispute.amount * part * rate))

    def _move(self, dispute: ToyDispute, cents: int) -> None:
        self._moves += 1
        # Ids do not rise with time.
        id_ = f"txn_{self.random.randint(100, 999)}x{self._moves}"
        dispute.moves.append({"id": id_, "object": "balance_transaction", "amount": cents, "currency": self.settlement})

    # --- events

    def _tell_refund(self, what: Literal["created", "updated", "failed"], refund: ToyRefund) -> None:
        fields = {"id": refund.id, "object": "refund", "amount": refund.amount, "status": refund.status}
        self._tell(f"refund.{what}", {**fields, "payment_intent": PAYMENT, "charge": CHARGE})

    def _tell_dispute(self, what: str, dispute: ToyDispute) -> None:
        fields = {"id": dispute.id, "object": "dispute", "amount": dispute.amount, "currency": dispute.currency}
        card = {"card": {"case_type": dispute.case_type}, "type": "card"}
        fields |= {"status": dispute.status, "payment_intent": PAYMENT, "payment_method_details": card}
        self._tell(f"charge.dispute.{what}", {**fields, "balance_transactions": dispute.moves})

    def _tell(self, type_: str, stripe_object: Json) -> None:
        self.events.append({"type": type_, "data": {"object": copy.deepcopy(stripe_object)}})
