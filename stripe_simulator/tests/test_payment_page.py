"""The hosted payment page, used as a browser without JavaScript uses it."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from stripe_simulator.server import serving
from stripe_simulator.settings import Settings

KEY = "sk_test_page"
SUCCESS = "http://shop.test/ok?session_id={CHECKOUT_SESSION_ID}"
CANCEL = "http://shop.test/cancel"
CARD = {"card-number": "4242 4242 4242 4242", "card-expiry": "12 / 34", "card-cvc": "123"}


@dataclass(frozen=True)
class Page:
    """A simulator whose payment page is used over HTTP."""

    http: httpx.Client

    def open(self, **form: str) -> dict[str, Any]:
        params = {
            "mode": "payment",
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": "999",
            "line_items[0][price_data][product_data][name]": "Popular <Pack>",
            "line_items[0][quantity]": "1",
            "success_url": SUCCESS,
            "cancel_url": CANCEL,
            **form,
        }
        answer = self.http.post("/v1/checkout/sessions", data=params, auth=(KEY, ""))
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def send(self, session: dict[str, Any], **form: str) -> httpx.Response:
        return self.http.post(
            session["url"], data={"action": "pay", "email": "ada@example.com", "method": "card"} | form
        )

    def status(self, session: dict[str, Any]) -> tuple[str, str]:
        now = self.http.get(f"/v1/checkout/sessions/{session['id']}", auth=(KEY, "")).json()
        return now["status"], now["payment_status"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with serving(Settings(port=0, secret_key=KEY)) as url, httpx.Client(base_url=url, verify=False) as http:
        yield Page(http)


def success_of(session: dict[str, Any]) -> str:
    return SUCCESS.replace("{CHECKOUT_SESSION_ID}", session["id"])


def error_on(answer: httpx.Response) -> str:
    found = re.search(r'id="error-message"[^>]*>([^<]*)<', answer.text)
    assert found, answer.text
    return found[1].replace("&#39;", "'")


def test_the_page_shows_what_is_sold_and_every_field_has_a_label(page: Page) -> None:
    session = page.open(allow_promotion_codes="true")
    html = page.http.get(session["url"]).text
    assert "Popular &lt;Pack&gt;" in html
    assert "$9.99" in html
    labelled = set(re.findall(r'<label for="([^"]+)"', html))
    assert labelled >= {"email", "promotion-code", "card-number", "card-expiry", "card-cvc"}
    for name in (*labelled, "method-card", "method-delayed", "pay-button", "cancel-button"):
        assert f'id="{name}"' in html
        assert f'data-testid="{name}"' in html
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="http', html)


def test_a_card_pays_and_the_buyer_returns_to_the_shop(page: Page) -> None:
    session = page.open()
    answer = page.send(session, **CARD)
    assert (answer.status_code, answer.headers["Location"]) == (303, success_of(session))
    assert page.status(session) == ("complete", "paid")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({**CARD, "card-number": "4000000000000002"}, "Your card was declined."),
        ({**CARD, "card-number": "4000000000009995"}, "Your card has insufficient funds."),
        ({**CARD, "card-number": "4242"}, "Your card number is invalid."),
        ({**CARD, "card-number": ""}, "Your card number is invalid."),
        ({**CARD, "card-expiry": "01 / 20"}, "Your card's expiration year is in the past."),
        ({**CARD, "card-expiry": "soon"}, "Your card's expiration date is incomplete."),
        ({**CARD, "card-cvc": "1"}, "Your card's security code is incomplete."),
    ],
)
def test_a_refusal_is_shown_and_the_session_stays_open(page: Page, card: dict[str, str], words: str) -> None:
    session = page.open()
    answer = page.send(session, **card)
    assert answer.status_code == 402
    assert error_on(answer) == words
    assert 'value="ada@example.com"' in answer.text
    assert page.status(session) == ("open", "unpaid")
    assert page.send(session, **CARD).headers["Location"] == success_of(session)


def test_3d_secure_asks_and_can_be_completed(page: Page) -> None:
    session = page.open()
    asked = page.send(session, **{**CARD, "card-number": "4000002500003155"})
    assert asked.status_code == 303
    step = page.http.get(asked.headers["Location"]).text
    assert 'id="3ds-complete"' in step
    assert 'id="3ds-fail"' in step
    done = page.send(session, action="3ds-complete")
    assert done.headers["Location"] == success_of(session)
    assert page.status(session) == ("complete", "paid")


def test_3d_secure_that_fails_leads_back_to_the_form(page: Page) -> None:
    session = page.open()
    page.send(session, **{**CARD, "card-number": "4000002500003155"})
    failed = page.send(session, action="3ds-fail")
    assert error_on(failed).startswith("We are unable to authenticate your payment method.")
    assert 'id="card-number"' in failed.text
    assert 'id="card-number"' in page.http.get(session["url"]).text
    assert page.send(session, **CARD).headers["Location"] == success_of(session)


def test_a_bank_debit_completes_unpaid(page: Page) -> None:
    session = page.open()
    assert page.send(session, method="delayed").headers["Location"] == success_of(session)
    assert page.status(session) == ("complete", "unpaid")


def test_the_page_says_how_a_bank_debit_is_settled(page: Page) -> None:
    session = page.open()
    html = unescape(page.http.get(session["url"]).text)
    command = f'curl {page.http.base_url}/_sim/sessions/{session["id"]}/settle --json \'{{"outcome": "succeeded"}}\''
    assert command in html
    page.send(session, method="delayed")
    address, body = command.removeprefix("curl ").split(" --json ")
    assert page.http.post(address, content=body.strip("'")).json()["payment_status"] == "paid"


def test_cancel_leads_to_the_shop_and_changes_nothing(page: Page) -> None:
    session = page.open()
    assert page.send(session, action="cancel").headers["Location"] == CANCEL
    assert page.status(session) == ("open", "unpaid")


def test_a_promotion_code_is_applied_and_shown(page: Page) -> None:
    auth = (KEY, "")
    coupon = page.http.post("/v1/coupons", data={"percent_off": "50"}, auth=auth).json()["id"]
    form = {"promotion[type]": "coupon", "promotion[coupon]": coupon, "code": "HALF"}
    page.http.post("/v1/promotion_codes", data=form, auth=auth)
    session = page.open(allow_promotion_codes="true")
    wrong = page.send(session, action="apply", **{"promotion-code": "DOUBLE"})
    assert error_on(wrong) == "This code is invalid."
    applied = page.send(session, action="apply", **{"promotion-code": "half"})
    assert applied.status_code == 303
    html = page.http.get(applied.headers["Location"]).text
    assert "HALF" in html
    assert "Pay $4.99" in html
    assert page.send(session, **CARD).headers["Location"] == success_of(session)


def test_a_card_only_session_shows_no_bank_debit(page: Page) -> None:
    session = page.open(**{"payment_method_types[]": "card"})
    assert 'id="method-delayed"' not in page.http.get(session["url"]).text


def test_a_finished_session_says_so(page: Page) -> None:
    paid, expired = page.open(), page.open()
    page.send(paid, **CARD)
    page.http.post(f"/v1/checkout/sessions/{expired['id']}/expire", auth=(KEY, ""))
    assert "has already been paid" in page.http.get(paid["url"]).text
    assert "has already been paid" in page.send(paid, **CARD).text
    assert "has expired" in page.http.get(expired["url"]).text
    assert page.http.get("/pay/cs_test_missing").status_code == 404


def test_paying_twice_at_once_pays_once(page: Page) -> None:
    session = page.open()
    with ThreadPoolExecutor(max_workers=6) as buyers:
        answers = list(buyers.map(lambda _number: page.send(session, **CARD), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [303]
    intents = page.http.get("/v1/checkout/sessions", params={"limit": "1"}, auth=(KEY, "")).json()["data"]
    charges = page.http.get("/v1/charges", params={"payment_intent": intents[0]["payment_intent"]}, auth=(KEY, ""))
    assert len(charges.json()["data"]) == 1


def test_a_receipt_can_be_read(page: Page) -> None:
    session = page.open()
    page.send(session, **CARD)
    charge = page.http.get("/v1/charges", auth=(KEY, "")).json()["data"][0]
    assert "$9.99 paid." in page.http.get(charge["receipt_url"]).text
    assert page.http.get("/receipts/ch_missing").status_code == 404


class Holding(ThreadingHTTPServer):
    """A webhook endpoint that answers checkout.session.completed only when it is let go."""

    def __init__(self) -> None:
        self.reached, self.let_go = threading.Event(), threading.Event()
        holding = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if b'"checkout.session.completed"' in body:
                    holding.reached.set()
                    holding.let_go.wait(timeout=10)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Stay quiet."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def endpoint() -> Iterator[Holding]:
    server = Holding()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


def paying_with(endpoint: Holding, wait_s: float) -> Settings:
    webhook = f"http://127.0.0.1:{endpoint.server_port}/"
    return Settings(port=0, secret_key=KEY, webhook_urls=(webhook,), redirect_wait_s=wait_s)


def test_the_redirect_waits_for_the_webhooks_answer(endpoint: Holding) -> None:
    with serving(paying_with(endpoint, 10)) as url, httpx.Client(base_url=url, verify=False) as http:
        page = Page(http)
        session = page.open()
        with ThreadPoolExecutor(max_workers=1) as buyer:
            answer = buyer.submit(page.send, session, **CARD)
            assert endpoint.reached.wait(timeout=10)
            assert not answer.done()
            endpoint.let_go.set()
            assert answer.result(timeout=10).status_code == 303


def test_the_redirect_does_not_wait_forever(endpoint: Holding) -> None:
    with serving(paying_with(endpoint, 0.1)) as url, httpx.Client(base_url=url, verify=False) as http:
        page = Page(http)
        assert page.send(page.open(), **CARD).status_code == 303
        assert not endpoint.let_go.is_set()
        endpoint.let_go.set()
