"""Errors that Stripe saves by idempotency key, and searches that lag, against the simulator: nobody is locked out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from shared.adapters.stripe_api import StripeGateway
from shared.domain.errors import StripeRefused, Unavailable
from shared.domain.purchase import Purchase, assess_session
from shared.runtime.catalog_file import load_catalog
from tests.contract.controls import simulate

POPULAR = load_catalog().find("popular")


@pytest.fixture(autouse=True)
def kind(url: str) -> Iterator[None]:
    yield
    simulate(url, "reset")


def saved_error(url: str, path: str, *, when: str = "before", times: int = 1, status: int = 500) -> None:
    """Let the next requests fail with an error that Stripe repeats to whoever uses their idempotency key again."""
    fault = {"method": "POST", "status": status, "when": when, "times": times, "stored": True}
    simulate(url, "faults", path_prefix=path, **fault)


def customers_of(client: stripe.StripeClient, uid: str) -> list[str]:
    """Return the ids of all of a user's customers, newest first."""
    every = client.v1.customers.list({"limit": 100}).auto_paging_iter()
    return [one.id for one in every if one.metadata and one.metadata.to_dict().get("firebase_uid") == uid]


# --- customers


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lag_s", [0, 3600])
def test_one_saved_error_stops_nobody_and_leaves_one_customer(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, when: str, lag_s: int
) -> None:
    """Also when the customer was created and only its answer is an error, and search does not see it yet."""
    uid = f"user-{when}-{lag_s}"
    simulate(url, "behavior", search_lag_s=lag_s)
    saved_error(url, "/v1/customers", when=when)

    first = gateway.get_or_create_customer(uid, "ada@example.com")

    assert customers_of(client, uid) == [first]
    assert gateway.get_or_create_customer(uid, "ada@example.com") == first


@pytest.mark.parametrize("form", ["half", "html", "reset"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_broken_answer_stops_nobody_and_leaves_one_customer(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, form: str, when: str
) -> None:
    uid = f"user-{form}-{when}"
    simulate(url, "faults", path_prefix="/v1/customers", method="POST", form=form, when=when)

    assert [gateway.get_or_create_customer(uid, "ada@example.com")] == customers_of(client, uid)


def test_a_stripe_that_answers_with_pages_is_unavailable(gateway: StripeGateway, url: str) -> None:
    """It is a proxy's or Stripe's fault, and passes: nobody has refused anything."""
    simulate(url, "faults", path_prefix="/v1/", form="html", times=20)

    with pytest.raises(Unavailable):
        gateway.get_or_create_customer("pages", None)


def test_an_outage_whose_errors_are_all_saved_locks_the_buyer_out_no_longer_than_it_lasts(
    gateway: StripeGateway, client: stripe.StripeClient, url: str
) -> None:
    saved_error(url, "/v1/customers", times=20)
    for _ in range(10):  # the buyer clicks again and again: two requests reach Stripe each time
        with pytest.raises(Unavailable):
            gateway.get_or_create_customer("outage", None)

    assert customers_of(client, "outage") == []
    assert [gateway.get_or_create_customer("outage", None)] == customers_of(client, "outage")


@pytest.mark.parametrize("errors", [0, 1])
def test_two_first_checkouts_at_once_make_one_customer(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, errors: int
) -> None:
    simulate(url, "behavior", search_lag_s=3600)
    if errors:
        saved_error(url, "/v1/customers", times=errors)
    uid = f"twice-{errors}"

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: gateway.get_or_create_customer(uid, "ada@example.com"), range(8)))

    assert customers_of(client, uid) == [made[0]]
    assert set(made) == {made[0]}


def test_a_customer_that_the_ledger_never_saved_is_found_whether_or_not_search_sees_it(
    gateway: StripeGateway, client: stripe.StripeClient, url: str
) -> None:
    forgotten = client.v1.customers.create({"metadata": {"firebase_uid": "forgotten"}}).id
    for lag_s in (0, 3600):
        simulate(url, "behavior", search_lag_s=lag_s)
        assert gateway.get_or_create_customer("forgotten", "changed@example.com") == forgotten

    simulate(url, "behavior", search_lag_s=0)
    simulate(url, "clock", offset_s=-86_400)  # created long before this server's time: the list leaves it out
    old = client.v1.customers.create({"metadata": {"firebase_uid": "old"}}).id
    simulate(url, "clock", offset_s=0)
    assert gateway.get_or_create_customer("old", None) == old


def test_a_deleted_customer_is_replaced_once(gateway: StripeGateway, client: stripe.StripeClient) -> None:
    first = gateway.get_or_create_customer("deleted", None)
    client.v1.customers.delete(first)

    second = gateway.get_or_create_customer("deleted", None, instead_of=first)

    assert second != first
    assert gateway.get_or_create_customer("deleted", None, instead_of=first) == second
    assert customers_of(client, "deleted") == [second]


# --- sessions and refunds


def checkout(gateway: StripeGateway, client: stripe.StripeClient, *, invoice: bool = False) -> tuple[str, str]:
    assert POPULAR is not None
    product = client.v1.products.create({"name": "Popular"})
    price = client.v1.prices.create({"currency": "usd", "unit_amount": 999, "product": product.id}).id
    return gateway.create_token_checkout_session(
        uid="buyer",
        customer_id=gateway.get_or_create_customer("buyer", None),
        package=POPULAR,
        price_id=price,
        currency="usd",
        app_base_url="https://app.example",
        invoice=invoice,
    )


@pytest.mark.parametrize("invoice", [True, False])
def test_a_purchases_entry_names_its_invoice_where_invoices_are_on(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, invoice: bool
) -> None:
    session_id, _ = checkout(gateway, client, invoice=invoice)
    simulate(url, f"sessions/{session_id}/pay")
    session = gateway.session(session_id)
    assert session is not None

    now = session["created"]
    purchase = assess_session(session, paid_at=now, now=now, catalog=load_catalog(), livemode=False)

    assert isinstance(purchase, Purchase)
    details = purchase.new_entry().details
    assert details.get("stripeInvoiceId") == session["invoice"]
    assert ("stripeInvoiceId" in details) is invoice
    if invoice:
        assert client.v1.invoices.retrieve(session["invoice"]).status == "paid"


def test_one_saved_error_does_not_stop_a_checkout(
    gateway: StripeGateway, client: stripe.StripeClient, url: str
) -> None:
    gateway.get_or_create_customer("buyer", None)
    saved_error(url, "/v1/checkout/sessions")

    session_id, page = checkout(gateway, client)

    session = gateway.session(session_id)
    assert session is not None
    assert (session["url"], session["adaptive_pricing"]) == (page, {"enabled": False})


@pytest.mark.parametrize("when", ["before", "after"])
def test_one_saved_error_does_not_stop_a_refund_and_the_money_goes_back_once(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, payment: str, when: str
) -> None:
    saved_error(url, "/v1/refunds", when=when)

    refund = gateway.refund_rest(payment, idempotency_key=f"reject:{payment}")

    [only] = client.v1.refunds.list({"payment_intent": payment}).data
    assert only.amount == 999
    assert refund == (only.id if when == "before" else None)  # None: nothing was left to refund


def test_a_refusal_is_repeated_only_as_long_as_its_cause(
    gateway: StripeGateway, client: stripe.StripeClient, url: str, payment: str
) -> None:
    charge = client.v1.payment_intents.retrieve(payment).latest_charge
    dispute = simulate(url, "disputes", charge=charge)
    for _ in range(7):
        with pytest.raises(StripeRefused) as raised:
            gateway.refund_rest(payment, idempotency_key=f"reject:{payment}")
        assert raised.value.stripe_code == "charge_disputed"

    simulate(url, f"disputes/{dispute['id']}/close", status="won")

    assert gateway.refund_rest(payment, idempotency_key=f"reject:{payment}") is not None
