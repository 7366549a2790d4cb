"""The unkind moments: errors that are remembered, and answers that are late, lost or broken."""

import time

import httpx
import pytest
import stripe

from stripe_simulator.tests.shop import KEY, Shop, library_client


def create(shop: Shop, key: str, email: str = "ada@example.com") -> httpx.Response:
    return shop.http.post("/v1/customers", data={"email": email}, headers={"Idempotency-Key": key})


def customers(shop: Shop, email: str) -> int:
    return len(shop.get("customers", email=email)["data"])


def test_an_idempotency_key_replays_the_first_answer(shop: Shop) -> None:
    first, second, other = create(shop, "replayed"), create(shop, "replayed"), create(shop, "replayed", "b@example.com")
    assert second.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"] != second.headers["Request-Id"]
    assert other.status_code == 400
    assert other.json()["error"]["type"] == "idempotency_error"


@pytest.mark.parametrize("status", [500, 503, 402])
def test_an_error_after_execution_began_is_replayed_for_a_day(shop: Shop, status: int) -> None:
    key, email = f"stored-{status}", f"stored-{status}@example.com"
    shop.simulate("faults", path_prefix="/v1/customers", status=status, stored=True)
    first = create(shop, key, email)
    assert [first.status_code, create(shop, key, email).status_code] == [status, status]
    assert create(shop, key, email).content == first.content
    assert customers(shop, email) == 0
    shop.simulate("clock", offset_s=24 * 3600 - 60)
    assert create(shop, key, email).status_code == status
    shop.simulate("clock", offset_s=24 * 3600 + 60)
    assert create(shop, key, email).status_code == 200


def test_the_worst_error_hides_work_that_was_done(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", status=500, stored=True, when="after")
    answers = [create(shop, "worst", "worst@example.com") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500] * 3
    assert customers(shop, "worst@example.com") == 1
    assert create(shop, "worst-2", "worst@example.com").status_code == 200
    assert customers(shop, "worst@example.com") == 2


def test_an_error_before_execution_began_leaves_the_key_free(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", status=500)
    assert [create(shop, "free", "free@example.com").status_code for _ in range(2)] == [500, 200]


def test_a_lost_answer_is_replayed(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", status=500, when="after")
    assert [create(shop, "lost", "lost@example.com").status_code for _ in range(3)] == [500, 200, 200]
    assert customers(shop, "lost@example.com") == 1


def test_a_refusal_is_replayed_even_when_its_cause_is_gone(shop: Shop) -> None:
    charge = shop.paid_charge()
    dispute = shop.simulate("disputes", charge=charge.id)

    def refund(key: str) -> httpx.Response:
        return shop.http.post("/v1/refunds", data={"charge": charge.id}, headers={"Idempotency-Key": key})

    assert refund("refused").json()["error"]["code"] == "charge_disputed"
    shop.simulate(f"disputes/{dispute['id']}/close", status="won")
    assert refund("refused").json()["error"]["code"] == "charge_disputed"
    assert refund("another").status_code == 200


def test_a_request_that_failed_validation_leaves_its_key_free(shop: Shop) -> None:
    key = {"Idempotency-Key": "corrected"}
    assert shop.http.post("/v1/customers", data={"emial": "a@example.com"}, headers=key).status_code == 400
    assert shop.http.post("/v1/customers", data={"email": "a@example.com"}, headers=key).status_code == 200


def test_the_library_does_not_retry_what_would_only_be_replayed(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", status=500, stored=True)
    shop.simulate("faults", path_prefix="/v1/customers", status=503)
    with library_client(shop.url, retries=2) as retrying, pytest.raises(stripe.APIError) as refused:
        retrying.v1.customers.create({"email": "once@example.com"})
    assert refused.value.http_status == 500
    assert [fault["status"] for fault in shop.http.get("/_sim/faults").json()["faults"]] == [503]


def test_an_answer_says_whether_a_retry_makes_sense(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", status=500, stored=True)
    shop.simulate("faults", path_prefix="/v1/customers", status=500)
    answers = [create(shop, key) for key in ("final", "passing", "final")]
    assert [answer.headers.get("Stripe-Should-Retry") for answer in answers] == ["false", None, "false"]


def test_the_library_retries_what_never_began_and_what_got_lost(shop: Shop) -> None:
    for when in ("before", "after"):
        shop.simulate("faults", path_prefix="/v1/customers", method="post", status=500, when=when)
        with library_client(shop.url, retries=2) as retrying:
            retrying.v1.customers.create({"email": f"{when}@example.com"})
        assert customers(shop, f"{when}@example.com") == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(402, stripe.CardError), (403, stripe.PermissionError), (429, stripe.RateLimitError), (500, stripe.APIError)],
)
def test_a_fault_refuses_once_and_does_nothing(shop: Shop, status: int, error: type[stripe.StripeError]) -> None:
    shop.simulate("faults", path_prefix="/v1/products", status=status)
    with pytest.raises(error) as met:
        shop.client.v1.products.create({"name": f"Fault {status}"})
    assert met.value.http_status == status
    assert shop.client.v1.products.create({"name": f"Fault {status}"}).name == f"Fault {status}"


@pytest.mark.parametrize("form", ["reset", "half"])
@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after", 1)])
def test_a_broken_connection_says_nothing_about_the_work(shop: Shop, form: str, when: str, created: int) -> None:
    email = f"{form}-{when}@example.com"
    shop.simulate("faults", path_prefix="/v1/customers", form=form, when=when)
    with pytest.raises(httpx.TransportError) as broken:
        create(shop, f"{form}-{when}", email)
    assert isinstance(broken.value, httpx.RemoteProtocolError if form == "half" else httpx.ReadError)
    assert customers(shop, email) == created
    assert create(shop, f"{form}-{when}", email).status_code == 200
    assert customers(shop, email) == 1


def test_the_library_retries_a_reset_connection_and_not_half_an_answer(shop: Shop) -> None:
    with library_client(shop.url, retries=2) as retrying:
        shop.simulate("faults", path_prefix="/v1/customers", form="reset", when="after")
        retrying.v1.customers.create({"email": "reset@example.com"})
        shop.simulate("faults", path_prefix="/v1/customers", form="half", when="after")
        with pytest.raises(stripe.APIConnectionError):
            retrying.v1.customers.create({"email": "half@example.com"})
    assert customers(shop, "reset@example.com") == customers(shop, "half@example.com") == 1


@pytest.mark.parametrize(("given", "status"), [({}, 200), ({"status": 502}, 502)])
def test_a_page_instead_of_json_is_an_error_to_the_library(shop: Shop, given: dict[str, int], status: int) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", form="html", when="after", **given)
    answer = shop.http.get("/v1/customers")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    shop.simulate("faults", path_prefix="/v1/customers", form="html", when="after", **given)
    with pytest.raises(stripe.APIError):
        shop.client.v1.customers.list()


def test_a_slow_answer_makes_the_client_give_up(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", timeout_ms=400, when="after")
    before = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        shop.http.post("/v1/customers", data={"email": "slow@example.com"}, timeout=0.1)
    assert time.monotonic() - before < 0.4
    assert customers(shop, "slow@example.com") == 1


def test_a_fault_meets_only_its_method_and_path(shop: Shop) -> None:
    shop.simulate("faults", path_prefix="/v1/customers", method="DELETE", status=500, times=2)
    assert shop.http.get("/v1/customers").status_code == 200
    assert shop.http.get("/v1/products").status_code == 200
    assert shop.http.get("/_sim/faults").json()["faults"][0]["times"] == 2


def test_faults_can_be_canceled_and_must_make_sense(shop: Shop) -> None:
    shop.simulate("faults", status=500, times=3)
    assert shop.http.delete("/_sim/faults").json() == {"faults": []}
    assert shop.http.get("/v1/customers").status_code == 200
    for wrong in ({"stauts": 500}, {"stored": True}, {"when": "during"}, {"form": "soup"}, {"status": "500"}):
        assert shop.sim("faults", **wrong).status_code == 400
    assert shop.http.get("/v1/customers", auth=(KEY, "")).status_code == 200
