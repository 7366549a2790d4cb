"""Bodies of webhooks, pushes and spends, mutated at random: no 500, and no effect that the body has no right to."""

import base64
import copy
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from shared.runtime.catalog_file import load_catalog
from tests.fuzz.services import TOKENS, Services, bounded, services
from tests.stripe_events import EVENTS, load, raw, recent, signature

EXAMPLES = int(os.environ.get("EXAMPLES", "8")) * 10
SEED = int(os.environ.get("SEED", "1"))
EVENT_NAMES = sorted(file.stem for file in EVENTS.glob("*.json"))
SOLD = {
    (package.id, terms.tokens, terms.price_cents, terms.currency)
    for package in load_catalog().packages
    for terms in package.terms
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["token_package", "paid", "unpaid", "popular", "110", "99999", "ada", "usd", "", 0, -1, 999]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def world() -> Iterator[Services]:
    with services() as world:
        yield world


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - JSON
    yield path
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from paths_in(one, (*path, key))


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:  # noqa: ANN401 - JSON
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


@st.composite
def mutated(draw: st.DrawFn, whole: Any, most: int = 3) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value with a few of its parts replaced by anything."""
    for _ in range(draw(st.integers(0, most))):
        whole = replaced(whole, draw(st.sampled_from(list(paths_in(whole)))), draw(JSON))
    return whole


def an_event() -> st.SearchStrategy[Any]:
    return st.sampled_from(EVENT_NAMES).map(load).map(recent).flatmap(mutated)


def test_a_signed_webhook_publishes_exactly_what_it_was_sent_or_nothing(world: Services) -> None:
    @seed(SEED)
    @bounded(EXAMPLES)
    @given(event=an_event(), forged=st.booleans())
    def run(event: object, *, forged: bool) -> None:
        world.refresh()
        body = json.dumps(event).encode()
        header = signature(body, "whsec_guessed") if forged else signature(body)
        answer = world.functions["stripe_webhook"].post(
            data=body, content_type="application/json", headers={"Stripe-Signature": header}
        )
        published = [message.data for _, message in world.publisher.published]
        assert answer.status_code in ((400,) if forged else (200, 400))
        assert published in (([],) if forged or answer.status_code != 200 else ([], [body]))

    run()


def test_whatever_a_push_holds_it_is_acknowledged_and_credits_only_what_was_sold_and_paid(world: Services) -> None:
    @seed(SEED)
    @bounded(EXAMPLES)
    @given(event=an_event(), times=st.integers(1, 2))
    def run(event: Any, times: int) -> None:  # noqa: ANN401 - JSON
        world.refresh()
        message = {"data": base64.b64encode(json.dumps(event).encode()).decode(), "attributes": {}, "messageId": "1"}
        for _ in range(times):
            answer = world.functions["credit_tokens"].post({"message": message})
            assert answer.status_code == 200
        new = world.new_entries()
        assert len(new) <= 1
        for entry in new:
            assert_sold(entry, event)

    run()


def assert_sold(entry: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Fail unless the event says that these tokens were sold to this user and paid."""
    sold = event["data"]["object"]
    metadata = sold["metadata"]
    assert entry["type"] == "purchase"
    assert metadata["purchase_type"] == "token_package"
    assert sold["payment_status"] != "unpaid"
    assert entry["userId"] == metadata["firebase_uid"]
    claim = (metadata["package_id"], int(metadata["tokens"]), sold["amount_subtotal"], sold["currency"])
    assert claim in SOLD
    assert entry["amount"] == claim[1]


def test_arbitrary_pushes_and_webhooks_are_refused_or_dropped(world: Services) -> None:
    @seed(SEED)
    @bounded(EXAMPLES)
    @given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
    def run(body: bytes) -> None:
        world.refresh()
        before = world.effects()
        pushed = world.functions["credit_tokens"].post(data=body, content_type="application/json")
        headers = {"Stripe-Signature": signature(body)}
        posted = world.functions["stripe_webhook"].post(data=body, content_type="application/json", headers=headers)
        assert (pushed.status_code, posted.status_code) == (200, 400)
        assert world.effects() == before

    run()


SPEND = {"user_id": "ada", "amount": 10, "reason": "render", "idempotency_key": "job-1"}


def test_a_spend_takes_exactly_its_amount_or_nothing(world: Services) -> None:
    @seed(SEED)
    @bounded(EXAMPLES)
    @given(body=mutated(SPEND), times=st.integers(1, 3))
    def run(body: Any, times: int) -> None:  # noqa: ANN401 - JSON
        world.refresh()
        statuses = {world.functions["spend_tokens"].post(body).status_code for _ in range(times)}
        assert len(statuses) == 1
        spent = TOKENS - world.balance()
        if statuses == {200}:
            assert spent == body["amount"] > 0
            assert body["user_id"] == "ada"
        else:
            assert max(statuses) < 500
            assert spent == 0

    run()


def test_the_events_that_are_mutated_credit_when_they_are_left_alone(world: Services) -> None:
    """Else the tests above would hold for a function that credits nothing."""
    world.refresh()
    event = recent(load("completed_paid"))
    message = {"data": base64.b64encode(raw(event)).decode(), "attributes": {}, "messageId": "1"}

    assert world.functions["credit_tokens"].post({"message": message}).json == {"success": True, "outcome": "credited"}
    [entry] = world.new_entries()
    assert_sold(entry, event)
