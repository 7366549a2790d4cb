"""The simulator's idempotency keys, and the settings that its environment gives it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stripe_simulator.engine.errors import ApiError
from stripe_simulator.engine.idempotency import Answer, IdempotencyKeys
from stripe_simulator.settings import Settings


def test_a_key_in_use_is_a_conflict() -> None:
    keys = IdempotencyKeys(patience_s=0.01)
    assert keys.claim("key", "POST /v1/customers") is None
    with pytest.raises(ApiError) as refused:
        keys.claim("key", "POST /v1/customers")
    assert (refused.value.status, refused.value.error["code"]) == (409, "idempotency_key_in_use")


def test_who_waits_gets_the_first_answer() -> None:
    keys = IdempotencyKeys(patience_s=10)
    keys.claim("key", "request")
    with ThreadPoolExecutor(max_workers=1) as second:
        waiting = second.submit(keys.claim, "key", "request")
        keys.keep("key", Answer(200, b"first"))
        assert waiting.result(timeout=10) == Answer(200, b"first")


def test_a_released_key_is_free_for_anything_and_a_kept_one_is_not() -> None:
    keys = IdempotencyKeys()
    keys.claim("key", "one")
    keys.release("key")
    assert keys.claim("key", "another") is None
    keys.keep("key", Answer(200, b""))
    keys.release("key")
    with pytest.raises(ApiError) as refused:
        keys.claim("key", "a third")
    assert (refused.value.status, refused.value.error["type"]) == (400, "idempotency_error")


def test_a_key_is_at_most_255_characters() -> None:
    with pytest.raises(ApiError):
        IdempotencyKeys().claim("k" * 256, "request")


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {
            "PORT": "12999",
            "STRIPE_SECRET_KEY": "sk_test_mine",
            "STRIPE_WEBHOOK_URL": "http://a.test/, http://b.test/",
            "STRIPE_WEBHOOK_SECRET": "whsec_old,whsec_new",
            "SIMULATOR_BASE_URL": "http://pay.test/",
        }
    )
    assert (settings.port, settings.secret_key, settings.base_url) == (12999, "sk_test_mine", "http://pay.test")
    assert settings.webhook_urls == ("http://a.test/", "http://b.test/")
    assert settings.webhook_secrets == ("whsec_old", "whsec_new")
    assert Settings.from_environment({}) == Settings()
