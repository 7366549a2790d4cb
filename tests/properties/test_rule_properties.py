"""The pure rules and the readers of what comes from outside, over any input."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.adapters.stripe_signature import verify_webhook
from shared.domain.crediting import Held
from shared.domain.errors import BadInput, MalformedMessage
from shared.domain.limits import Limits, PurchaseTime, remember
from shared.domain.messages import read_push
from shared.domain.purchase import AwaitingPayment, Hold, NotOurs, Purchase, assess_session
from shared.domain.times import DAY_S, HOUR_S
from shared.runtime.catalog_file import load_catalog
from tests.fakes.firestore import FakeFirestore
from tests.ledgers import ledger_of
from tests.purchases import PAID_AT
from tests.stripe_events import SECRET, load, push_of, raw, session_of, signature

CATALOG = load_catalog()
BODY = raw(load("completed_paid"))
FIELDS = ["payment_status", "created", "amount_subtotal", "amount_total", "currency", "livemode", "customer",
                 "payment_intent", "total_details", "metadata"]  # fmt: skip

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=4
)
moments = st.integers(PAID_AT - 2 * DAY_S, PAID_AT)
limits = st.builds(Limits, per_hour=st.integers(1, 5), per_day=st.integers(1, 20))


# --- limits


@given(limits, st.lists(moments, max_size=40))
def test_who_admits_only_what_is_not_exceeded_never_admits_more_than_the_limits(
    limit: Limits, arrivals: list[int]
) -> None:
    admitted: list[int] = []
    for at in arrivals:
        if not limit.exceeded(admitted, at):
            admitted.append(at)

    for begin in admitted:
        assert sum(begin <= at < begin + HOUR_S for at in admitted) <= limit.per_hour
        assert sum(begin <= at < begin + DAY_S for at in admitted) <= limit.per_day


@given(limits, st.lists(moments, max_size=40))
def test_the_wait_is_the_least_after_which_a_purchase_is_admitted(limit: Limits, purchases: list[int]) -> None:
    wait_s = limit.wait_s(purchases, PAID_AT)

    assert not limit.exceeded(purchases, PAID_AT + wait_s)
    if wait_s:
        assert limit.exceeded(purchases, PAID_AT + wait_s - 1)


@given(limits, st.lists(st.integers(0, 3 * DAY_S - 1), max_size=40))
def test_what_is_forgotten_makes_no_difference_to_purchases_still_to_arrive(limit: Limits, lags_s: list[int]) -> None:
    """Purchases arrive up to three days late: Stripe retries for that long."""
    everything: list[PurchaseTime] = []
    remembered: tuple[PurchaseTime, ...] = ()
    for number, lag_s in enumerate(lags_s):
        now = PAID_AT + number * 4 * HOUR_S
        bought = PurchaseTime(paid_at=now - lag_s, entered_at=now)
        for kind in ("paid_at", "entered_at"):
            exceeded, expected = (
                limit.exceeded([getattr(one, kind) for one in times], getattr(bought, kind))
                for times in (remembered, everything)
            )
            assert exceeded == expected
        everything.append(bought)
        remembered = remember(remembered, bought)


# --- a session


def assessed(session: dict[str, Any]) -> Purchase | Hold | AwaitingPayment | NotOurs:
    return assess_session(session, paid_at=PAID_AT, now=PAID_AT, catalog=CATALOG, livemode=False)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values), st.sets(st.sampled_from(FIELDS)))
@example({"total_details": True}, set())
def test_any_session_has_a_verdict(changes: dict[str, Any], missing: set[str]) -> None:
    session = {key: value for key, value in {**session_of(), **changes}.items() if key not in missing}

    verdict = assessed(session)

    assert isinstance(verdict, Purchase | Hold | AwaitingPayment | NotOurs)


@given(
    st.dictionaries(st.sampled_from(["firebase_uid", "package_id", "tokens"]), json_values),
    st.dictionaries(st.sampled_from(FIELDS[:-1]), json_values),
)
def test_only_the_packages_own_terms_are_ever_credited(metadata: dict[str, Any], changes: dict[str, Any]) -> None:
    verdict = assess_session(
        session_of(metadata=metadata, **changes), paid_at=PAID_AT, now=PAID_AT, catalog=CATALOG, livemode=False
    )

    if isinstance(verdict, Purchase):
        package = CATALOG.find(verdict.package_id)
        assert package is not None
        assert (verdict.tokens, verdict.subtotal_cents) == (package.current.tokens, package.current.price_cents)
        assert verdict.paid_cents >= package.current.price_cents
    else:
        assert isinstance(verdict, Hold | AwaitingPayment)


@given(st.dictionaries(st.sampled_from([*FIELDS[:-1], "extra"]), json_values))
def test_any_hold_can_be_kept_as_a_document(changes: dict[str, Any]) -> None:
    """Firestore takes no number beyond 64 bits, no list in a list, and no text that is not Unicode."""
    verdict = assess_session(
        session_of(metadata={"tokens": "99999"}, **changes),
        paid_at=PAID_AT,
        now=PAID_AT,
        catalog=CATALOG,
        livemode=False,
    )

    if isinstance(verdict, Hold):
        assert isinstance(ledger_of(FakeFirestore().as_client()).hold(verdict), Held)
        for value in verdict.evidence.values():
            assert value is None or isinstance(value, bool | int | str)
            if isinstance(value, int):
                assert -(2**63) <= value < 2**63
            if isinstance(value, str):
                value.encode("utf-8")


# --- a signature


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_body_with_any_byte_altered_is_refused(place: int, by: int) -> None:
    altered = bytearray(BODY)
    altered[place] = (altered[place] + by) % 256

    with pytest.raises(BadInput):
        verify_webhook(bytes(altered), signature(BODY), SECRET)


@given(st.binary())
def test_any_other_body_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        verify_webhook(body, signature(BODY), SECRET)


@given(st.text())
@example("t=1,v1=\xe9")
@example("t=1=1,v1=x")
def test_any_other_header_is_refused(header: str) -> None:
    with pytest.raises(BadInput):
        verify_webhook(BODY, header, SECRET)


@given(st.text(st.characters(codec="utf-8")).filter(lambda secret: secret != SECRET))
def test_a_signature_made_with_another_secret_is_refused(secret: str) -> None:
    with pytest.raises(BadInput):
        verify_webhook(BODY, signature(BODY, secret), SECRET)


# --- a push


@given(st.binary())
def test_any_bytes_for_a_push_are_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_push(body)


@given(json_values)
def test_any_json_for_a_push_is_malformed(value: object) -> None:
    with pytest.raises(MalformedMessage):
        read_push(json.dumps({"message": value}).encode())
    with pytest.raises(MalformedMessage):
        read_push(json.dumps(value).encode())


@given(json_values)
def test_any_json_for_an_event_is_malformed(event: object) -> None:
    data = base64.b64encode(json.dumps(event).encode()).decode()

    with pytest.raises(MalformedMessage):
        read_push(json.dumps({"message": {"data": data}}).encode())


@given(
    st.dictionaries(st.sampled_from(["id", "type", "created", "data"]), json_values),
    st.dictionaries(st.sampled_from(["attributes", "messageId", "publishTime"]), json_values),
)
def test_a_push_is_read_or_malformed_and_never_crashes(event: dict[str, Any], message: dict[str, Any]) -> None:
    push = push_of({**load("completed_paid"), **event}, **message)
    try:
        read = read_push(json.dumps(push).encode())
    except MalformedMessage:
        return
    assert isinstance(read.event["data"]["object"]["id"], str)
