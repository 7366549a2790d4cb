"""The topic's wire format: what is published, and what a push delivery may carry."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions as google_errors

from shared.adapters.pubsub import EventPublisher
from shared.domain.errors import MalformedMessage, Unavailable
from shared.domain.messages import attributes_of, read_push
from tests.fakes.pubsub import FakePublisher
from tests.stripe_events import load, push_of, raw, recent


def test_an_event_is_published_byte_for_byte_with_its_attributes() -> None:
    publisher, event = FakePublisher(), load("completed_paid")
    body = raw(event)

    message_id = EventPublisher(publisher.as_client(), "demo").publish(body, event, "token_package")

    [(topic, message)] = publisher.published
    assert (message_id, topic) == ("1", "projects/demo/topics/stripe-events")
    assert message.data == body
    assert dict(message.attributes) == {
        "event_id": "evt_completed_paid",
        "event_type": "checkout.session.completed",
        "purchase_type": "token_package",
        "livemode": "false",
        "api_version": event["api_version"],
        "schema": "1",
    }


def test_every_attribute_is_text_though_the_event_lacks_some() -> None:
    event = {**load("completed_paid"), "api_version": None}

    assert all(isinstance(value, str) for value in attributes_of(event, "token_package").values())


def test_publishing_is_bounded_by_the_time_stripe_waits() -> None:
    publisher = FakePublisher()
    EventPublisher(publisher.as_client(), "demo").publish(b"{}", load("completed_paid"), "token_package")

    assert publisher.timeout is not None
    assert publisher.timeout <= 10


@pytest.mark.parametrize(
    "error",
    [
        google_errors.RetryError("too long", google_errors.ServiceUnavailable("away")),
        google_errors.ServiceUnavailable("away"),
        google_errors.DeadlineExceeded("slow"),
        google_errors.NotFound("no such topic"),
        google_errors.PermissionDenied("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_was_not_published_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable) as raised:
        EventPublisher(FakePublisher(error).as_client(), "demo").publish(b"{}", load("completed_paid"), "token_package")

    assert (raised.value.status, raised.value.code) == (503, "not_published")


# --- push


def test_a_push_delivery_is_read() -> None:
    event = load("completed_paid")

    message = read_push(json.dumps(push_of(event)).encode())

    assert message.event == recent(event)
    assert message.attributes == {"event_id": event["id"], "event_type": event["type"]}
    assert message.message_id == "1"
    assert message.published_at == datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=UTC)


def test_only_the_data_is_needed() -> None:
    push = {"message": {"data": push_of(load("completed_paid"))["message"]["data"]}}

    message = read_push(json.dumps(push).encode())

    assert (message.attributes, message.message_id, message.published_at) == ({}, "", None)


def with_data(data: object) -> bytes:
    return json.dumps({"message": {"data": data}}).encode()


def with_event(change: Callable[[dict[str, Any]], object]) -> bytes:
    event = load("completed_paid")
    change(event)
    return json.dumps(push_of(event)).encode()


MALFORMED = {
    "empty": b"",
    "not JSON": b"hello",
    "not UTF-8": b"\xff\xfe{",
    "a list": b"[]",
    "no message": b"{}",
    "message is text": b'{"message": "x"}',
    "no data": b'{"message": {}}',
    "data is a number": with_data(7),
    "data is not base64": with_data("***"),
    "data is not ASCII": with_data("é"),
    "data is no JSON": with_data(base64.b64encode(b"hello").decode()),
    "data is null": with_data(base64.b64encode(b"null").decode()),
    "nested too deep": with_data(base64.b64encode(b"[" * 100_000).decode()),
    "no id": with_event(lambda event: event.pop("id")),
    "id is a number": with_event(lambda event: event.update(id=7)),
    "id is a path": with_event(lambda event: event.update(id="evt/1")),
    "no type": with_event(lambda event: event.pop("type")),
    "no time": with_event(lambda event: event.pop("created")),
    "time is text": with_event(lambda event: event.update(created="now")),
    "time is beyond any calendar": with_event(lambda event: event.update(created=10**12)),
    "time is before any clock": with_event(lambda event: event.update(created=-1)),
    "no object": with_event(lambda event: event.update(data={})),
    "object is text": with_event(lambda event: event.update(data={"object": "x"})),
    "object without id": with_event(lambda event: event["data"]["object"].pop("id")),
    "object's id is a path": with_event(lambda event: event["data"]["object"].update(id="../users/ada")),
    "object's id is empty": with_event(lambda event: event["data"]["object"].update(id="")),
    "publishTime is no time": json.dumps(push_of(load("completed_paid"), publishTime="soon")).encode(),
    "attributes are text": json.dumps(push_of(load("completed_paid"), attributes="x")).encode(),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_stripe_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_push(body)
