"""Environment → frozen Settings. Each main.py loads it once: a wrong environment stops the function at its start.

docs/configuration.md describes every variable, its form and its default.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.domain.callers import Callers
from shared.domain.errors import SettingsError
from shared.domain.limits import REMEMBERED_MAX, Limits
from shared.domain.rate import Rate
from shared.domain.spend_requests import EXPIRES_IN_DAYS_MAX
from shared.domain.welcome import WelcomeGrant

# On Cloud Run each of these would hand the function to whoever answers at that address: with unsigned sign-ins, with
# another database, or with the Stripe key sent there.
_LOCAL_ONLY = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST", "STRIPE_API_BASE")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PRICE_SETTING = re.compile(r"STRIPE_TOKEN_[A-Z0-9_]+_PRICE_ID")
_A_SECRETS_NAME = "the full name of one in Secret Manager (projects/…/secrets/…/versions/…)"
_SECRET_NAME = re.compile(r"projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+")
_STRIPE_KEY = re.compile(r"(sk|rk)_(?P<mode>test|live)_\w+", re.ASCII)
_WEBHOOK_SECRET = re.compile(r"whsec_\S+")
_CHECKOUTS_MAX = 10_000
_WELCOME_MAX = 1_000_000
_PURCHASES_MAX = REMEMBERED_MAX // 4  # an account remembers four days of purchases


@dataclass(frozen=True, slots=True)
class Settings:
    """What a function knows of its surroundings. Secrets are as configured: see shared/adapters/secret_manager.py."""

    project: str
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_base: str | None
    livemode: bool
    invoices: bool
    price_ids: Mapping[str, str]
    app_base_url: str
    app_check: bool
    allowed_origins: frozenset[str]
    catalog: str
    limits: Limits
    welcome: WelcomeGrant | None
    checkouts_per_user: Rate
    checkouts_per_instance: Rate
    on_cloud_run: bool
    callers: Callers | None


def load(*needs: str, private: bool = False, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, of which this function cannot do without `needs`.

    Args:
        needs: names of settings.
        private: whether only some callers may call the function. On Cloud Run it must then know them; elsewhere
            anybody may call it, unless they are given.
        environ: the environment.

    Raises:
        SettingsError: some are missing or wrong; its one message names all of them.
    """
    read = _Reader(environ)
    on_cloud_run = bool(read.text("K_SERVICE"))
    read.require((*needs, "CALLER_AUDIENCE") if private and on_cloud_run else needs)
    read.refuse_local_switches()
    livemode = read.flag("STRIPE_LIVEMODE")
    settings = Settings(
        project=read.text("GOOGLE_CLOUD_PROJECT"),
        stripe_secret_key=read.stripe_key("STRIPE_SECRET_KEY", livemode=livemode),
        stripe_webhook_secret=read.webhook_secrets("STRIPE_WEBHOOK_SECRET"),
        stripe_api_base=read.url("STRIPE_API_BASE") or None,
        livemode=livemode,
        invoices=read.flag("STRIPE_INVOICES"),
        price_ids=read.price_ids(),
        app_base_url=read.url("APP_BASE_URL"),
        app_check=read.choice("APP_CHECK", "off", "required") == "required",
        allowed_origins=read.origins("ALLOWED_ORIGINS"),
        catalog=read.text("TOKEN_CATALOG") or "default",
        limits=Limits(
            read.number("MAX_PURCHASES_PER_HOUR", 5, most=_PURCHASES_MAX),
            read.number("MAX_PURCHASES_PER_DAY", 20, most=_PURCHASES_MAX),
        ),
        welcome=read.welcome(),
        checkouts_per_user=Rate(read.number("MAX_CHECKOUTS_PER_MINUTE", 30, most=_CHECKOUTS_MAX)),
        checkouts_per_instance=Rate(read.number("MAX_CHECKOUTS_PER_INSTANCE", 600, most=_CHECKOUTS_MAX)),
        on_cloud_run=on_cloud_run,
        callers=read.callers(),
    )
    if read.faults:
        raise SettingsError("Wrong settings: " + "; ".join(read.faults))
    return settings


class _Reader:
    """Reads variables and collects what is wrong with them. No message carries a secret."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def require(self, names: Iterable[str]) -> None:
        self.faults += [f"{name} is missing" for name in names if not self._parts(name)]

    def refuse_local_switches(self) -> None:
        if self.text("K_SERVICE"):
            self.faults += [f"{name} must not be set on Cloud Run" for name in _LOCAL_ONLY if self.text(name)]

    def text(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def number(self, name: str, default: int, *, most: int) -> int:
        text = self.text(name) or str(default)
        if re.fullmatch(r"0*[1-9][0-9]{0,8}", text) and int(text) <= most:
            return int(text)
        self.faults.append(f"{name} must be a whole number from 1 to {most}, not {text!r}")
        return default

    def welcome(self) -> WelcomeGrant | None:
        """Return what new users are given, None for nothing."""
        if self.text("WELCOME_TOKENS") in ("", "0"):
            return None
        tokens = self.number("WELCOME_TOKENS", 1, most=_WELCOME_MAX)
        if not self.text("WELCOME_EXPIRES_IN_DAYS"):
            return WelcomeGrant(tokens)
        return WelcomeGrant(tokens, self.number("WELCOME_EXPIRES_IN_DAYS", 1, most=EXPIRES_IN_DAYS_MAX))

    def flag(self, name: str) -> bool:
        text = self.text(name).lower() or "false"
        if text not in ("true", "false"):
            self.faults.append(f"{name} must be true or false, not {text!r}")
        return text == "true"

    def choice(self, name: str, default: str, *others: str) -> str:
        text = self.text(name) or default
        if text not in (default, *others):
            self.faults.append(f"{name} must be {' or '.join((default, *others))}, not {text!r}")
        return text

    def url(self, name: str) -> str:
        text = self.text(name).rstrip("/")
        if text and not _is_http_url(text):
            self.faults.append(f"{name} must be an http(s) address, not {text!r}")
        return text

    def origins(self, name: str) -> frozenset[str]:
        origins = frozenset(part.rstrip("/") for part in self._parts(name))
        self.faults += [
            f"{name} must list http(s) origins, not {origin!r}" for origin in sorted(origins) if not _is_origin(origin)
        ]
        return origins

    def callers(self) -> Callers | None:
        audience = self.url("CALLER_AUDIENCE")
        emails = frozenset(self._parts("CALLER_EMAILS"))
        self.faults += [
            f"CALLER_EMAILS must list email addresses, not {email!r}"
            for email in sorted(emails)
            if not _EMAIL.fullmatch(email)
        ]
        return Callers(audience, emails) if audience else None

    def price_ids(self) -> dict[str, str]:
        return {name: self.text(name) for name in self._environ if _PRICE_SETTING.fullmatch(name) and self.text(name)}

    def stripe_key(self, name: str, *, livemode: bool) -> str:
        text = self.text(name)
        key = _STRIPE_KEY.fullmatch(text)
        mode = "live" if livemode else "test"
        if key and key["mode"] != mode:
            self.faults.append(f"{name} is not a {mode} key, but STRIPE_LIVEMODE is {str(livemode).lower()}")
        elif text and not key and not _SECRET_NAME.fullmatch(text):
            self.faults.append(f"{name} must be a Stripe key (sk_{mode}_… or rk_{mode}_…) or {_A_SECRETS_NAME}")
        return text

    def webhook_secrets(self, name: str) -> str:
        """Return one or several, comma-separated. A misspelled name would become a key that anyone can guess."""
        parts = self._parts(name)
        if not all(_WEBHOOK_SECRET.fullmatch(part) or _SECRET_NAME.fullmatch(part) for part in parts):
            self.faults.append(f"{name} must list signing secrets, each whsec_… or {_A_SECRETS_NAME}")
        return ",".join(parts)

    def _parts(self, name: str) -> list[str]:
        return [part.strip() for part in self.text(name).split(",") if part.strip()]


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_origin(text: str) -> bool:
    return _is_http_url(text) and not any(urlsplit(text)[2:])
