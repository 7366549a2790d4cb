"""functions/create_checkout: who may buy what, and what is said when not."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from werkzeug.test import TestResponse

from shared.domain.catalog import Package
from shared.domain.errors import CustomerGone, StripeRefused, Unavailable
from shared.domain.times import HOUR_S
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.records import records, sentences

ENVIRON = {
    "GOOGLE_CLOUD_PROJECT": "demo",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "APP_BASE_URL": "https://app.example",
    "ALLOWED_ORIGINS": "https://app.example",
    "STRIPE_TOKEN_POPULAR_PRICE_ID": "price_popular",
}
POPULAR = {"package": "popular"}


class FakeGateway:
    """Stripe, which creates customer cus_<uid> and session cs_1, or fails."""

    def __init__(self) -> None:
        self.customer_error: Exception | None = None
        self.session_error: Exception | None = None
        self.customers: list[tuple[str, str | None]] = []
        self.deleted: set[str] = set()
        self.sessions: list[dict[str, Any]] = []

    def get_or_create_customer(self, uid: str, email: str | None, *, instead_of: str | None = None) -> str:
        if self.customer_error:
            raise self.customer_error
        self.customers.append((uid, email))
        return f"cus_{uid}_{len(self.customers)}" if instead_of else f"cus_{uid}"

    def create_token_checkout_session(
        self,
        *,
        uid: str,
        customer_id: str,
        package: Package,
        price_id: str,
        currency: str,
        app_base_url: str,
        invoice: bool,
    ) -> tuple[str, str]:
        if self.session_error:
            raise self.session_error
        if customer_id in self.deleted:
            raise CustomerGone
        session = {
            "uid": uid,
            "customer": customer_id,
            "package": package.id,
            "price": price_id,
            "currency": currency,
        }
        self.sessions.append(session | ({"invoice": True} if invoice else {}))
        return "cs_1", f"{app_base_url}/pay/cs_1"


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def function(firestore: FakeFirestore, gateway: FakeGateway) -> Iterator[Deployed]:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway)
    with deployed("create_checkout", ENVIRON, parts=parts) as function:
        yield function


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    assert set(answer.json) == {"success", "error"}
    assert set(answer.json["error"]) == {"code", "message"}
    return answer.status_code, answer.json["error"]["code"]


def test_a_signed_in_user_gets_a_session_and_its_address(function: Deployed, gateway: FakeGateway) -> None:
    answer = function.post(POPULAR, headers=ADA)

    assert answer.status_code == 200
    assert answer.json == {"success": True, "session_id": "cs_1", "url": "https://app.example/pay/cs_1"}
    assert gateway.customers == [("ada", "ada@example.com")]
    assert gateway.sessions == [
        {"uid": "ada", "customer": "cus_ada", "package": "popular", "price": "price_popular", "currency": "usd"}
    ]


@pytest.fixture
def international(firestore: FakeFirestore, gateway: FakeGateway) -> Iterator[Deployed]:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway)
    with deployed("create_checkout", {**ENVIRON, "TOKEN_CATALOG": "international"}, parts=parts) as function:
        yield function


@pytest.mark.parametrize(
    ("chosen", "currency"), [({}, "usd"), ({"currency": None}, "usd"), ({"currency": "jpy"}, "jpy")], ids=str
)
def test_the_buyer_chooses_among_the_packages_currencies(
    international: Deployed, gateway: FakeGateway, chosen: dict[str, object], currency: str
) -> None:
    assert international.post(POPULAR | chosen, headers=ADA).status_code == 200

    assert [session["currency"] for session in gateway.sessions] == [currency]


@pytest.mark.parametrize("currency", ["chf", "JPY", "", 5, ["jpy"]])
def test_a_currency_that_the_package_has_no_price_in_is_refused(
    international: Deployed, gateway: FakeGateway, currency: object
) -> None:
    assert refused(international.post(POPULAR | {"currency": currency}, headers=ADA)) == (400, "unknown_currency")
    assert not gateway.sessions


def test_a_setting_turns_invoices_on(firestore: FakeFirestore, gateway: FakeGateway) -> None:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway)
    with deployed("create_checkout", {**ENVIRON, "STRIPE_INVOICES": "true"}, parts=parts) as function:
        function.post(POPULAR, headers=ADA)

    assert gateway.sessions[0]["invoice"] is True


def test_the_customer_is_saved_for_the_next_purchase(
    function: Deployed, gateway: FakeGateway, firestore: FakeFirestore
) -> None:
    function.post(POPULAR, headers=ADA)
    function.post(POPULAR, headers=ADA)

    assert len(gateway.customers) == 1
    stored = firestore.fields_of("users/ada")
    assert stored is not None
    assert stored["stripeCustomerId"] == "cus_ada"


def test_a_customer_that_was_deleted_in_stripe_is_replaced(
    function: Deployed, gateway: FakeGateway, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    function.post(POPULAR, headers=ADA)
    gateway.deleted.add("cus_ada")
    capsys.readouterr()

    assert function.post(POPULAR, headers=ADA).status_code == 200
    assert function.post(POPULAR, headers=ADA).status_code == 200

    assert [session["customer"] for session in gateway.sessions] == ["cus_ada", "cus_ada_2", "cus_ada_2"]
    stored = firestore.fields_of("users/ada")
    assert stored is not None
    assert stored["stripeCustomerId"] == "cus_ada_2"
    assert [record["event"] for record in records(capsys)] == [
        "checkout.customer_replaced",
        "checkout.created",
        "checkout.created",
    ]


def test_the_session_is_logged_with_ids_and_no_email(function: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    function.post(POPULAR, headers=ADA)

    [record] = records(capsys)
    assert record == {
        "severity": "INFO",
        "event": "checkout.created",
        "message": "Created token checkout session cs_1 for customer cus_ada - Package: popular, Tokens: 110",
        "session_id": "cs_1",
        "user_id": "ada",
        "package_id": "popular",
        "tokens": 110,
    }


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Basic ada"}])
def test_without_a_token_nobody_buys(function: Deployed, gateway: FakeGateway, headers: dict[str, str]) -> None:
    answer = function.post(POPULAR, headers=headers)

    assert refused(answer) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert gateway.sessions == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_package"),
        ({"package": None}, "missing_package"),
        ({"package": ""}, "missing_package"),
        ({"package": "gold"}, "unknown_package"),
        ({"package": ["popular"]}, "unknown_package"),
        ({"package": 7}, "unknown_package"),
        ({"package": "pro"}, "package_unavailable"),
    ],
    ids=str,
)
def test_a_package_has_to_be_named_known_and_on_sale(
    function: Deployed, gateway: FakeGateway, body: dict[str, object], code: str
) -> None:
    assert refused(function.post(body, headers=ADA)) == (400, code)
    assert not gateway.customers
    assert not gateway.sessions


def test_a_package_without_a_price_is_a_case_for_support(function: Deployed) -> None:
    answer = function.post({"package": "pro"}, headers=ADA)

    assert answer.json is not None
    assert answer.json["error"]["message"] == "Package not available - contact support"


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (b"{", "application/json", (400, "invalid_json")),
        (b"", "application/json", (400, "invalid_json")),
        (b"[]", "application/json", (400, "invalid_json")),
        (b"\xff", "application/json", (400, "invalid_json")),
        (b"[" * 10_000, "application/json", (400, "invalid_json")),
        (b"package=popular", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        (b'{"package":"popular"}', "text/plain", (415, "unsupported_media_type")),
        (b'{"package":"' + b"x" * 16_384 + b'"}', "application/json", (413, "too_large")),
    ],
    ids=["cut off", "empty", "a list", "no UTF-8", "too deep", "a form", "text", "too large"],
)
def test_only_a_small_json_object_is_read(
    function: Deployed, data: bytes, content_type: str, expected: tuple[int, str]
) -> None:
    assert refused(function.post(data=data, content_type=content_type, headers=ADA)) == expected


def test_a_charset_may_be_named(function: Deployed) -> None:
    answer = function.post(data=b'{"package":"popular"}', content_type="application/json; charset=utf-8", headers=ADA)

    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_only_post_is_allowed(function: Deployed, method: str) -> None:
    answer = function.request(method, headers=ADA)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(("paid_s_ago", "entered_s_ago"), [(60, 7200), (7200, 60)], ids=["by payment", "by entry"])
def test_a_buyer_at_the_limit_is_refused_before_paying(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, paid_s_ago: int, entered_s_ago: int
) -> None:
    now = int(time.time())
    ledger = ledger_of(firestore.as_client(), clock=lambda: datetime.fromtimestamp(now - entered_s_ago, UTC))
    for _ in range(5):
        ledger.credit(purchase(paid_at=now - paid_s_ago), NO_LIMITS)

    answer = function.post(POPULAR, headers=ADA)

    assert refused(answer) == (429, "purchase_limit")
    assert HOUR_S - 70 < int(answer.headers["Retry-After"]) <= HOUR_S - 60
    assert gateway.sessions == []


def test_a_buyer_who_keeps_trying_at_the_limit_raises_one_alert_per_day(
    function: Deployed, firestore: FakeFirestore, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = ledger_of(firestore.as_client())
    for _ in range(5):
        ledger.credit(purchase(paid_at=int(time.time())), NO_LIMITS)

    for _ in range(3):
        function.post(POPULAR, headers=ADA)

    alert_id = f"checkout_limit:ada:{datetime.now(UTC):%Y-%m-%d}"
    assert firestore.paths("security_alerts") == [f"security_alerts/{alert_id}"]
    limited = ("WARNING", "checkout.limited", "Rate limit exceeded for user ada")
    raised = ("WARNING", "alert.raised", f"Security alert {alert_id}: checkout_limit, low")
    assert sentences(capsys) == [limited, raised, limited, limited]


def bearer(uid: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {uid}"}


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_delayed_payments_count_before_they_are_paid(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, state: Literal["waiting", "failed"]
) -> None:
    ledger = ledger_of(firestore.as_client())
    for number in range(5):
        ledger.set_open_purchase("ada", f"cs_{number}", state)

    answer = function.post(POPULAR, headers=ADA)

    assert refused(answer) == (429, "purchase_limit")
    assert gateway.sessions == []


def test_a_user_who_starts_payments_without_end_is_braked_before_stripe_is_asked(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(30):
        assert function.post(POPULAR, headers=ADA).status_code == 200
    reads = firestore.reads

    answer = function.post(POPULAR, headers=ADA)

    assert refused(answer) == (429, "too_many_checkouts")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert len(gateway.sessions) == 30
    assert firestore.reads == reads
    assert sentences(capsys)[-1] == ("WARNING", "checkout.throttled", "Too many checkouts: refused user ada")
    assert function.post(POPULAR, headers=bearer("bob")).status_code == 200


def test_many_users_are_braked_together(firestore: FakeFirestore, gateway: FakeGateway) -> None:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway)
    with deployed("create_checkout", {**ENVIRON, "MAX_CHECKOUTS_PER_INSTANCE": "3"}, parts=parts) as function:
        answers = [function.post(POPULAR, headers=bearer(f"user-{number}")).status_code for number in range(5)]

    assert answers == [200, 200, 200, 429, 429]
    assert len(gateway.sessions) == 3


def test_a_request_that_names_no_package_is_not_counted(firestore: FakeFirestore, gateway: FakeGateway) -> None:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway)
    with deployed("create_checkout", {**ENVIRON, "MAX_CHECKOUTS_PER_MINUTE": "1"}, parts=parts) as function:
        assert function.post({}, headers=ADA).status_code == 400
        assert function.post(POPULAR, headers=ADA).status_code == 200


@pytest.mark.parametrize(
    ("error", "expected"),
    [(StripeRefused(), (502, "stripe_refused")), (Unavailable("stripe_unavailable"), (503, "stripe_unavailable"))],
    ids=["refused", "unreachable"],
)
def test_stripe_failing_at_the_customer_leaves_nothing_half_done(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, error: Exception, expected: tuple[int, str]
) -> None:
    gateway.customer_error = error

    assert refused(function.post(POPULAR, headers=ADA)) == expected
    assert firestore.paths("users") == []
    assert gateway.sessions == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [(StripeRefused(), (502, "stripe_refused")), (Unavailable("stripe_unavailable"), (503, "stripe_unavailable"))],
    ids=["refused", "unreachable"],
)
def test_stripe_failing_at_the_session_can_be_tried_again(
    function: Deployed, gateway: FakeGateway, error: Exception, expected: tuple[int, str]
) -> None:
    gateway.session_error = error
    assert refused(function.post(POPULAR, headers=ADA)) == expected

    gateway.session_error = None
    assert function.post(POPULAR, headers=ADA).status_code == 200
    assert len(gateway.customers) == 1


def test_firestore_away_is_503_before_stripe_is_asked(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway
) -> None:
    firestore.away = True

    answer = function.post(POPULAR, headers=ADA)

    assert refused(answer) == (503, "ledger_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert gateway.customers == []


def test_an_unexpected_fault_is_logged_and_not_shown(
    function: Deployed, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.session_error = RuntimeError("sk_test_1 leaked")

    answer = function.post(POPULAR, headers=ADA)

    assert refused(answer) == (500, "internal")
    assert b"sk_test_1" not in answer.data
    [record] = records(capsys)
    assert (record["severity"], record["event"]) == ("ERROR", "request.crashed")
    assert "RuntimeError" in record["stack_trace"]


def test_the_web_apps_origin_may_call_it(function: Deployed) -> None:
    preflight = function.request("OPTIONS", headers={"Origin": "https://app.example"})

    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    answer = function.post(POPULAR, headers={**ADA, "Origin": "https://app.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_another_origin_is_not_allowed(function: Deployed) -> None:
    answer = function.request("OPTIONS", headers={"Origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"
