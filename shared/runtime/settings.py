"""Environment → frozen Settings. Each main.py loads it once: a wrong environment stops the function at its start.

Every variable, its form and its default stand in docs/configuration.md.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.domain.errors import SettingsError
from shared.domain.limits import Limits

_PRICE_SETTING = re.compile(r"STRIPE_TOKEN_[A-Z0-9_]+_PRICE_ID")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a function knows of its surroundings. Secrets are as configured: see shared/adapters/secret_manager.py."""

    project: str
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_base: str | None
    livemode: bool
    price_ids: Mapping[str, str]
    app_base_url: str
    allowed_origins: frozenset[str]
    catalog: str
    limits: Limits


def load(*needs: str, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, of which this function cannot do without `needs`.

    Raises:
        SettingsError: some are missing or wrong; its one message names all of them.
    """
    faults = [f"{name} is missing" for name in needs if not environ.get(name, "").strip()]

    def number(name: str, default: int) -> int:
        text = environ.get(name, "").strip() or str(default)
        if text.isascii() and text.isdigit() and int(text) > 0:
            return int(text)
        faults.append(f"{name} must be a whole number above 0, not {text!r}")
        return default

    def flag(name: str) -> bool:
        text = environ.get(name, "").strip().lower() or "false"
        if text not in ("true", "false"):
            faults.append(f"{name} must be true or false, not {text!r}")
        return text == "true"

    def url(name: str) -> str:
        text = environ.get(name, "").strip().rstrip("/")
        if text and not _is_http_url(text):
            faults.append(f"{name} must be an http(s) address, not {text!r}")
        return text

    origins = frozenset(
        filter(None, (part.strip().rstrip("/") for part in environ.get("ALLOWED_ORIGINS", "").split(",")))
    )
    faults += [
        f"ALLOWED_ORIGINS must list http(s) origins, not {origin!r}"
        for origin in sorted(origins)
        if not _is_origin(origin)
    ]
    livemode = flag("STRIPE_LIVEMODE")
    secret_key = environ.get("STRIPE_SECRET_KEY", "").strip()
    mode = "live" if livemode else "test"
    if secret_key.startswith(("sk_", "rk_")) and not secret_key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
        faults.append(f"STRIPE_SECRET_KEY is no {mode} key, but STRIPE_LIVEMODE is {str(livemode).lower()}")
    if environ.get("K_SERVICE") and environ.get("FIREBASE_AUTH_EMULATOR_HOST"):
        # The Auth emulator's tokens are unsigned: on Cloud Run anybody could be anybody.
        faults.append("FIREBASE_AUTH_EMULATOR_HOST must not be set on Cloud Run")
    settings = Settings(
        project=environ.get("GOOGLE_CLOUD_PROJECT", "").strip(),
        stripe_secret_key=secret_key,
        stripe_webhook_secret=environ.get("STRIPE_WEBHOOK_SECRET", "").strip(),
        stripe_api_base=url("STRIPE_API_BASE") or None,
        livemode=livemode,
        price_ids={
            name: id_.strip() for name, id_ in environ.items() if _PRICE_SETTING.fullmatch(name) and id_.strip()
        },
        app_base_url=url("APP_BASE_URL"),
        allowed_origins=origins,
        catalog=environ.get("TOKEN_CATALOG", "").strip() or "default",
        limits=Limits(number("MAX_PURCHASES_PER_HOUR", 5), number("MAX_PURCHASES_PER_DAY", 20)),
    )
    if faults:
        raise SettingsError("Wrong settings: " + "; ".join(faults))
    return settings


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_origin(text: str) -> bool:
    return _is_http_url(text) and not any(urlsplit(text)[2:])
