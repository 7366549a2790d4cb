"""The HTTP contract through the web origin: what is answered to whom, and how bad input is refused."""

import httpx
import pytest

from local.stack import Stack
from tests.e2e.buyer import Buyer

PACKAGES = "/api/tokens/packages"
CHECKOUT = "/api/tokens/create-checkout-session"
BALANCE = "/api/tokens/balance"
TRANSACTIONS = "/api/tokens/transactions"
RECEIPT = "/api/tokens/receipt?session_id=cs_test_1"


def assert_error(answer: httpx.Response, status: int, code: str | None = None) -> None:
    body = answer.json()
    assert answer.status_code == status, body
    assert body["success"] is False
    assert body["error"]["message"]
    if code:
        assert body["error"]["code"] == code


def test_anyone_sees_the_packages(web: httpx.Client) -> None:
    answer = web.get(PACKAGES)

    packages = {package["id"]: package for package in answer.json()["packages"]}
    assert list(packages) == ["starter", "popular", "pro", "creator"]
    popular = packages["popular"]
    assert (popular["tokens"], popular["bonus"], popular["price"], popular["available"]) == (110, 10, 9.99, True)
    assert (popular["name"], popular["badge"]) == ("Popular Pack", "MOST POPULAR")
    assert "badge" not in packages["starter"]
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_checkout_leads_to_stripes_page(buyer: Buyer, stack: Stack) -> None:
    answer = buyer.order("starter").json()

    assert answer["success"] is True
    assert answer["session_id"].startswith("cs_")
    assert answer["url"].startswith(stack.endpoints.stripe)
    assert httpx.get(answer["url"]).is_success


@pytest.mark.parametrize(
    ("method", "path"), [("GET", BALANCE), ("GET", TRANSACTIONS), ("GET", RECEIPT), ("POST", CHECKOUT)]
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer no.real.token"}], ids=["no_token", "bad_token"])
def test_signed_out_is_401(web: httpx.Client, method: str, path: str, headers: dict[str, str]) -> None:
    body = {"package": "popular"} if method == "POST" else None

    assert_error(web.request(method, path, headers=headers, json=body), httpx.codes.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("body", "code"),
    [({"package": "golden"}, "unknown_package"), ({}, "missing_package"), ([], None), ("popular", None)],
)
def test_a_wrong_order_is_400(web: httpx.Client, buyer: Buyer, body: object, code: str | None) -> None:
    answer = web.post(CHECKOUT, json=body, headers=buyer.authorization)

    assert_error(answer, httpx.codes.BAD_REQUEST, code)


def test_a_body_that_is_not_json_is_400(web: httpx.Client, buyer: Buyer) -> None:
    headers = {**buyer.authorization, "Content-Type": "application/json"}

    assert_error(web.post(CHECKOUT, content=b"{package", headers=headers), httpx.codes.BAD_REQUEST)


def test_another_content_type_is_415(web: httpx.Client, buyer: Buyer) -> None:
    answer = web.post(CHECKOUT, data={"package": "popular"}, headers=buyer.authorization)

    assert_error(answer, httpx.codes.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"offset": "-1"}, {"cursor": "not-ours"}]
)
def test_a_page_out_of_range_is_400(web: httpx.Client, buyer: Buyer, query: dict[str, str]) -> None:
    assert_error(web.get(TRANSACTIONS, params=query, headers=buyer.authorization), httpx.codes.BAD_REQUEST)


@pytest.mark.parametrize(("path", "method"), [(PACKAGES, "POST"), (CHECKOUT, "GET"), ("/api/stripe/webhook", "GET")])
def test_a_wrong_method_is_405_and_names_the_right_ones(web: httpx.Client, path: str, method: str) -> None:
    answer = web.request(method, path)

    assert_error(answer, httpx.codes.METHOD_NOT_ALLOWED)
    assert answer.headers["Allow"]


def test_an_unknown_api_path_is_404(web: httpx.Client) -> None:
    assert_error(web.get("/api/tokens/none"), httpx.codes.NOT_FOUND, "not_found")


def test_pages_of_the_app_may_call_and_others_may_not(web: httpx.Client, stack: Stack) -> None:
    def preflight(origin: str) -> httpx.Response:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return web.options(CHECKOUT, headers=asked)

    allowed = preflight(stack.endpoints.web)
    assert allowed.headers["Access-Control-Allow-Origin"] == stack.endpoints.web
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Allow-Origin" not in preflight("https://elsewhere.example").headers


def test_a_function_that_is_away_is_503(web: httpx.Client, buyer: Buyer, stack: Stack) -> None:
    stack.stop("get_balance")
    try:
        answer = web.get(BALANCE, headers=buyer.authorization)
    finally:
        stack.start("get_balance")

    assert_error(answer, httpx.codes.SERVICE_UNAVAILABLE, "unavailable")


def test_the_page_is_served_and_told_where_the_emulators_are(web: httpx.Client, stack: Stack) -> None:
    init = web.get("/__/firebase/init.json").json()

    for path in ("/", "/token-purchase-success?session_id=cs_1", "/token-purchase-cancel"):
        assert "text/html" in web.get(path).raise_for_status().headers["Content-Type"]
    assert init["projectId"] == stack.endpoints.project
    assert init["emulators"] == {"auth": f"http://{stack.endpoints.auth}", "firestore": stack.endpoints.firestore}
