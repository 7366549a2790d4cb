"""Refunds and disputes of one payment, in orders that Stripe may tell of them."""

from itertools import permutations

import pytest
from shared.domain.reversal import Fact, Refunded, RefundFailed

from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, PAID_AT, purchase

PAYMENT = "pi_1"
# One refund fails, another one takes its place: Stripe then says once more, in another event, that the first failed.
TWICE_TOLD: list[Fact] = [
    Refunded("ch_1", 999, PAID_AT + 10),
    RefundFailed("re_1", 999, PAID_AT + 5),
    RefundFailed("re_1", 999, PAID_AT + 20),
]


@pytest.mark.parametrize("order", list(permutations(TWICE_TOLD)), ids=str)
def test_a_failure_that_is_told_twice_ends_in_the_same_balance_in_any_order(order: tuple[Fact, ...]) -> None:
    ledger = ledger_of(FakeFirestore().as_client())
    ledger.credit(purchase(payment_intent_id=PAYMENT), NO_LIMITS)

    for fact in order:
        ledger.reverse("ada", PAYMENT, fact)

    assert ledger.account("ada").balance == 0
