"""Connected accounts: their objects are their own, and their events name them."""

import httpx
import pytest
import stripe

from stripe_simulator.tests.endpoint import Endpoint, listening
from stripe_simulator.tests.shop import METADATA, Shop, open_shop

CONNECTED = {"Stripe-Account": "acct_mallory"}
SESSION = {
    "mode": "payment",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "999",
    "line_items[0][price_data][product_data][name]": "Theirs",
    "line_items[0][quantity]": "1",
    "success_url": "http://shop.test/",
    **{f"metadata[{name}]": value for name, value in METADATA.items()},
}


def paid_session(http: httpx.Client) -> str:
    session = http.post("/v1/checkout/sessions", data=SESSION, headers=CONNECTED).json()
    paid = http.post(f"/_sim/sessions/{session['id']}/pay", json={}, headers=CONNECTED)
    assert paid.status_code == 200, paid.text
    return str(session["id"])


def test_objects_and_events_belong_to_their_account(shop: Shop) -> None:
    session = paid_session(shop.http)
    assert shop.http.get(f"/v1/checkout/sessions/{session}").status_code == 404
    assert shop.http.get(f"/v1/checkout/sessions/{session}", headers=CONNECTED).json()["status"] == "complete"
    theirs = shop.http.get("/v1/events", headers=CONNECTED).json()["data"]
    assert {event["account"] for event in theirs} == {"acct_mallory"}
    assert theirs[1]["data"]["object"]["metadata"] == METADATA
    assert not {event["id"] for event in theirs} & {event["id"] for event in shop.get("events")["data"]}
    assert all("account" not in event for event in shop.get("events")["data"])


def test_the_library_works_on_a_connected_account(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"email": "theirs@example.com"}, {"stripe_account": "acct_other"})
    assert shop.client.v1.customers.list({"email": "theirs@example.com"}).data == []
    found = shop.client.v1.customers.list({"email": "theirs@example.com"}, {"stripe_account": "acct_other"})
    assert [one.id for one in found.data] == [customer.id]


def test_an_idempotency_key_belongs_to_its_account(shop: Shop) -> None:
    key = {"Idempotency-Key": "shared"}
    ours = shop.http.post("/v1/customers", headers=key).json()["id"]
    theirs = shop.http.post("/v1/customers", headers={**key, **CONNECTED}).json()["id"]
    assert ours != theirs


def test_an_invalid_account_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.PermissionError, match="does not have access to account 'mallory'"):
        shop.client.v1.customers.list({}, {"stripe_account": "mallory"})
    refused = shop.http.get("/v1/customers", headers={"Stripe-Account": "mallory"})
    assert refused.json()["error"]["code"] == "account_invalid"
    assert shop.http.get("/_sim/state", headers={"Stripe-Account": "mallory"}).status_code == 403


def test_the_payment_page_serves_connected_accounts(shop: Shop) -> None:
    session = shop.http.post("/v1/checkout/sessions", data=SESSION, headers=CONNECTED).json()
    assert "Theirs" in shop.http.get(session["url"]).text


def events_at(endpoint: Endpoint, count: int) -> set[str | None]:
    return {arrival.json().get("account") for arrival in endpoint.wait_for(count)}


def test_connected_events_reach_an_endpoint_only_when_it_wants_them() -> None:
    with listening() as ours, listening() as connect, open_shop(webhook_urls=(ours.url,)) as shop:
        form = {"url": connect.url, "enabled_events[]": "customer.created", "connect": "true"}
        assert shop.http.post("/v1/webhook_endpoints", data=form).status_code == 200
        shop.http.post("/v1/customers", headers=CONNECTED)
        shop.http.post("/v1/customers")
        assert events_at(connect, 1) == {"acct_mallory"}
        assert events_at(ours, 1) == {None}
        shop.simulate("webhooks", connected=True)
        shop.http.post("/v1/customers", headers=CONNECTED)
        assert events_at(connect, 2) == {"acct_mallory"}
        ours.wait_for_one(lambda arrival: arrival.json().get("account") == "acct_mallory")
