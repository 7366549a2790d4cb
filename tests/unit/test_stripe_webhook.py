"""functions/stripe_webhook: verified, routed, published, and only then acknowledged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.api_core import exceptions as google_errors
from werkzeug.test import TestResponse

from shared.adapters.pubsub import EventPublisher
from shared.domain.errors import SettingsError
from tests.deployed import Deployed, deployed
from tests.fakes.pubsub import FakePublisher
from tests.fakes.secret_manager import NAME, FakeSecretManager
from tests.records import records, sentences
from tests.stripe_events import SECRET, load, raw, session_event, signature

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_WEBHOOK_SECRET": SECRET}
LIMIT_BYTES = 512 * 1024


@dataclass
class Endpoint:
    """The webhook with its fakes."""

    function: Deployed
    publisher: FakePublisher
    manager: FakeSecretManager = field(default_factory=FakeSecretManager)

    def send(self, body: bytes, header: str | None = None) -> TestResponse:
        """Deliver a body as Stripe does, signed unless another header is given."""
        headers = {"Stripe-Signature": signature(body) if header is None else header}
        return self.function.post(data=body, content_type="application/json; charset=utf-8", headers=headers)


def endpoint(**environ: str) -> Iterator[Endpoint]:
    publisher, manager = FakePublisher(), FakeSecretManager()
    parts = (manager.store(), EventPublisher(publisher.as_client(), "demo"))
    with deployed("stripe_webhook", {**ENVIRON, **environ}, parts=parts) as function:
        yield Endpoint(function, publisher, manager)


@pytest.fixture
def webhook() -> Iterator[Endpoint]:
    yield from endpoint()


@pytest.fixture
def managed() -> Iterator[Endpoint]:
    """The webhook whose secret is in Secret Manager."""
    yield from endpoint(STRIPE_WEBHOOK_SECRET=NAME)


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


def test_a_signed_purchase_is_published_as_it_came(webhook: Endpoint) -> None:
    body = raw(load("completed_paid"))

    answer = webhook.send(body)

    assert (answer.status_code, answer.json) == (200, {"success": True, "received": True})
    [(topic, message)] = webhook.publisher.published
    assert topic == "projects/demo/topics/stripe-events"
    assert message.data == body
    assert message.attributes["purchase_type"] == "token_package"


def test_the_log_has_the_sentences_that_alerts_and_runbooks_search_for(
    webhook: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook.send(raw(load("completed_paid")))

    assert sentences(capsys) == [
        ("INFO", "webhook.verified", "Webhook signature verified successfully"),
        ("INFO", "webhook.processing", "Processing checkout.session.completed event"),
        ("INFO", "webhook.published", "Detected token purchase - routing to token handler"),
    ]


def test_records_carry_ids_and_nothing_personal(webhook: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    webhook.send(raw(load("completed_paid")))

    written = records(capsys)
    ids = {
        "event_id": "evt_completed_paid",
        "event_type": "checkout.session.completed",
        "object_id": "cs_test_popular",
    }
    assert all(ids.items() <= record.items() for record in written)
    assert "example.com" not in str(written)


@pytest.mark.parametrize(
    "name", ["completed_unpaid", "async_payment_succeeded", "async_payment_failed", "subscription_updated"]
)
def test_every_event_that_somebody_handles_is_published(webhook: Endpoint, name: str) -> None:
    assert webhook.send(raw(load(name))).status_code == 200
    assert len(webhook.publisher.published) == 1


def test_a_subscription_goes_to_its_own_handler(webhook: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    webhook.send(raw(load("subscription_updated")))

    [(_, message)] = webhook.publisher.published
    assert message.attributes["purchase_type"] == "subscription"
    assert sentences(capsys)[-1][2] == "Detected subscription - routing to its handler"


@pytest.mark.parametrize("metadata", [{}, {"firebase_uid": "ada"}], ids=["by client_reference_id", "by metadata"])
def test_a_session_that_sold_a_subscription_goes_to_the_handler_of_subscriptions(
    webhook: Endpoint, metadata: dict[str, str]
) -> None:
    event = load("completed_paid")
    event["data"]["object"] |= {"mode": "subscription", "subscription": "sub_1", "metadata": metadata}

    assert webhook.send(raw(event)).status_code == 200

    [(_, message)] = webhook.publisher.published
    assert message.attributes["purchase_type"] == "subscription"


def test_a_delivered_event_does_not_claim_to_have_been_read_from_stripe(webhook: Endpoint) -> None:
    """Whoever has the signing secret chooses the event's fields, but not the message's attributes."""
    webhook.send(raw({**load("completed_paid"), "source": "stripe_api"}))

    [(_, message)] = webhook.publisher.published
    assert "source" not in message.attributes


@pytest.mark.parametrize(
    "event",
    [
        load("completed_other_product"),
        {**load("completed_paid"), "type": "plan.created"},
        {**load("completed_paid"), "account": "acct_connected"},
        {**load("subscription_updated"), "account": "acct_connected"},
    ],
    ids=["another product", "another type", "a connected account's purchase", "a connected account's subscription"],
)
def test_what_nobody_handles_is_acknowledged_and_not_published(webhook: Endpoint, event: dict[str, Any]) -> None:
    assert webhook.send(raw(event)).status_code == 200
    assert webhook.publisher.published == []


PURCHASE = raw(load("completed_paid"))


@pytest.mark.parametrize(
    ("body", "sign", "code"),
    [
        (PURCHASE, lambda _: "", "invalid_signature"),
        (PURCHASE, lambda _: "t=1,v1=abc", "invalid_signature"),
        (PURCHASE, lambda body: signature(body, "whsec_forged"), "invalid_signature"),
        (PURCHASE, lambda _: signature(raw(load("completed_unpaid"))), "invalid_signature"),
        (PURCHASE, lambda body: signature(body, at=1_700_000_000), "invalid_signature"),
        (PURCHASE, lambda body: signature(body, at=9_700_000_000), "invalid_signature"),
        (b"\xff\xfe", signature, "invalid_payload"),
        (b"", signature, "invalid_payload"),
        (b"{}", signature, "invalid_payload"),
        (raw(load("completed_paid") | {"api_version": 7}), signature, "invalid_payload"),
        (raw(load("completed_paid") | {"id": "evt_" + "1" * 300}), signature, "invalid_payload"),
    ],
    ids=[
        *("unsigned", "nonsense", "forged", "altered", "stale", "from the future", "no text", "empty", "no event"),
        *("odd version", "long id"),
    ],
)
def test_what_stripe_did_not_sign_just_now_is_400_and_not_published(
    webhook: Endpoint, capsys: pytest.CaptureFixture[str], body: bytes, sign: Callable[[bytes], str], code: str
) -> None:
    assert refused(webhook.send(body, sign(body))) == (400, code)
    assert webhook.publisher.published == []
    [(severity, event, _)] = sentences(capsys)
    assert (severity, event) == ("WARNING", "webhook.rejected")


def test_a_signature_that_is_not_ascii_is_400(webhook: Endpoint) -> None:
    assert refused(webhook.send(raw(load("completed_paid")), "t=1,v1=\xe9")) == (400, "invalid_signature")


def test_no_signature_header_at_all_is_400(webhook: Endpoint) -> None:
    answer = webhook.function.post(data=raw(load("completed_paid")), content_type="application/json")

    assert refused(answer) == (400, "invalid_signature")


def test_an_event_of_the_other_mode_is_400(webhook: Endpoint) -> None:
    assert refused(webhook.send(raw({**load("completed_paid"), "livemode": True}))) == (400, "wrong_livemode")
    assert webhook.publisher.published == []


def test_in_livemode_only_live_events_are_taken() -> None:
    for live in endpoint(STRIPE_LIVEMODE="true"):
        assert refused(live.send(raw(load("completed_paid")))) == (400, "wrong_livemode")
        assert live.send(raw({**load("completed_paid"), "livemode": True})).status_code == 200


def padded(size: int) -> bytes:
    """Return a purchase's event of exactly so many bytes."""
    short = len(raw(session_event(client_reference_id="")))
    return raw(session_event(client_reference_id="x" * (size - short)))


def test_the_largest_event_is_taken_and_one_byte_more_is_413(webhook: Endpoint) -> None:
    assert webhook.send(padded(LIMIT_BYTES)).status_code == 200
    assert refused(webhook.send(padded(LIMIT_BYTES + 1))) == (413, "too_large")
    assert len(webhook.publisher.published) == 1


def test_only_post_is_allowed(webhook: Endpoint) -> None:
    answer = webhook.function.get()

    assert refused(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "error",
    [
        google_errors.RetryError("too long", google_errors.ServiceUnavailable("away")),
        google_errors.PermissionDenied("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_event_that_cannot_be_published_is_503_so_that_stripe_sends_it_again(
    webhook: Endpoint, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    webhook.publisher.error = error

    assert refused(webhook.send(raw(load("completed_paid")))) == (503, "not_published")
    said = [sentence for _, _, sentence in sentences(capsys)]
    assert "Detected token purchase - routing to token handler" not in said
    assert said[-1] == "Answered 503 not_published"


# --- secrets


def test_both_secrets_verify_while_one_is_being_rotated() -> None:
    body = raw(load("completed_paid"))
    for rotating in endpoint(STRIPE_WEBHOOK_SECRET="whsec_new,whsec_old"):
        assert rotating.send(body, signature(body, "whsec_new")).status_code == 200
        assert rotating.send(body, signature(body, "whsec_old")).status_code == 200
        assert rotating.send(body, signature(body, "whsec_older")).status_code == 400


def test_a_rotated_secret_works_without_a_deployment(managed: Endpoint) -> None:
    body = raw(load("completed_paid"))
    assert managed.send(body, signature(body, "whsec_1")).status_code == 200
    managed.manager.secrets[NAME] = b"whsec_2"
    managed.manager.now = 60

    assert managed.send(body, signature(body, "whsec_2")).status_code == 200
    assert managed.send(body, signature(body, "whsec_1")).status_code == 400


def test_forged_requests_do_not_drive_the_reads_of_the_secret(managed: Endpoint) -> None:
    body = raw(load("completed_paid"))
    for _ in range(20):
        assert managed.send(body, signature(body, "whsec_forged")).status_code == 400

    assert managed.manager.reads == 1


def test_a_secret_manager_that_is_away_is_503(managed: Endpoint) -> None:
    managed.manager.error = google_errors.ServiceUnavailable("away")

    assert refused(managed.send(raw(load("completed_paid")))) == (503, "secret_unavailable")


def test_without_a_secret_it_does_not_start() -> None:
    with pytest.raises(SettingsError, match="STRIPE_WEBHOOK_SECRET is missing"):
        next(endpoint(STRIPE_WEBHOOK_SECRET=","))


@pytest.mark.parametrize("placeholder", [b"changeme", b"TODO", b"true"])
def test_a_placeholder_in_secret_manager_takes_nothing(managed: Endpoint, placeholder: bytes) -> None:
    managed.manager.secrets[NAME] = placeholder
    body = raw(load("completed_paid"))

    assert refused(managed.send(body, signature(body, placeholder.decode()))) == (400, "invalid_signature")


def test_a_secret_and_the_name_of_another_both_verify() -> None:
    body = raw(load("completed_paid"))
    for rotating in endpoint(STRIPE_WEBHOOK_SECRET=f"whsec_old,{NAME}"):
        assert rotating.send(body, signature(body, "whsec_old")).status_code == 200
        assert rotating.send(body, signature(body, "whsec_1")).status_code == 200
