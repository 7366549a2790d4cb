"""Customers found by search, which lags, and by list, which does not."""

import pytest
import stripe

from stripe_simulator.engine.errors import ApiError
from stripe_simulator.resources.search import parse_query
from stripe_simulator.tests.shop import Shop

ADA = {
    "email": "Ada@example.com",
    "name": "Ada Lovelace",
    "phone": None,
    "created": 1000,
    "metadata": {"firebase_uid": "aBc", "quote": 'says "hi"'},
}


@pytest.mark.parametrize(
    "query",
    [
        "metadata['firebase_uid']:'aBc'",
        'metadata["firebase_uid"]:"ABC"',
        'metadata["quote"]:"says \\"hi\\""',
        "email:'ada@example.com'",
        "name~'love'",
        "-email:'bea@example.com'",
        "metadata['plan']:null",
        "phone:null",
        "created:1000",
        "created>=1000 AND created<1001",
        "email:'ada@example.com' name~\"Ada\"",
        "email:'bea@example.com' or metadata['firebase_uid']:'abc'",
    ],
)
def test_a_query_matches(query: str) -> None:
    assert parse_query(query)(ADA)


@pytest.mark.parametrize(
    "query",
    [
        "metadata['firebase_uid']:'ab'",
        "metadata['plan']:'pro'",
        "-metadata['firebase_uid']:'aBc'",
        "email:'ada@example.com' AND created>1000",
        "name~'bea' OR created<1000",
        "phone:'1'",
    ],
)
def test_a_query_does_not_match(query: str) -> None:
    assert not parse_query(query)(ADA)


@pytest.mark.parametrize(
    "query",
    [
        "ada",
        "email='ada@example.com'",
        "email:ada",
        "email:'ada@example.com' AND",
        "email:'a' AND name:'b' OR name:'c'",
        "email:'a' name:'b' OR name:'c'",
        "name~'ad'",
        "address:'x'",
        "metadata:'x'",
        "email['x']:'y'",
        "created~'10'",
        "created:'today'",
        "email>'a'",
    ],
)
def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_query(query)
    assert (refused.value.status, refused.value.error["param"]) == (400, "query")


def by_uid(shop: Shop, uid: str) -> list[str]:
    return [one.id for one in shop.client.v1.customers.search({"query": f"metadata['firebase_uid']:'{uid}'"}).data]


def test_search_sees_a_customer_only_after_the_lag_and_list_at_once(shop: Shop) -> None:
    shop.simulate("behavior", search_lag_s=60)
    customer = shop.client.v1.customers.create({"email": "lag@example.com", "metadata": {"firebase_uid": "lag"}})
    assert by_uid(shop, "lag") == []
    assert [one.id for one in shop.client.v1.customers.list({"email": "lag@example.com"}).data] == [customer.id]
    shop.simulate("clock", offset_s=61)
    assert by_uid(shop, "lag") == [customer.id]


def test_search_sees_an_older_state_and_answers_with_the_current_one(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"metadata": {"firebase_uid": "before"}})
    shop.simulate("behavior", search_lag_s=60)
    shop.simulate("clock", offset_s=120)
    shop.client.v1.customers.update(customer.id, {"metadata": {"firebase_uid": "after"}})
    assert by_uid(shop, "after") == []
    found = shop.client.v1.customers.search({"query": "metadata['firebase_uid']:'before'"}).data
    assert [one.metadata.to_dict() for one in found if one.metadata] == [{"firebase_uid": "after"}]


def test_search_finds_no_deleted_customer(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"metadata": {"firebase_uid": "gone"}})
    shop.client.v1.customers.delete(customer.id)
    assert by_uid(shop, "gone") == []


def test_search_results_come_in_pages(shop: Shop) -> None:
    customer = [shop.client.v1.customers.create({"name": "Page"}).id for _ in range(5)]
    first = shop.client.v1.customers.search({"query": "name:'page'", "limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (customer[:2:-1], True)
    assert [one.id for one in first.auto_paging_iter()] == customer[::-1]


def test_an_unreadable_query_is_a_400(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
        shop.client.v1.customers.search({"query": "who is ada?"})
