"""What Stripe says now of a payment's refunds and disputes, as the facts that the ledger learns from their events.

A person who credits a payment by hand cannot know which events were lost or are on their way. Stripe is asked, and what
it says is learned with the credit: an event that arrives later is nothing new.
"""

from collections.abc import Callable

from shared.adapters.firestore.ledger import Ledger
from shared.adapters.stripe_api import StripeGateway
from shared.domain.payment_events import fact_of_dispute, fact_of_refund
from shared.domain.payment_facts import PaymentFacts
from shared.domain.purchase import Purchase
from shared.domain.reversing import sale_of


def facts_at_stripe(gateway: Callable[[], StripeGateway], payment_intent_id: str | None) -> PaymentFacts:
    """Return what Stripe reports of a payment's refunds and disputes; nothing of a purchase without a payment."""
    if payment_intent_id is None:
        return PaymentFacts()
    refunds, disputes = gateway().reversals_of_payment(payment_intent_id)
    return PaymentFacts(frozenset([*map(fact_of_refund, refunds), *map(fact_of_dispute, disputes)]))


def taken_back(ledger: Ledger, purchase: Purchase, reported: PaymentFacts) -> str:
    """Say how many tokens of a purchase its refunds and disputes take back at once; nothing when they take none."""
    if purchase.payment_intent_id is None:
        return ""
    facts = ledger.facts_of_payment(purchase.payment_intent_id).with_all(reported)
    taken = facts.taken(sale_of(purchase.new_entry()))
    return f", of which refunds and disputes take back {taken} at once" if taken else ""
