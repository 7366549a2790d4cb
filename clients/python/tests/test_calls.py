"""Every call: what it sends, what it answers, which errors it raises, and when it is tried again."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Unpack

import httpx
import pytest

import token_economy
from clients.python.tests.clients import URL, Caller, Settings, async_tokens_of, tokens_of
from clients.python.tests.fake_ledger import FakeLedger, Fault, unavailable
from token_economy import ReservationAnswer, Tokens, TransactionAnswer, errors
from token_economy.answers import retry_after_s

ENTRY = {
    "id": "spend:ada:job-1",
    "userId": "ada",
    "type": "spend",
    "amount": -30,
    "timestamp": "2026-11-21T10:30:00.000001Z",
    "balanceAfter": 970,
    "details": {"reason": "one picture"},
}
HELD = {
    "idempotency_key": "job-1",
    "amount": 500,
    "used": 0,
    "state": "open",
    "expires_at": "2026-11-21T10:35:00Z",
}
Made = tuple[str, tuple[object, ...], dict[str, Any]]
AFTER = {"success": True, "balance": 970, "available": 470}


def answering(*faults: Fault) -> FakeLedger:
    ledger = FakeLedger({"ada": 1_000})
    ledger.fail(*faults)
    return ledger


def ok(**fields: object) -> httpx.Response:
    return httpx.Response(200, json={**AFTER, **fields})


def refusing(status: int, code: str) -> httpx.Response:
    error = {"code": code, "message": "No"}
    return httpx.Response(status, json={"success": False, "error": error})


def spend(call: Caller, ledger: FakeLedger, **settings: Unpack[Settings]) -> TransactionAnswer:
    answer = call(ledger, "spend", "ada", 30, key="job-1", reason="one picture", settings=settings)
    assert isinstance(answer, TransactionAnswer)
    return answer


# --- what is sent

SENT: list[tuple[Made, str, dict[str, object]]] = [
    (
        ("spend", ("ada", 30), {"key": "job-1", "reason": "one picture"}),
        "/",
        {"user_id": "ada", "amount": 30, "reason": "one picture", "idempotency_key": "job-1"},
    ),
    (
        ("open_reservation", ("ada", 500), {"key": "job-1", "reason": "chat"}),
        "/reservations",
        {
            "user_id": "ada",
            "amount": 500,
            "reason": "chat",
            "idempotency_key": "job-1",
            "expires_in_s": 300,
            "on_expiry": "capture_used",
        },
    ),
    (
        (
            "open_reservation",
            ("ada", 500),
            {"key": "job-1", "reason": "chat", "at_least": 100, "expires_in_s": 60, "on_expiry": "release"},
        ),
        "/reservations",
        {
            "user_id": "ada",
            "amount": 500,
            "at_least": 100,
            "reason": "chat",
            "idempotency_key": "job-1",
            "expires_in_s": 60,
            "on_expiry": "release",
        },
    ),
    (
        ("renew", ("ada",), {"key": "job-1", "used": 0}),
        "/reservations/renew",
        {"user_id": "ada", "idempotency_key": "job-1", "used": 0, "expires_in_s": 300},
    ),
    (
        ("renew", ("ada",), {"key": "job-1", "expires_in_s": 60}),
        "/reservations/renew",
        {"user_id": "ada", "idempotency_key": "job-1", "expires_in_s": 60},
    ),
    (
        ("capture", ("ada", 320), {"key": "job-1"}),
        "/reservations/capture",
        {"user_id": "ada", "idempotency_key": "job-1", "amount": 320},
    ),
    (
        ("release", ("ada",), {"key": "job-1"}),
        "/reservations/release",
        {"user_id": "ada", "idempotency_key": "job-1"},
    ),
    (
        ("reverse_spend", ("ada", "job-1"), {"key": "back-1", "reason": "blurred"}),
        "/reversals",
        {"user_id": "ada", "spend_key": "job-1", "reason": "blurred", "idempotency_key": "back-1"},
    ),
    (
        ("reverse_spend", ("ada", "job-1"), {"key": "back-1", "reason": "blurred", "amount": 10}),
        "/reversals",
        {"user_id": "ada", "spend_key": "job-1", "amount": 10, "reason": "blurred", "idempotency_key": "back-1"},
    ),
]


@pytest.mark.parametrize(("made", "path", "body"), SENT, ids=[f"{made[0]}-{len(body)}" for made, _, body in SENT])
def test_a_call_sends_the_body_of_the_api(call: Caller, made: Made, path: str, body: dict[str, object]) -> None:
    method, arguments, options = made
    ledger = answering(ok(transaction=ENTRY, reservation=HELD))

    call(ledger, method, *arguments, **options)

    assert ledger.calls == [(path, body)]


def test_a_grant_goes_to_the_address_of_grants(call: Caller) -> None:
    ledger = answering(ok(transaction=ENTRY), ok(transaction=ENTRY))
    settings: Settings = {"grants_url": "http://localhost:8091/"}

    for options in ({"expires_in_days": 30, "priority": 1}, {}):
        call(ledger, "grant", "ada", 50, key="welcome", reason="Welcome", settings=settings, **options)

    body = {"user_id": "ada", "amount": 50, "reason": "Welcome", "idempotency_key": "welcome"}
    assert set(ledger.ports) == {8091}
    assert ledger.calls == [("/", {**body, "expires_in_days": 30, "priority": 1}), ("/", body)]


def test_a_grant_without_an_address_is_not_sent_to_the_spending_function(call: Caller, ledger: FakeLedger) -> None:
    with pytest.raises(ValueError, match="grants_url"):
        call(ledger, "grant", "ada", 50, key="welcome", reason="Welcome")

    assert ledger.calls == []


# --- what is answered


def test_an_entry_comes_with_the_account_after_it(call: Caller) -> None:
    answer = spend(call, answering(ok(transaction=ENTRY)))

    assert (answer.balance, answer.available) == (970, 470)
    assert answer.transaction == token_economy.Transaction(
        id="spend:ada:job-1",
        user_id="ada",
        type="spend",
        amount=-30,
        timestamp=datetime(2026, 11, 21, 10, 30, 0, 1, tzinfo=UTC),
        balance_after=970,
        details={"reason": "one picture"},
    )


def test_a_reservation_comes_with_the_account_beside_it(call: Caller) -> None:
    answer = call(answering(ok(reservation=HELD)), "release", "ada", key="job-1")

    assert isinstance(answer, ReservationAnswer)
    assert (answer.balance, answer.available) == (970, 470)
    assert answer.reservation == token_economy.Reservation(
        key="job-1", amount=500, used=0, state="open", expires_at=datetime(2026, 11, 21, 10, 35, tzinfo=UTC)
    )


# --- what is refused

REFUSALS = [
    (402, "not_enough_tokens", errors.NotEnoughTokens),
    (404, "unknown_user", errors.UnknownUser),
    (404, "unknown_reservation", errors.UnknownReservation),
    (409, "idempotency_conflict", errors.IdempotencyConflict),
    (409, "reservation_captured", errors.ReservationCaptured),
    (409, "reservation_released", errors.ReservationReleased),
    (422, "over_reservation", errors.OverReservation),
    (422, "over_reversal", errors.OverReversal),
    (404, "unknown_spend", errors.UnknownSpend),
    (429, "too_many_reservations", errors.TooManyReservations),
    (400, "invalid_amount", errors.InvalidRequest),
    (413, "too_large", errors.InvalidRequest),
    (415, "unsupported_media_type", errors.InvalidRequest),
    (409, "something_new", errors.Refused),
]


@pytest.mark.parametrize(("status", "code", "kind"), REFUSALS, ids=[code for _, code, _ in REFUSALS])
def test_a_refusal_has_a_type_of_its_own_and_is_not_tried_again(
    call: Caller, status: int, code: str, kind: type[errors.Refused]
) -> None:
    ledger = answering(refusing(status, code))

    with pytest.raises(errors.Refused) as raised:
        spend(call, ledger)

    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.message, raised.value.status) == (code, "No", status)
    assert len(ledger.calls) == 1


def test_a_refusal_says_when_to_come_back(call: Caller) -> None:
    error = {"code": "too_many_reservations", "message": "50 are open"}
    full = httpx.Response(429, json={"success": False, "error": error}, headers={"Retry-After": "40"})

    with pytest.raises(errors.TooManyReservations) as raised:
        spend(call, answering(full))

    assert raised.value.retry_after_s == 40


@pytest.mark.parametrize(("status", "kind"), [(401, errors.NotAuthorized), (403, errors.NotAuthorized)])
def test_cloud_runs_own_refusals_are_understood(call: Caller, status: int, kind: type[errors.Refused]) -> None:
    with pytest.raises(kind, match=f"http_{status}"):
        spend(call, answering(httpx.Response(status, text="<html>Forbidden</html>")))


def test_a_wrong_address_is_not_an_unknown_user(call: Caller) -> None:
    with pytest.raises(errors.Refused) as raised:
        spend(call, answering(httpx.Response(404, text="<html>Not found</html>")))

    assert not isinstance(raised.value, errors.UnknownUser)


def test_a_redirect_is_not_followed_and_not_a_yes(call: Caller) -> None:
    ledger = answering(httpx.Response(302, headers={"Location": "https://example.com/sign-in"}))

    with pytest.raises(errors.Refused, match="http_302"):
        spend(call, ledger)

    assert len(ledger.calls) == 1


# --- what is tried again

PASSING = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("cut off"),
    httpx.Response(429, text="no available instance"),
    httpx.Response(200, text="<html>A captive portal</html>"),
    httpx.Response(200, json={"success": True}),
    httpx.Response(200, json={**AFTER, "transaction": {**ENTRY, "amount": "30"}}),
    *(unavailable(status) for status in (500, 502, 503, 504)),
]


@pytest.mark.parametrize("fault", PASSING, ids=repr)
def test_what_says_nothing_is_asked_again_with_the_same_key(call: Caller, fault: Fault) -> None:
    ledger = answering(fault)

    assert spend(call, ledger).balance == 970
    assert len(ledger.calls) == 2
    assert ledger.calls[0] == ledger.calls[1]


def test_a_call_whose_answer_was_lost_takes_effect_once(call: Caller, ledger: FakeLedger) -> None:
    ledger.lose(httpx.ReadTimeout("slow"), unavailable(), httpx.RemoteProtocolError("cut off"))

    assert spend(call, ledger).balance == 970
    assert ledger.balances == {"ada": 970}
    assert len(ledger.calls) == 4


def test_no_answer_within_the_budget_is_an_error_that_says_so(call: Caller) -> None:
    ledger = answering(*[httpx.ConnectError("refused")] * 1_000)

    with pytest.raises(errors.Unavailable, match="refused"):
        spend(call, ledger, budget_s=0.3)

    assert 2 <= len(ledger.calls) < 100


def test_a_wait_longer_than_the_budget_is_not_begun(call: Caller) -> None:
    ledger = answering(unavailable(503, **{"Retry-After": "60"}))

    with pytest.raises(errors.Unavailable) as raised:
        spend(call, ledger)

    assert len(ledger.calls) == 1
    assert raised.value.retry_after_s == 60


def test_an_attempt_that_hangs_ends_with_the_budget() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def call() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as http:
            await token_economy.AsyncTokens(URL, http=http, budget_s=0.1).spend("ada", 1, key="k", reason="r")

    with pytest.raises(errors.Unavailable, match="did not answer"):
        asyncio.run(call())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("", 0.0), ("soon", 0.0), ("-3", 0.0), ("Sat, 21 Nov 2020 10:00:00 GMT", 0.0)],
)
def test_a_retry_after_is_read_as_seconds(text: str, seconds: float) -> None:
    assert retry_after_s(httpx.Response(503, headers={"Retry-After": text})) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    response = httpx.Response(503, headers={"Retry-After": "Fri, 21 Nov 2125 10:00:00 GMT"})

    assert retry_after_s(response) > 1_000_000


# --- the clients themselves


def test_the_tree_at_the_head_of_errors_has_every_class() -> None:
    made = {one.__name__ for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)}

    assert {word for word in (errors.__doc__ or "").split() if word in made} == made
    assert made <= set(token_economy.__all__)


def test_a_client_closes_the_connections_that_are_its_own() -> None:
    async def close_async(tokens: token_economy.AsyncTokens) -> None:
        async with tokens:
            pass

    ours, given = Tokens(URL), tokens_of(FakeLedger({"ada": 30}))
    with ours, given:
        pass
    async_ours, async_given = token_economy.AsyncTokens(URL), async_tokens_of(FakeLedger({"ada": 30}))
    asyncio.run(close_async(async_ours))
    asyncio.run(close_async(async_given))

    assert [one._http.is_closed for one in (ours, given, async_ours, async_given)] == [True, False, True, False]
