"""Idempotency keys one at a time, without HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stripe_simulator.engine.clock import Clock
from stripe_simulator.engine.errors import ApiError
from stripe_simulator.engine.idempotency import LIFETIME_S, Answer, IdempotencyKeys

FIRST = Answer(200, b"first", "req_1")


@pytest.fixture
def keys() -> IdempotencyKeys:
    return IdempotencyKeys(Clock(), patience_s=0.01)


def test_a_key_in_use_is_a_conflict(keys: IdempotencyKeys) -> None:
    assert keys.claim("key", "POST /v1/customers") is None
    with pytest.raises(ApiError) as refused:
        keys.claim("key", "POST /v1/customers")
    assert (refused.value.status, refused.value.error["code"]) == (409, "idempotency_key_in_use")


def test_whoever_waits_gets_the_first_answer() -> None:
    keys = IdempotencyKeys(Clock(), patience_s=10)
    keys.claim("key", "request")
    with ThreadPoolExecutor(max_workers=1) as second:
        waiting = second.submit(keys.claim, "key", "request")
        keys.save("key", FIRST)
        assert waiting.result(timeout=10) == FIRST


def test_a_released_key_is_free_and_a_saved_one_is_not(keys: IdempotencyKeys) -> None:
    keys.claim("key", "one")
    keys.release("key")
    assert keys.claim("key", "another") is None
    keys.save("key", FIRST)
    keys.release("key")
    with pytest.raises(ApiError) as refused:
        keys.claim("key", "a third")
    assert (refused.value.status, refused.value.error["type"]) == (400, "idempotency_error")


def test_a_key_is_at_most_255_characters(keys: IdempotencyKeys) -> None:
    with pytest.raises(ApiError):
        keys.claim("k" * 256, "request")


def test_an_answer_is_forgotten_after_a_day_and_not_before() -> None:
    clock = Clock()
    clock.stop()
    keys = IdempotencyKeys(clock)
    keys.claim("key", "request")
    keys.save("key", FIRST)
    clock.offset_s = LIFETIME_S - 1
    assert keys.claim("key", "request") == FIRST
    clock.offset_s = LIFETIME_S
    assert keys.claim("key", "another request") is None
