"""The ledger over histories of refunds and disputes: as many tokens and alerts as a toy Stripe says, in any order."""

from random import Random

from shared.adapters.firestore.documents import SECURITY_ALERTS
from shared.domain.crediting import Credited
from shared.domain.payment_alerts import alerts_of
from shared.domain.payment_events import fact_of
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.properties.toy_stripe import PAYMENT, Json, ToyStripe
from tests.purchases import NO_LIMITS, purchase


def delivered(stripe: ToyStripe) -> list[Json | None]:
    """Return the events as they are delivered: in any order, some twice, and the purchase, None, among them."""
    again = stripe.random.choices(stripe.events, k=2) if stripe.events else []
    deliveries: list[Json | None] = [None, None, *stripe.events, *again]
    stripe.random.shuffle(deliveries)
    return deliveries


def test_the_ledger_ends_as_a_toy_stripe_says() -> None:
    for number in range(150):
        stripe = ToyStripe(Random(f"ledger {number}"), paid=1082, tax=83)
        stripe.live(8)
        bought = purchase("cs_1", paid_cents=1082, tax_cents=83, payment_intent_id=PAYMENT)
        store = FakeFirestore()
        ledger = ledger_of(store.as_client())

        credited = 0
        for event in delivered(stripe):
            if event is None:
                credited += isinstance(ledger.credit(bought, NO_LIMITS), Credited)
            else:
                fact = fact_of(event)
                assert fact is not None
                ledger.reverse("ada", *fact)

        entries = ledger.transactions("ada", limit=100).entries
        assert credited == 1
        assert ledger.account("ada").balance == sum(entry.amount for entry in entries)
        assert ledger.account("ada").balance == 110 - stripe.tokens_gone(110), f"history {number}: {stripe.events}"
        raised = {path: store.fields_of(f"{SECURITY_ALERTS}/{path}") for path in alert_ids(store)}
        called_for = {alert.id: alert for alert in alerts_of("ada", PAYMENT, ledger.facts_of_payment(PAYMENT))}
        assert raised.keys() == called_for.keys()
        for id_, fields in raised.items():
            assert fields is not None
            assert (fields["seen"], fields["severity"]) == (called_for[id_].evidence, called_for[id_].severity)


def alert_ids(store: FakeFirestore) -> list[str]:
    return [path.removeprefix(f"{SECURITY_ALERTS}/") for path in store.paths(SECURITY_ALERTS)]
