"""What the gateway asks of Stripe, and how it reports refusals: against a small server with prepared answers."""

import json
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from shared.adapters.stripe_api import StripeGateway
from shared.domain.catalog import Package, Terms
from shared.domain.errors import CustomerGone, StripeRefused, Unavailable
from shared.domain.stripe_events import API_VERSION
from shared.runtime.catalog_file import load_catalog

POPULAR = load_catalog().find("popular")


class StripeStub:
    """Answers every POST with the next answer; the last one stays. Records what it was asked.

    Customers are found by search and by list as `searchable` and `listed` say.
    """

    def __init__(self) -> None:
        self.searchable: list[dict[str, Any]] | int = []
        self.listed: list[dict[str, Any]] = []
        self.queries: list[tuple[str, dict[str, list[str]]]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = [(200, {})]
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                stub.asked.append((self.path, parse_qs(self.rfile.read(length).decode()), dict(self.headers)))
                more = len(stub.answers) > 1
                self._answer(*(stub.answers.pop(0) if more else stub.answers[0]), more=more)

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                stub.queries.append((path, parse_qs(query)))
                found = stub.searchable if path.endswith("/search") else stub.listed
                if isinstance(found, int):
                    self._answer(found, error("invalid_request_error"))
                else:
                    self._answer(200, {"object": "list", "data": found, "has_more": False})

            def _answer(self, status: int, body: dict[str, Any], *, more: bool = False) -> None:
                answer = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                # The library waits before it asks again, unless it is told not to.
                self.send_header("Stripe-Should-Retry", "true" if more and status >= 500 else "false")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def stripe() -> Iterator[StripeStub]:
    stub = StripeStub()
    yield stub
    stub.close()


@pytest.fixture
def gateway(stripe: StripeStub) -> StripeGateway:
    return StripeGateway(lambda: "sk_test_1", api_base=stripe.url)


def customer(gateway: StripeGateway, email: str | None = None, *, instead_of: str | None = None) -> str:
    return gateway.get_or_create_customer("ada", email, instead_of=instead_of)


def customer_of(uid: str, id_: str, created: int = 1_795_000_000) -> dict[str, Any]:
    return {"id": id_, "object": "customer", "created": created, "metadata": {"firebase_uid": uid}}


def session(gateway: StripeGateway, package: Package | None = POPULAR) -> tuple[str, str]:
    assert package is not None
    return gateway.create_token_checkout_session(
        uid="ada",
        customer_id="cus_1",
        package=package,
        price_id="price_1",
        currency="eur",
        app_base_url="https://app.example",
    )


# --- customers


def test_a_new_customer_carries_the_users_id(gateway: StripeGateway, stripe: StripeStub) -> None:
    stripe.answers = [(200, {"id": "cus_1", "object": "customer"})]

    assert customer(gateway, "ada@example.com") == "cus_1"

    [(path, form, headers)] = stripe.asked
    assert path == "/v1/customers"
    assert form == {"metadata[firebase_uid]": ["ada"], "email": ["ada@example.com"]}
    assert headers["Stripe-Version"] == API_VERSION
    assert headers["Authorization"] == "Bearer sk_test_1"


@pytest.mark.parametrize("where", ["searchable", "listed"])
def test_a_customer_that_stripe_has_is_used(gateway: StripeGateway, stripe: StripeStub, where: str) -> None:
    setattr(
        stripe, where, [customer_of("bob", "cus_0", 1), customer_of("ada", "cus_2", 3), customer_of("ada", "cus_1", 2)]
    )

    assert customer(gateway) == "cus_1"  # the oldest, so that two of them never take turns
    assert stripe.asked == []


def test_search_is_asked_for_the_uid_and_the_list_for_what_search_may_not_see_yet(
    gateway: StripeGateway, stripe: StripeStub
) -> None:
    stripe.listed = [customer_of('Zoë\'s "id"', "cus_1")]

    assert gateway.get_or_create_customer('Zoë\'s "id"', None) == "cus_1"

    (search, wanted), (list_, window) = stripe.queries
    assert (search, wanted["query"]) == ("/v1/customers/search", ['metadata[\'firebase_uid\']:"Zoë\'s \\"id\\""'])
    assert list_ == "/v1/customers"
    assert time.time() - int(window["created[gte]"][0]) == pytest.approx(15 * 60, abs=5)


def test_an_account_in_india_which_has_no_search_sells_too(gateway: StripeGateway, stripe: StripeStub) -> None:
    stripe.searchable = 400
    stripe.answers = [(200, {"id": "cus_1", "object": "customer"})]

    assert customer(gateway) == "cus_1"


def test_a_stripe_that_cannot_search_now_is_unavailable(gateway: StripeGateway, stripe: StripeStub) -> None:
    """Whether the user has a customer is unknown: a second one must not be created."""
    stripe.searchable = 500

    with pytest.raises(Unavailable):
        customer(gateway)
    assert stripe.asked == []


def test_a_user_without_an_email_gets_a_customer_too(gateway: StripeGateway, stripe: StripeStub) -> None:
    stripe.answers = [(200, {"id": "cus_1", "object": "customer"})]
    customer(gateway)

    assert stripe.asked[0][1] == {"metadata[firebase_uid]": ["ada"]}


def test_two_at_once_send_the_same_idempotency_key(gateway: StripeGateway, stripe: StripeStub) -> None:
    stripe.answers = [(200, {"id": "cus_1", "object": "customer"})]
    customer(gateway)
    customer(gateway)
    gateway.get_or_create_customer("bob", None)

    ada, again, bob = (headers["Idempotency-Key"] for _, _, headers in stripe.asked)
    assert ada == again != bob


def test_an_email_that_stripe_refuses_is_left_out_and_not_logged(gateway: StripeGateway, stripe: StripeStub) -> None:
    said = {**error("invalid_request_error", code="email_invalid")}
    said["error"] |= {"message": "Invalid email address: ada@exämple", "param": "email"}
    stripe.answers = [(400, said), (200, {"id": "cus_1", "object": "customer"})]

    assert customer(gateway, "ada@exämple") == "cus_1"

    (_, first, _), (_, second, _) = stripe.asked
    assert ("email" in first, "email" in second) == (True, False)
    stripe.answers = [(400, said)]
    with pytest.raises(StripeRefused) as raised:
        session(gateway)
    logged = "".join(traceback.format_exception(raised.value))
    assert "email_invalid" in logged
    assert "exämple" not in logged


def test_a_deleted_customer_is_replaced_though_search_still_sees_it(gateway: StripeGateway, stripe: StripeStub) -> None:
    stripe.answers = [(200, {"id": "cus_1", "object": "customer"}), (200, {"id": "cus_2", "object": "customer"})]
    first = customer(gateway)
    stripe.searchable = [customer_of("ada", first)]

    assert customer(gateway, instead_of=first) == "cus_2"

    keys = [headers["Idempotency-Key"] for _, _, headers in stripe.asked]
    assert len(set(keys)) == 2  # to the first key, Stripe would answer with the customer that is gone


# --- sessions


@pytest.mark.parametrize(("param", "kind"), [("customer", CustomerGone), ("line_items[0][price]", StripeRefused)])
def test_a_session_for_a_deleted_customer_says_so(
    gateway: StripeGateway, stripe: StripeStub, param: str, kind: type[StripeRefused]
) -> None:
    error = {"type": "invalid_request_error", "code": "resource_missing", "param": param, "message": "No such thing"}
    stripe.answers = [(400, {"error": error})]

    with pytest.raises(StripeRefused) as raised:
        session(gateway)
    assert type(raised.value) is kind


def test_a_session_carries_the_metadata_on_itself_and_on_its_payment(
    gateway: StripeGateway, stripe: StripeStub
) -> None:
    stripe.answers = [(200, {"id": "cs_1", "object": "checkout.session", "url": "https://pay.example/cs_1"})]

    assert session(gateway) == ("cs_1", "https://pay.example/cs_1")

    [(path, form, _)] = stripe.asked
    metadata = {"firebase_uid": "ada", "package_id": "popular", "tokens": "110", "purchase_type": "token_package"}
    assert path == "/v1/checkout/sessions"
    assert form == {
        "mode": ["payment"],
        "customer": ["cus_1"],
        "client_reference_id": ["ada"],
        "line_items[0][price]": ["price_1"],
        "line_items[0][quantity]": ["1"],
        "currency": ["eur"],
        **{f"metadata[{key}]": [value] for key, value in metadata.items()},
        **{f"payment_intent_data[metadata][{key}]": [value] for key, value in metadata.items()},
        "adaptive_pricing[enabled]": ["false"],
        "success_url": ["https://app.example/token-purchase-success?session_id={CHECKOUT_SESSION_ID}"],
        "cancel_url": ["https://app.example/token-purchase-cancel"],
    }


def test_promotion_codes_are_taken_only_where_the_package_allows_them(
    gateway: StripeGateway, stripe: StripeStub
) -> None:
    stripe.answers = [(200, {"id": "cs_1", "object": "checkout.session", "url": "https://pay.example/cs_1"})]
    session(gateway, Package("promo", "Promo", "", (Terms(10, 0, 99, "usd"),), promotions=True))

    assert stripe.asked[0][1]["allow_promotion_codes"] == ["true"]


def test_a_session_without_a_page_is_a_refusal(gateway: StripeGateway, stripe: StripeStub) -> None:
    stripe.answers = [(200, {"id": "cs_1", "object": "checkout.session", "url": None})]

    with pytest.raises(StripeRefused):
        session(gateway)


# --- errors


def error(type_: str, **more: str) -> dict[str, Any]:
    return {"error": {"type": type_, "message": "No such price: 'price_1'", **more}}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error("invalid_request_error")),
        (401, error("invalid_request_error")),
        (402, error("card_error", code="card_declined")),
        (403, error("invalid_request_error")),
        (404, error("invalid_request_error", code="resource_missing")),
        (400, error("idempotency_error")),
    ],
)
def test_what_stripe_refuses_is_refused(
    gateway: StripeGateway, stripe: StripeStub, status: int, body: dict[str, Any]
) -> None:
    stripe.answers = [(status, body)]

    with pytest.raises(StripeRefused) as raised:
        session(gateway)
    assert (raised.value.status, raised.value.code) == (502, "stripe_refused")
    assert "price_1" not in raised.value.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, error("idempotency_error", code="idempotency_key_in_use")),
        (429, error("invalid_request_error", code="rate_limit")),
        (500, error("api_error")),
        (503, error("api_error")),
    ],
)
def test_a_transient_error_is_unavailable(
    gateway: StripeGateway, stripe: StripeStub, status: int, body: dict[str, Any]
) -> None:
    stripe.answers = [(status, body)]

    with pytest.raises(Unavailable) as raised:
        customer(gateway)
    assert (raised.value.status, raised.value.code) == (503, "stripe_unavailable")


def test_a_transient_error_is_retried_with_the_same_idempotency_key(gateway: StripeGateway, stripe: StripeStub) -> None:
    good = {"id": "cs_1", "object": "checkout.session", "url": "https://pay.example/cs_1"}
    stripe.answers = [(500, error("api_error")), (200, good)]

    assert session(gateway)[0] == "cs_1"
    first, second = (headers["Idempotency-Key"] for _, _, headers in stripe.asked)
    assert first == second


def test_a_stripe_that_cannot_be_reached_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    gateway = StripeGateway(lambda: "sk_test_1", api_base=f"http://127.0.0.1:{port}")

    with pytest.raises(Unavailable) as raised:
        customer(gateway)
    assert raised.value.status == 503


# --- the key


def test_a_rotated_key_is_used_from_the_next_call_on(stripe: StripeStub) -> None:
    keys = iter(["sk_test_old", "sk_test_new"])
    gateway = StripeGateway(lambda: next(keys), api_base=stripe.url)
    stripe.answers = [(200, {"id": "cs_1", "object": "checkout.session", "url": "https://pay.example/cs_1"})]

    session(gateway)
    session(gateway)

    sent = [headers["Authorization"] for _, _, headers in stripe.asked]
    assert sent == ["Bearer sk_test_old", "Bearer sk_test_new"]
