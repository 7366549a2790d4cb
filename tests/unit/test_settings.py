"""The environment becomes settings, or one message that names all that is wrong with it."""

import re
from pathlib import Path

import pytest

from shared.domain.callers import Callers
from shared.domain.errors import SettingsError
from shared.domain.limits import Limits
from shared.domain.rate import Rate
from shared.domain.welcome import WelcomeGrant
from shared.runtime import settings


def faults(*needs: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as raised:
        settings.load(*needs, environ=environ)
    return str(raised.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    loaded = settings.load(environ={})

    assert loaded.limits == Limits(per_hour=5, per_day=20)
    assert (loaded.checkouts_per_user, loaded.checkouts_per_instance) == (Rate(30), Rate(600))
    assert (loaded.catalog, loaded.livemode, loaded.invoices, loaded.stripe_api_base) == ("default", False, False, None)
    assert not loaded.app_check
    assert loaded.welcome is None
    assert (loaded.price_ids, loaded.allowed_origins) == ({}, frozenset())


def test_every_setting_is_read() -> None:
    loaded = settings.load(
        environ={
            "GOOGLE_CLOUD_PROJECT": "demo",
            "STRIPE_SECRET_KEY": "sk_test_1",
            "STRIPE_WEBHOOK_SECRET": "whsec_1,whsec_2",
            "STRIPE_API_BASE": "http://localhost:12111/",
            "STRIPE_LIVEMODE": "False",
            "STRIPE_INVOICES": "true",
            "STRIPE_TOKEN_POPULAR_PRICE_ID": " price_1 ",
            "STRIPE_TOKEN_PRO_PRICE_ID": " ",
            "APP_BASE_URL": "https://example.com/",
            "ALLOWED_ORIGINS": "https://a.example, http://localhost:5000/ ,",
            "TOKEN_CATALOG": "classic",
            "MAX_PURCHASES_PER_HOUR": "3",
            "MAX_PURCHASES_PER_DAY": "7",
            "APP_CHECK": "required",
            "WELCOME_TOKENS": "20",
            "WELCOME_EXPIRES_IN_DAYS": "30",
            "MAX_CHECKOUTS_PER_MINUTE": "11",
            "MAX_CHECKOUTS_PER_INSTANCE": "13",
            "CALLER_AUDIENCE": "https://x.run.app",
            "CALLER_EMAILS": "a@x.example, b@x.example,",
        }
    )

    assert loaded == settings.Settings(
        project="demo",
        stripe_secret_key="sk_test_1",
        stripe_webhook_secret="whsec_1,whsec_2",
        stripe_api_base="http://localhost:12111",
        livemode=False,
        invoices=True,
        price_ids={"STRIPE_TOKEN_POPULAR_PRICE_ID": "price_1"},
        app_base_url="https://example.com",
        app_check=True,
        allowed_origins=frozenset({"https://a.example", "http://localhost:5000"}),
        catalog="classic",
        limits=Limits(3, 7),
        welcome=WelcomeGrant(20, 30),
        checkouts_per_user=Rate(11),
        checkouts_per_instance=Rate(13),
        on_cloud_run=False,
        callers=Callers("https://x.run.app", frozenset({"a@x.example", "b@x.example"})),
    )


def test_app_check_is_one_of_two_words() -> None:
    assert "APP_CHECK must be off or required, not 'on'" in faults(APP_CHECK="on")
    assert not settings.load(environ={"APP_CHECK": "off"}).app_check


def test_everything_missing_is_named_in_one_message() -> None:
    assert faults("GOOGLE_CLOUD_PROJECT", "STRIPE_SECRET_KEY", "APP_BASE_URL", STRIPE_SECRET_KEY="  ") == (
        "Wrong settings: GOOGLE_CLOUD_PROJECT is missing; STRIPE_SECRET_KEY is missing; APP_BASE_URL is missing"
    )


def test_what_is_wrong_is_named_beside_what_is_missing() -> None:
    message = faults("APP_BASE_URL", MAX_PURCHASES_PER_HOUR="many", ALLOWED_ORIGINS="*", STRIPE_LIVEMODE="maybe")

    for name in ("APP_BASE_URL", "MAX_PURCHASES_PER_HOUR", "ALLOWED_ORIGINS", "STRIPE_LIVEMODE"):
        assert name in message


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "\u0663", "9" * 5_000])
@pytest.mark.parametrize("name", ["MAX_PURCHASES_PER_HOUR", "MAX_PURCHASES_PER_DAY"])
def test_a_limit_is_a_whole_number_above_zero(name: str, value: str) -> None:
    assert f"{name} must be a whole number from 1 to 250" in faults(**{name: value})


@pytest.mark.parametrize("value", ["example.com", "ftp://example.com", "https://", "http://["])
@pytest.mark.parametrize("name", ["APP_BASE_URL", "STRIPE_API_BASE"])
def test_an_address_is_an_http_url(name: str, value: str) -> None:
    assert f"{name} must be an http(s) address" in faults(**{name: value})


@pytest.mark.parametrize(
    "value", ["*", "null", "example.com", "https://example.com/app", "https://a.example?x", "http://["]
)
def test_an_origin_is_scheme_and_host(value: str) -> None:
    assert "ALLOWED_ORIGINS must list http(s) origins" in faults(ALLOWED_ORIGINS=f"https://good.example,{value}")


@pytest.mark.parametrize(
    ("key", "livemode", "other"),
    [("sk_live_1", "true", "false"), ("rk_live_1", "true", "false"), ("sk_test_1", "false", "true")],
)
def test_the_key_must_be_of_the_mode(key: str, livemode: str, other: str) -> None:
    assert f"but STRIPE_LIVEMODE is {other}" in faults(STRIPE_SECRET_KEY=key, STRIPE_LIVEMODE=other)
    assert settings.load(environ={"STRIPE_SECRET_KEY": key, "STRIPE_LIVEMODE": livemode}).stripe_secret_key == key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIRESTORE_EMULATOR_HOST", "localhost:8180"),
        ("PUBSUB_EMULATOR_HOST", "localhost:8085"),
        ("FIREBASE_AUTH_EMULATOR_HOST", "localhost:9099"),
        ("STRIPE_API_BASE", "https://stripe.example"),
    ],
)
def test_a_local_switch_is_refused_on_cloud_run(name: str, value: str) -> None:
    assert f"{name} must not be set on Cloud Run" in faults(K_SERVICE="get-balance", **{name: value})
    settings.load(environ={name: value})
    settings.load(environ={"K_SERVICE": "get-balance", name: " "})


def test_a_private_function_knows_its_callers_on_cloud_run() -> None:
    with pytest.raises(SettingsError, match="CALLER_AUDIENCE is missing"):
        settings.load(private=True, environ={"K_SERVICE": "reconcile", "CALLER_EMAILS": "a@x.example"})

    known = settings.load(private=True, environ={"K_SERVICE": "reconcile", "CALLER_AUDIENCE": "https://x.run.app"})
    assert known.on_cloud_run
    assert known.callers == Callers("https://x.run.app", frozenset())
    assert settings.load(environ={"K_SERVICE": "get-balance"}).callers is None
    assert settings.load(private=True, environ={}).callers is None


@pytest.mark.parametrize("value", ["serviceAccount", "a@", "@b", "a b@c", "group:a@b@c"])
def test_callers_are_email_addresses(value: str) -> None:
    assert "CALLER_EMAILS must list email addresses" in faults(CALLER_EMAILS=value)


SECRET_NAME = "projects/p/secrets/s/versions/latest"


@pytest.mark.parametrize("value", ["sk_test_1", "rk_test_1", SECRET_NAME, f" {SECRET_NAME} "])
def test_a_stripe_key_is_a_key_or_a_secrets_name(value: str) -> None:
    assert settings.load(environ={"STRIPE_SECRET_KEY": value}).stripe_secret_key == value.strip()


@pytest.mark.parametrize(
    "value",
    ["true", "changeme", "pk_test_1", "sk_1", "sk_test_", "sk_test_é", "projects/p/secrets/s", f"{SECRET_NAME}/x"],
)
def test_another_stripe_key_is_refused(value: str) -> None:
    assert "STRIPE_SECRET_KEY must be a Stripe key" in faults(STRIPE_SECRET_KEY=value)


@pytest.mark.parametrize(
    ("value", "loaded"),
    [
        ("whsec_1", "whsec_1"),
        (SECRET_NAME, SECRET_NAME),
        (f"whsec_1, {SECRET_NAME} ,,whsec_2", f"whsec_1,{SECRET_NAME},whsec_2"),
    ],
)
def test_signing_secrets_are_secrets_or_names(value: str, loaded: str) -> None:
    assert settings.load(environ={"STRIPE_WEBHOOK_SECRET": value}).stripe_webhook_secret == loaded


@pytest.mark.parametrize(
    "value",
    ["true", "x", "changeme", "whsec_", "whsec_1 whsec_2", "projects/p/secrets/stripe-webhook-secret", "whsec_1,x"],
)
def test_another_signing_secret_is_refused(value: str) -> None:
    """Else what somebody mistyped is the key that webhooks are verified with."""
    assert "STRIPE_WEBHOOK_SECRET must list signing secrets" in faults(STRIPE_WEBHOOK_SECRET=value)


def test_a_list_of_nothing_is_missing() -> None:
    assert faults("STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET=" , ") == (
        "Wrong settings: STRIPE_WEBHOOK_SECRET is missing"
    )


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    loaded = settings.load(environ={"STRIPE_SECRET_KEY": "sk_test_secret", "STRIPE_WEBHOOK_SECRET": "whsec_secret"})

    assert "secret" not in re.sub(r"stripe_\w+_secret|stripe_secret_key", "", repr(loaded))


def test_no_message_shows_a_secret() -> None:
    for value in ("sk_live_hush", "hush"):
        assert "hush" not in faults(STRIPE_SECRET_KEY=value)
    assert "hush" not in faults(STRIPE_WEBHOOK_SECRET="whsec_hush,hush")


def test_nothing_but_settings_reads_the_environment() -> None:
    """Except for the emulators' own variables, which their clients look at."""
    shared = Path(settings.__file__).parents[1]
    readers = {file.name for file in shared.rglob("*.py") if "os.environ" in file.read_text(encoding="utf-8")}

    assert readers <= {"settings.py", "pubsub.py"}


@pytest.mark.parametrize(
    ("tokens", "days", "welcome"),
    [
        ("", "", None),
        ("0", "30", None),
        ("20", "", WelcomeGrant(20)),
        ("1000000", "3650", WelcomeGrant(10**6, 3650)),
    ],
)
def test_a_welcome_is_a_number_of_tokens_and_perhaps_of_days(
    tokens: str, days: str, welcome: WelcomeGrant | None
) -> None:
    assert settings.load(environ={"WELCOME_TOKENS": tokens, "WELCOME_EXPIRES_IN_DAYS": days}).welcome == welcome


@pytest.mark.parametrize("wrong", ["-1", "1.5", "many", "1000001"])
def test_a_welcome_that_is_no_number_stops_the_function(wrong: str) -> None:
    assert "WELCOME_TOKENS must be a whole number" in faults(WELCOME_TOKENS=wrong)
    assert "WELCOME_EXPIRES_IN_DAYS must be" in faults(WELCOME_TOKENS="1", WELCOME_EXPIRES_IN_DAYS=wrong)
