"""What the environment says, and the clock that tests can stop."""

import stripe

from stripe_simulator.engine.clock import Clock
from stripe_simulator.settings import API_VERSION, Settings


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


def test_the_pinned_api_version_is_the_librarys() -> None:
    assert stripe.api_version == API_VERSION


def test_a_stopped_clock_stands_still_and_can_be_shifted() -> None:
    clock = Clock()
    clock.stop()
    before = clock.exact()
    clock.stop()
    assert clock.exact() == before
    clock.offset_s = 3600
    assert clock.exact() == before + 3600
    clock.resume()
    assert not clock.stopped
