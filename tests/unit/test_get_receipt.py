"""functions/get_receipt: whose receipt is shown to whom, and what is said when there is none."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.domain.entry import NewEntry
from shared.domain.errors import StripeRefused, Unavailable
from shared.domain.rate import Rate
from shared.domain.session_fields import is_session_id, receipt_url_of
from shared.runtime.throttle import Throttle
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.fakes.identity import ADA, FakeIdentity
from tests.ledgers import ledger_of
from tests.purchases import NO_LIMITS, purchase
from tests.records import records, sentences
from topology.functions import load_functions

ENVIRON = {"GOOGLE_CLOUD_PROJECT": "demo", "STRIPE_SECRET_KEY": "sk_test_1", "ALLOWED_ORIGINS": "https://app.example"}
SESSION = "cs_test_a1"
URL = "https://pay.stripe.com/receipts/payment/1"
QUERY = f"?session_id={SESSION}"


class FakeGateway:
    """Stripe, which has one receipt, or none, or fails; `asked` are the sessions that it was asked about."""

    def __init__(self) -> None:
        self.url: str | None = URL
        self.error: Exception | None = None
        self.asked: list[str] = []

    def receipt_url(self, session_id: str) -> str | None:
        self.asked.append(session_id)
        if self.error:
            raise self.error
        return self.url


@pytest.fixture
def firestore() -> FakeFirestore:
    """Firestore, in which ada has one purchase and bob another."""
    firestore = FakeFirestore()
    ledger = ledger_of(firestore.as_client())
    ledger.credit(purchase(SESSION), NO_LIMITS)
    ledger.credit(purchase("cs_test_bobs", uid="bob"), NO_LIMITS)
    ledger.post("ada", NewEntry("spend:ada:cs_test_spent", "spend", -1, {"reason": "test"}))
    firestore.forget()
    return firestore


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def function(firestore: FakeFirestore, gateway: FakeGateway) -> Iterator[Deployed]:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway)
    with deployed("get_receipt", ENVIRON, parts=parts) as function:
        yield function


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


def test_a_buyer_gets_the_address_of_stripes_receipt(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway
) -> None:
    answer = function.get(QUERY, headers=ADA)

    assert (answer.status_code, answer.json) == (200, {"success": True, "url": URL})
    assert answer.headers["Cache-Control"] == "no-store", "the address expires, and whoever has it sees the receipt"
    assert gateway.asked == [SESSION]
    assert (firestore.reads, firestore.writes) == (1, 0)


def test_a_strangers_purchase_is_answered_as_one_that_never_was(function: Deployed, gateway: FakeGateway) -> None:
    strangers = function.get("?session_id=cs_test_bobs", headers=ADA)
    nobodys = function.get("?session_id=cs_test_nobodys", headers=ADA)

    assert refused(strangers) == refused(nobodys) == (404, "unknown_purchase")
    assert strangers.data == nobodys.data
    assert dict(strangers.headers) == dict(nobodys.headers)
    assert gateway.asked == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?session_id=",
        "?session_id=cs_",
        "?session_id=pi_test_1",
        "?session_id=cs_test_1/../../transactions",
        "?session_id=cs_test_1%2F..%2Fx",
        "?session_id=cs_test_1%0A",
        "?session_id=%20cs_test_1",
        "?session_id=cs_t%C3%A9st",
        "?session_id=cs_%FF",
        "?session_id=cs_test_1%00",
        f"?session_id=cs_{'x' * 253}",
        f"?session_id=cs_{'x' * 7_000}",
        "?session_id[]=cs_test_a1",
        "?Session_Id=cs_test_a1",
    ],
)
def test_what_is_no_sessions_id_is_refused_before_anybody_is_asked(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, query: str
) -> None:
    assert refused(function.get(query, headers=ADA)) == (400, "invalid_session_id")
    assert (firestore.reads, gateway.asked) == (0, [])


def test_the_longest_id_that_stripe_may_make_is_taken() -> None:
    assert is_session_id("cs_" + "x" * 252)
    assert not is_session_id("cs_" + "x" * 253)
    assert not is_session_id(None)


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Basic ada"}])
def test_without_a_token_nobody_gets_a_receipt(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, headers: dict[str, str]
) -> None:
    for query in (QUERY, "?session_id=nonsense"):
        assert refused(function.get(query, headers=headers)) == (401, "not_signed_in")
    assert (firestore.reads, gateway.asked) == (0, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_get_is_allowed(function: Deployed, gateway: FakeGateway, method: str) -> None:
    answer = function.request(method, headers=ADA, query_string={"session_id": SESSION})

    assert refused(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert gateway.asked == []


def test_a_purchase_without_a_receipt_is_said_to_have_none(
    function: Deployed, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.url = None

    assert refused(function.get(QUERY, headers=ADA)) == (404, "no_receipt")
    assert records(capsys) == [
        {
            "severity": "INFO",
            "event": "receipt.missing",
            "message": f"Stripe has no receipt of {SESSION}",
            "session_id": SESSION,
            "user_id": "ada",
        }
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(StripeRefused(), (502, "stripe_refused")), (Unavailable("stripe_unavailable"), (503, "stripe_unavailable"))],
    ids=["refused", "unreachable"],
)
def test_stripe_failing_is_not_a_missing_receipt(
    function: Deployed, gateway: FakeGateway, error: Exception, expected: tuple[int, str]
) -> None:
    gateway.error = error
    assert refused(function.get(QUERY, headers=ADA)) == expected

    gateway.error = None
    assert function.get(QUERY, headers=ADA).status_code == 200


def test_firestore_away_is_503_and_stripe_is_not_asked(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway
) -> None:
    firestore.away = True

    assert refused(function.get(QUERY, headers=ADA)) == (503, "ledger_unavailable")
    assert gateway.asked == []


def test_an_unexpected_fault_shows_no_secret(function: Deployed, gateway: FakeGateway) -> None:
    gateway.error = RuntimeError("sk_test_1 leaked")

    answer = function.get(QUERY, headers=ADA)

    assert refused(answer) == (500, "internal")
    assert b"sk_test_1" not in answer.data


def test_a_user_who_asks_without_end_is_braked_before_stripe_is_asked(
    function: Deployed, firestore: FakeFirestore, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(30):
        assert function.get(QUERY, headers=ADA).status_code == 200

    answer = function.get(QUERY, headers=ADA)

    assert refused(answer) == (429, "too_many_receipts")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert (len(gateway.asked), firestore.reads) == (30, 30)
    assert sentences(capsys) == [("WARNING", "receipt.throttled", "Too many receipts: refused user ada")]
    bobs = function.get("?session_id=cs_test_bobs", headers={"Authorization": "Bearer bob"})
    assert bobs.status_code == 200


def test_many_users_are_braked_together(firestore: FakeFirestore, gateway: FakeGateway) -> None:
    parts = (FakeIdentity(), ledger_of(firestore.as_client()), gateway, Throttle(Rate(100), Rate(2)))
    with deployed("get_receipt", ENVIRON, parts=parts) as function:
        answers = [function.get(QUERY, headers={"Authorization": f"Bearer {uid}"}) for uid in ("ada", "cleo", "dora")]

    assert [answer.status_code for answer in answers] == [200, 404, 429]


def test_all_instances_together_leave_most_of_stripes_rate_limit_to_checkouts(function: Deployed) -> None:
    """Stripe allows 25 requests per second for one endpoint: https://docs.stripe.com/rate-limits."""
    [instances] = [row.max_instances for row in load_functions() if row.name == "get_receipt"]
    rate = function.main.PER_INSTANCE

    assert instances * rate.most / rate.window_s < 25 / 2


# --- which address


def expanded(**fields: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    return {"object": "checkout.session", "invoice": None, "payment_intent": None, **fields}


PAID = {"object": "payment_intent", "latest_charge": {"object": "charge", "receipt_url": URL}}
INVOICE = {"object": "invoice", "hosted_invoice_url": "https://invoice.stripe.com/i/1"}


def test_an_invoice_goes_before_the_receipt() -> None:
    assert receipt_url_of(expanded(payment_intent=PAID)) == URL
    assert receipt_url_of(expanded(payment_intent=PAID, invoice=INVOICE)) == INVOICE["hosted_invoice_url"]
    assert receipt_url_of(expanded(invoice=INVOICE)) == INVOICE["hosted_invoice_url"], "a purchase that cost nothing"
    assert receipt_url_of(expanded(payment_intent=PAID, invoice={**INVOICE, "hosted_invoice_url": None})) == URL


@pytest.mark.parametrize(
    "session",
    [
        {},
        expanded(),
        expanded(invoice="in_1", payment_intent="pi_1"),
        expanded(payment_intent={"latest_charge": None}),
        expanded(payment_intent={"latest_charge": "ch_1"}),
        expanded(payment_intent={"latest_charge": {"receipt_url": None}}),
        expanded(payment_intent={"latest_charge": {"receipt_url": ""}}),
        expanded(payment_intent={"latest_charge": {"receipt_url": ["https://pay.stripe.com"]}}),
        expanded(payment_intent={"latest_charge": {"id": "ch_1", "deleted": True}}),
    ],
    ids=str,
)
def test_without_both_there_is_none(session: Mapping[str, Any]) -> None:
    assert receipt_url_of(session) is None
