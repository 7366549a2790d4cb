"""The simulator's API, seen through Stripe's own library: what it takes, answers and refuses."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpx
import pytest
import stripe
from stripe.params import CustomerListParams
from stripe.params.checkout import SessionCreateParams

from stripe_simulator.tests.shop import KEY, Shop, library_client


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


@pytest.fixture
def http(shop: Shop) -> httpx.Client:
    return shop.http


@pytest.fixture
def url(shop: Shop) -> str:
    return shop.url


@pytest.fixture(scope="module")
def price(module_shop: Shop) -> stripe.Price:
    return module_shop.client.v1.prices.retrieve(module_shop.price_id)


def session_params(price: stripe.Price, **more: object) -> SessionCreateParams:
    params = {
        "mode": "payment",
        "line_items": [{"price": price.id, "quantity": 1}],
        "success_url": "http://localhost/ok?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost/cancel",
        **more,
    }
    return cast("SessionCreateParams", params)


def test_a_customer_is_created_changed_listed_and_deleted(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com", "metadata": {"firebase_uid": "u1", "plan": "a"}})
    assert customer.id.startswith("cus_")
    changed = client.v1.customers.update(customer.id, {"name": "Ada", "metadata": {"plan": ""}})
    assert changed.name == "Ada"
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"firebase_uid": "u1"}
    assert client.v1.customers.update(customer.id, {"name": ""}).name is None
    assert [one.id for one in client.v1.customers.list({"email": "ada@example.com"}).data] == [customer.id]
    assert client.v1.customers.delete(customer.id).deleted
    assert client.v1.customers.retrieve(customer.id).deleted
    assert client.v1.customers.list({"email": "ada@example.com"}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.update(customer.id, {"name": "Bea"})
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_prices_are_found_by_lookup_key_and_the_key_can_be_transferred(client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "Starter Pack"})
    old = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 499, "lookup_key": "starter"}
    )
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 599, "lookup_key": "starter"})
    new = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 599,
            "lookup_key": "starter",
            "transfer_lookup_key": True,
        }
    )
    found = client.v1.prices.list({"lookup_keys": ["starter", "pro"], "expand": ["data.product"]}).data
    assert [one.id for one in found] == [new.id]
    assert isinstance(found[0].product, stripe.Product)
    assert found[0].product.name == "Starter Pack"
    assert client.v1.prices.retrieve(old.id).lookup_key is None
    assert not client.v1.prices.update(old.id, {"active": False}).active


def test_a_session_is_priced_and_open(client: stripe.StripeClient, price: stripe.Price, url: str) -> None:
    session = client.v1.checkout.sessions.create(
        session_params(
            price,
            line_items=[{"price": price.id, "quantity": 3}],
            client_reference_id="u1",
            metadata={"tokens": "110"},
            expand=["line_items"],
        )
    )
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (2997, 2997, "usd")
    assert session.url == f"{url}/pay/{session.id}"
    assert session.client_reference_id == "u1"
    assert session.line_items is not None
    assert [(item.description, item.amount_total) for item in session.line_items.data] == [("Popular Pack", 2997)]
    listed = client.v1.checkout.sessions.line_items.list(session.id)
    assert [item.quantity for item in listed.data] == [3]


def test_line_items_are_left_out_unless_expanded(client: stripe.StripeClient, price: stripe.Price) -> None:
    session = client.v1.checkout.sessions.create(session_params(price))
    assert "line_items" not in session.to_dict()


def test_only_an_open_session_expires(client: stripe.StripeClient, price: stripe.Price) -> None:
    session = client.v1.checkout.sessions.create(session_params(price))
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match=r'Only Checkout Sessions with a status in \["open"\]'):
        client.v1.checkout.sessions.expire(session.id)
    assert session.id in [one.id for one in client.v1.checkout.sessions.list({"status": "expired"}).data]


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"line_items": [{"price": "price_missing", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
        ({"customer": "cus_missing"}, "resource_missing", "customer"),
        ({"surprise": "yes"}, "parameter_unknown", "surprise"),
        ({"payment_intent_data": {"metadat": {"a": "b"}}}, "parameter_unknown", "payment_intent_data[metadat]"),
        ({"mode": "gift"}, None, "mode"),
        ({"success_url": "not a url"}, "url_invalid", "success_url"),
        ({"expires_at": 5}, None, "expires_at"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"metadata": {f"k{number}": "v" for number in range(51)}}, None, "metadata"),
        ({"line_items": [{"price": "price_missing"}]}, None, "line_items[0][quantity]"),
        ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
    ],
)
def test_a_session_with_a_wrong_parameter_is_refused(
    client: stripe.StripeClient, price: stripe.Price, params: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(session_params(price, **params))
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_a_missing_parameter_is_named(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.prices.create({"unit_amount": 5})  # type: ignore[typeddict-item]  # what is missing is the point
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "currency")
    assert "Missing required param: currency." in str(refused.value)


def test_an_unknown_object_and_an_unknown_path_are_404(client: stripe.StripeClient, http: httpx.Client) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.retrieve("pi_missing")
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "intent")
    assert "No such payment_intent: 'pi_missing'" in str(refused.value)
    unknown = http.get("/v1/nothing_here")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["type"] == "invalid_request_error"
    assert unknown.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/nothing_here)")


def test_a_wrong_key_is_refused_and_a_right_one_works_both_ways(url: str) -> None:
    with (
        library_client(url, "sk_test_wrong") as wrong,
        pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_"),
    ):
        wrong.v1.customers.list()
    assert httpx.get(f"{url}/v1/customers").status_code == 401
    assert httpx.get(f"{url}/v1/customers", auth=(KEY, "")).status_code == 200


def test_every_answer_carries_a_request_id(http: httpx.Client) -> None:
    assert http.get("/v1/customers").headers["Request-Id"].startswith("req_")
    refused = http.get("/v1/customers/cus_missing")
    assert refused.headers["Request-Id"] in refused.json()["error"]["request_log_url"]


def test_the_library_sees_an_idempotency_error(client: stripe.StripeClient) -> None:
    client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "seen"})
    with pytest.raises(stripe.IdempotencyError, match="Keys for idempotent requests"):
        client.v1.customers.create({"email": "b@example.com"}, {"idempotency_key": "seen"})


def test_one_key_used_at_once_creates_one_customer(http: httpx.Client) -> None:
    def create(_number: int) -> str:
        answer = http.post("/v1/customers", data={"email": "one@example.com"}, headers={"Idempotency-Key": "at-once"})
        return str(answer.json()["id"])

    with ThreadPoolExecutor(max_workers=8) as together:
        assert len(set(together.map(create, range(16)))) == 1


def test_lists_are_paged_in_both_directions(client: stripe.StripeClient) -> None:
    products = [client.v1.products.create({"name": f"Page {number}", "active": False}).id for number in range(7)]
    newest_first = products[::-1]
    first = client.v1.products.list({"active": False, "limit": 3})
    assert ([one.id for one in first.data], first.has_more) == (newest_first[:3], True)
    everything = [one.id for one in first.auto_paging_iter()]
    assert everything == newest_first
    back = client.v1.products.list({"active": False, "limit": 2, "ending_before": newest_first[4]})
    assert ([one.id for one in back.data], back.has_more) == (newest_first[2:4], True)
    last = client.v1.products.list({"active": False, "starting_after": newest_first[5]})
    assert ([one.id for one in last.data], last.has_more) == (newest_first[6:], False)


@pytest.mark.parametrize("params", [{"limit": 101}, {"limit": 0}, {"starting_after": "cus_missing"}])
def test_a_wrong_page_is_refused(client: stripe.StripeClient, params: CustomerListParams) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.list(params)


def test_lists_are_filtered_by_time(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "time@example.com"})
    around: Any = {"email": "time@example.com", "created": {"gte": customer.created, "lt": customer.created + 1}}
    assert [one.id for one in client.v1.customers.list(around).data] == [customer.id]
    later: Any = {"email": "time@example.com", "created": {"gt": customer.created}}
    assert client.v1.customers.list(later).data == []


def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient, price: stripe.Price) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.prices.retrieve(price.id, {"expand": ["nonsense"]})
