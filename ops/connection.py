"""Where the command line works: the ledger, Stripe and Pub/Sub that the environment names, or a local stack."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ops.operator_ledger import OperatorLedger
from ops.topic_admin import TopicAdmin, connect_topic
from shared.adapters.firestore.ledger import Ledger, connect_ledger
from shared.adapters.stripe_api import StripeGateway, connect_stripe
from shared.domain.catalog import Catalog
from shared.domain.errors import SettingsError
from shared.runtime import settings
from shared.runtime.catalog_file import load_catalog
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Connection:
    """What a command works with. Stripe and Pub/Sub are connected to only by the few commands that need them."""

    settings: Settings
    catalog: Catalog
    ledger: Ledger
    operator_ledger: OperatorLedger
    gateway: Callable[[], StripeGateway]
    topic: Callable[[], TopicAdmin]
    uid_of_email: Callable[[str], str | None]
    has_signed_up: Callable[[str], bool]


def connect(environ: Mapping[str, str]) -> Connection:
    """Connect by the settings that the functions read (docs/configuration.md).

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    loaded = settings.load("GOOGLE_CLOUD_PROJECT", environ=environ)
    ledger = connect_ledger(loaded.project)

    @cache
    def gateway() -> StripeGateway:
        if not loaded.stripe_secret_key:
            raise SettingsError("Wrong settings: STRIPE_SECRET_KEY is missing")
        return connect_stripe(loaded.stripe_secret_key, api_base=loaded.stripe_api_base)

    def uid_of_email(email: str) -> str | None:
        # Imported at its first use: hardly any command needs it, and it is slow to import.
        from ops import firebase_users  # noqa: PLC0415

        return firebase_users.uid_of_email(loaded.project, email)

    def has_signed_up(uid: str) -> bool:
        from ops import firebase_users  # noqa: PLC0415 - as above

        return firebase_users.has_signed_up(loaded.project, uid)

    return Connection(
        settings=loaded,
        catalog=load_catalog(loaded.catalog),
        ledger=ledger,
        operator_ledger=OperatorLedger(ledger),
        gateway=gateway,
        topic=cache(lambda: connect_topic(loaded.project)),
        uid_of_email=uid_of_email,
        has_signed_up=has_signed_up,
    )


def connect_local(endpoints_file: Path) -> Connection:
    """Connect to the stack that `make run` started, whatever the environment says of real projects and keys.

    Raises:
        SettingsError: no stack is running there.
    """
    try:
        endpoints: dict[str, Any] = json.loads(endpoints_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"No stack is running: {endpoints_file} does not exist. Start one with make run") from error
    # Google's clients look for emulators in the process's own environment, and nowhere else.
    os.environ["FIRESTORE_EMULATOR_HOST"] = endpoints["firestore"]
    os.environ["PUBSUB_EMULATOR_HOST"] = endpoints["pubsub"]
    os.environ["FIREBASE_AUTH_EMULATOR_HOST"] = endpoints["auth"]
    return connect(
        {
            "GOOGLE_CLOUD_PROJECT": endpoints["project"],
            "STRIPE_SECRET_KEY": endpoints["stripe_secret_key"],
            "STRIPE_API_BASE": endpoints["stripe"],
            "TOKEN_CATALOG": endpoints["catalog"],
        }
    )
