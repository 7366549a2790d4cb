"""functions/spend_tokens below its URL: reserve, renew, capture and release, in every state of a reservation."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.adapters.firestore.ledger import Ledger
from shared.domain.entry import NewEntry
from shared.domain.reservation import RESERVATIONS_MAX
from shared.domain.spend_requests import renewal_of, reservation_of, reversal_of
from tests.deployed import Deployed, deployed
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import Clock, ledger_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
JOB = {"user_id": "ada", "idempotency_key": "job-1"}
RESERVE = {**JOB, "amount": 30, "reason": "one answer"}
CAPTURE = {**JOB, "amount": 12}


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def firestore() -> FakeFirestore:
    return FakeFirestore()


@pytest.fixture
def ledger(firestore: FakeFirestore, clock: Clock) -> Ledger:
    """Ada holds 100 tokens."""
    ledger = ledger_of(firestore.as_client(), clock=clock)
    ledger.post("ada", NewEntry("adjustment:1", "adjustment", 100, {}), create_account=True)
    return ledger


class Service:
    """The function's paths. Each answers as the framework serves it."""

    def __init__(self, function: Deployed) -> None:
        self.function = function

    def spend(self, **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
        return self.function.post({**RESERVE, "amount": 12, **changes})

    def reserve(self, **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
        return self.function.post({**RESERVE, **changes}, path="/reservations")

    def renew(self, **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
        return self.function.post({**JOB, **changes}, path="/reservations/renew")

    def capture(self, **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
        return self.function.post({**CAPTURE, **changes}, path="/reservations/capture")

    def release(self, **changes: Any) -> TestResponse:  # noqa: ANN401 - a field's value
        return self.function.post({**JOB, **changes}, path="/reservations/release")


@pytest.fixture
def service(ledger: Ledger) -> Iterator[Service]:
    with deployed("spend_tokens", {"GOOGLE_CLOUD_PROJECT": "demo"}, parts=(ledger,)) as function:
        yield Service(function)


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]["code"]


def said(answer: TestResponse) -> tuple[str, int, int, int, int]:
    """Return state, amount and used of the reservation, and the account's balance and available tokens."""
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    one = answer.json["reservation"]
    return one["state"], one["amount"], one["used"], answer.json["balance"], answer.json["available"]


def bring_to(state: str, service: Service, clock: Clock) -> None:
    """Reserve 30 tokens and close the reservation as the state says; `charged` expires with 12 tokens used."""
    service.reserve(on_expiry="capture_used")
    match state:
        case "captured":
            assert service.capture().status_code == 200
        case "released":
            assert service.release().status_code == 200
        case "expired":
            clock.skip(900)
        case "charged":
            assert service.renew(used=12).status_code == 200
            clock.skip(900)


# --- reserve


def test_a_reservation_sets_tokens_aside_and_leaves_the_balance(service: Service, firestore: FakeFirestore) -> None:
    answer = service.reserve()

    assert answer.json == {
        "success": True,
        "reservation": {
            "idempotency_key": "job-1",
            "amount": 30,
            "used": 0,
            "state": "open",
            "expires_at": "2026-11-21T12:15:00Z",
        },
        "balance": 100,
        "available": 70,
    }
    assert firestore.paths("transactions") == ["transactions/adjustment:1"]


def test_spends_and_reservations_cannot_take_reserved_tokens(service: Service) -> None:
    service.reserve()

    assert refused(service.spend(idempotency_key="other", amount=71)) == (402, "not_enough_tokens")
    assert refused(service.reserve(idempotency_key="other", amount=71)) == (402, "not_enough_tokens")
    spent = service.spend(idempotency_key="other", amount=70)
    assert spent.json is not None
    assert (spent.json["balance"], spent.json["available"]) == (30, 0)


@pytest.mark.parametrize(
    ("available", "at_least", "reserved"),
    [(100, 1, 30), (30, 1, 30), (29, 1, 29), (29, 29, 29), (29, 30, None), (29, None, None), (1, 1, 1), (0, 1, None)],
)
def test_at_least_takes_what_is_available_between_the_two(
    service: Service, available: int, at_least: int | None, reserved: int | None
) -> None:
    if available < 100:
        service.spend(idempotency_key="before", amount=100 - available)

    answer = service.reserve(at_least=at_least)

    if reserved is None:
        assert refused(answer) == (402, "not_enough_tokens")
    else:
        assert said(answer) == ("open", reserved, 0, available, available - reserved)


def test_only_so_many_are_open_at_once(service: Service, clock: Clock) -> None:
    for number in range(RESERVATIONS_MAX):
        assert said(service.reserve(idempotency_key=f"{number}", amount=1, expires_in_s=60 + number))[0] == "open"
    clock.skip(20)

    too_many = service.reserve(amount=1)
    assert refused(too_many) == (429, "too_many_reservations")
    assert too_many.headers["Retry-After"] == "40"
    assert said(service.reserve(idempotency_key="7", amount=1, expires_in_s=67))[0] == "open"  # it is one of them
    clock.skip(40)
    assert said(service.reserve(amount=1))[0] == "open"


def test_nobody_reserves_for_a_user_that_does_not_exist(service: Service, firestore: FakeFirestore) -> None:
    assert refused(service.reserve(user_id="bob")) == (404, "unknown_user")
    firestore.put("users/bob", {})
    assert refused(service.reserve(user_id="bob")) == (402, "not_enough_tokens")
    assert firestore.paths("reservations") == []


def test_an_optional_field_that_is_null_is_left_out() -> None:
    asked = {"user_id": "ada", "idempotency_key": "job-1", "amount": 5, "reason": "render"}
    nothing = dict.fromkeys(("at_least", "expires_in_s", "on_expiry"))

    assert reservation_of({**asked, **nothing}) == reservation_of(asked)
    assert renewal_of({**asked, "used": None, "expires_in_s": None}) == renewal_of(asked)
    assert reversal_of({**asked, "spend_key": "job-1", "amount": None}).amount is None


def test_the_same_key_of_another_user_is_another_reservation(service: Service, ledger: Ledger) -> None:
    ledger.post("bob", NewEntry("adjustment:2", "adjustment", 30, {}), create_account=True)

    assert said(service.reserve()) == ("open", 30, 0, 100, 70)
    assert said(service.reserve(user_id="bob")) == ("open", 30, 0, 30, 0)


@pytest.mark.parametrize(
    "other",
    [{"amount": 31}, {"at_least": 29}, {"reason": "two answers"}, {"expires_in_s": 901}, {"on_expiry": "release"}],
    ids=lambda other: next(iter(other)),
)
@pytest.mark.parametrize("state", ["open", "captured", "released", "expired", "charged"])
def test_a_key_reserves_once_whatever_became_of_it(
    service: Service, clock: Clock, state: str, other: dict[str, Any]
) -> None:
    bring_to(state, service, clock)

    assert refused(service.reserve(**{"on_expiry": "capture_used"} | other)) == (409, "idempotency_conflict")
    assert (
        said(service.reserve(on_expiry="capture_used"))
        == {
            "open": ("open", 30, 0, 100, 70),
            "captured": ("captured", 30, 12, 88, 88),
            "released": ("released", 30, 0, 100, 100),
            "expired": ("expired", 30, 0, 100, 100),
            "charged": ("expired", 30, 12, 88, 88),
        }[state]
    )


def test_a_reservation_is_told_again_when_its_tokens_are_all_there_were(service: Service) -> None:
    """The request that took the last tokens is repeated: it must not be told that there are none."""
    first = service.reserve(amount=100)

    assert service.reserve(amount=100).data == first.data
    assert service.capture(amount=100).status_code == 200
    assert said(service.reserve(amount=100)) == ("captured", 100, 100, 0, 0)


# --- renew


def test_a_renewal_extends_and_reports(service: Service, clock: Clock) -> None:
    service.reserve()
    clock.skip(600)

    answer = service.renew(used=12, expires_in_s=1000)

    assert said(answer) == ("open", 30, 12, 100, 70)
    assert answer.json is not None
    assert answer.json["reservation"]["expires_at"] == "2026-11-21T12:26:40Z"
    clock.skip(999)
    assert said(service.reserve())[0] == "open"
    clock.skip(1)
    assert said(service.reserve()) == ("expired", 30, 0, 100, 100)


def test_a_late_renewal_undoes_nothing(service: Service) -> None:
    service.reserve()
    later = service.renew(used=20, expires_in_s=2000)

    assert service.renew(used=10, expires_in_s=1000).data == later.data
    assert service.renew().data == later.data


def test_more_than_is_reserved_is_not_used(service: Service) -> None:
    service.reserve()

    assert refused(service.renew(used=31)) == (422, "over_reservation")
    assert said(service.renew(used=30)) == ("open", 30, 30, 100, 70)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("captured", "reservation_captured"),
        ("released", "reservation_released"),
        ("expired", "reservation_released"),
        ("charged", "reservation_captured"),
    ],
)
def test_a_closed_reservation_is_not_renewed(service: Service, clock: Clock, state: str, code: str) -> None:
    bring_to(state, service, clock)

    assert refused(service.renew()) == (409, code)


# --- capture


def test_a_capture_charges_what_was_used_and_frees_the_rest(service: Service) -> None:
    service.reserve()

    answer = service.capture()

    assert answer.json == {
        "success": True,
        "transaction": {
            "id": "spend:ada:job-1",
            "userId": "ada",
            "type": "spend",
            "amount": -12,
            "timestamp": "2026-11-21T12:00:00Z",
            "balanceAfter": 88,
            "details": {"reason": "one answer", "idempotencyKey": "job-1", "reserved": 30},
        },
        "balance": 88,
        "available": 88,
    }


def test_a_capture_says_what_other_reservations_leave(service: Service) -> None:
    service.reserve()
    service.reserve(idempotency_key="job-2", amount=50)

    first = service.capture()
    assert first.json is not None
    assert (first.json["balance"], first.json["available"]) == (88, 38)
    service.release(idempotency_key="job-2")
    assert service.capture().data == first.data


def test_more_than_is_reserved_is_not_captured(service: Service, ledger: Ledger) -> None:
    service.reserve()

    assert refused(service.capture(amount=31)) == (422, "over_reservation")
    assert ledger.account("ada").balance == 100
    assert service.capture(amount=30).status_code == 200


@pytest.mark.parametrize(
    ("state", "same", "other"),
    [
        ("captured", None, "idempotency_conflict"),
        ("released", "reservation_released", "reservation_released"),
        ("expired", "reservation_released", "reservation_released"),
        ("charged", None, "reservation_captured"),  # the tokens that it asks for are charged already
    ],
)
def test_a_closed_reservation_is_captured_once_or_never(
    service: Service, clock: Clock, state: str, same: str | None, other: str
) -> None:
    bring_to(state, service, clock)

    answer = service.capture()

    if same is None:
        assert answer.json is not None
        assert (answer.status_code, answer.json["transaction"]["amount"]) == (200, -12)
        assert service.capture().data == answer.data
    else:
        assert refused(answer) == (409, same)
    assert refused(service.capture(amount=13)) == (409, other)
    assert said(service.reserve(on_expiry="capture_used"))[3] == (100 if same else 88)


def test_a_capture_is_honored_when_a_refund_has_taken_the_tokens(service: Service, ledger: Ledger) -> None:
    service.reserve()
    ledger.post("ada", NewEntry("adjustment:2", "adjustment", -95, {}))

    assert refused(service.spend(idempotency_key="other", amount=1)) == (402, "not_enough_tokens")
    assert said(service.reserve()) == ("open", 30, 0, 5, -25)
    answer = service.capture()
    assert answer.json is not None
    assert (answer.json["balance"], answer.json["available"]) == (-7, -7)


# --- release


@pytest.mark.parametrize("used", [None, 12])
def test_a_release_frees_everything_and_answers_the_same_again(
    service: Service, clock: Clock, used: int | None
) -> None:
    service.reserve(on_expiry="capture_used")
    if used is not None:
        service.renew(used=used, expires_in_s=2000)

    first = service.release()

    assert said(first) == ("released", 30, 0, 100, 100)
    assert service.release().data == first.data
    clock.skip(86_400)
    assert service.release().data == first.data


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("captured", "reservation_captured"),
        ("charged", "reservation_captured"),
        ("expired", ("expired", 30, 0, 100, 100)),
    ],
)
def test_a_closed_reservation_is_not_released(service: Service, clock: Clock, state: str, outcome: object) -> None:
    bring_to(state, service, clock)

    answer = service.release()

    assert (refused(answer) == (409, outcome)) if isinstance(outcome, str) else (said(answer) == outcome)


# --- expiry


def test_from_its_second_on_an_expired_reservation_no_longer_counts(service: Service, clock: Clock) -> None:
    service.reserve(amount=100, expires_in_s=60)
    clock.skip(59)
    assert refused(service.spend(idempotency_key="other", amount=1)) == (402, "not_enough_tokens")
    clock.skip(1)

    assert service.spend(idempotency_key="other", amount=100).status_code == 200


def test_expiry_charges_what_was_used_before_anything_else(service: Service, clock: Clock, ledger: Ledger) -> None:
    service.reserve(amount=100, on_expiry="capture_used")
    service.renew(used=40, expires_in_s=60)
    clock.skip(900)

    assert refused(service.spend(idempotency_key="other", amount=61)) == (402, "not_enough_tokens")
    assert service.spend(idempotency_key="other", amount=60).status_code == 200
    charged = ledger.entry("spend:ada:job-1")
    assert charged is not None
    assert (charged.amount, charged.details["expired"], charged.details["reserved"]) == (-40, True, 100)


def test_what_was_used_is_free_where_expiry_releases(service: Service, clock: Clock, ledger: Ledger) -> None:
    service.reserve()
    service.renew(used=12)
    clock.skip(900)

    assert refused(service.capture()) == (409, "reservation_released")
    ledger.settle("ada")
    assert (ledger.account("ada").balance, ledger.account("ada").reserved) == (100, 0)


# --- keys that are used for a plain spend too


def test_a_key_with_an_open_reservation_is_not_spent(service: Service, ledger: Ledger) -> None:
    service.reserve()

    assert refused(service.spend()) == (409, "idempotency_conflict")
    assert ledger.account("ada").balance == 100


def test_a_captured_key_is_not_spent_again(service: Service) -> None:
    service.reserve()
    captured = service.capture()

    assert service.spend().data == captured.data
    assert refused(service.spend(amount=13)) == (409, "idempotency_conflict")


def test_a_spent_key_is_never_charged_by_a_reservation(service: Service, clock: Clock, ledger: Ledger) -> None:
    service.spend()
    service.reserve(on_expiry="capture_used")  # sees no entry: looking for one would cost every reservation a read

    service.renew(used=20)
    assert refused(service.capture(amount=20)) == (409, "idempotency_conflict")
    clock.skip(900)
    ledger.settle("ada")
    assert (ledger.account("ada").balance, ledger.account("ada").reserved) == (88, 0)


# --- whatever the path


@pytest.mark.parametrize("operation", ["renew", "capture", "release"])
def test_what_does_not_exist_is_not_found(service: Service, operation: str) -> None:
    call = getattr(service, operation)

    assert refused(call()) == (404, "unknown_reservation")
    assert refused(call(user_id="bob")) == (404, "unknown_user")
    service.reserve()
    assert refused(call(idempotency_key="job-2")) == (404, "unknown_reservation")


_NUMBERS = (-1, 0.5, 1.0, True, "1", [1], 10**30)


@pytest.mark.parametrize(
    ("operation", "field", "values"),
    [
        *((one, "user_id", [None, "", 7, "a/b"]) for one in ("reserve", "renew", "capture", "release")),
        *((one, "idempotency_key", [None, "", "a b", "x" * 129]) for one in ("reserve", "renew", "capture", "release")),
        *((one, "amount", [None, 0, 1_000_000_001, *_NUMBERS]) for one in ("reserve", "capture")),
        ("reserve", "at_least", [0, 31, *_NUMBERS]),
        ("reserve", "reason", [7, "a\nb", "x" * 201]),
        *((one, "expires_in_s", [0, 86_401, *_NUMBERS]) for one in ("reserve", "renew")),
        ("reserve", "on_expiry", ["", "charge", 1, ["release"]]),
        ("renew", "used", [1_000_000_001, *_NUMBERS]),
    ],
)
def test_a_wrong_field_is_named(service: Service, operation: str, field: str, values: list[Any]) -> None:
    if operation != "reserve":
        service.reserve()

    for value in values:
        assert refused(getattr(service, operation)(**{field: value})) == (400, f"invalid_{field}"), value


def test_a_key_that_firestore_keeps_for_itself_is_refused(service: Service) -> None:
    """The account's reservations are a map by key, and Firestore refuses names of this form in a map."""
    assert refused(service.reserve(idempotency_key="__job__")) == (400, "invalid_idempotency_key")
    assert said(service.reserve(idempotency_key="__job_"))[0] == "open"


def test_a_reservation_has_a_reason(service: Service) -> None:
    for reason in (None, "", "  "):
        assert refused(service.reserve(reason=reason)) == (400, "missing_reason")


@pytest.mark.parametrize("path", ["/reserve", "/reservations/extend", "/reservations/capture/1", "/api/tokens/balance"])
def test_nothing_is_at_any_other_path(service: Service, ledger: Ledger, path: str) -> None:
    assert refused(service.function.post(RESERVE, path=path)) == (404, "not_found")
    assert ledger.account("ada").balance == 100
    assert service.function.client.get("/reservations").status_code == 405
