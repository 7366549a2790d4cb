"""Where the command line works: the ledger, Stripe and Pub/Sub that the environment names, or a local stack."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.cloud import firestore

from ops import event_desk
from ops.event_desk import EventDesk
from ops.operator_ledger import OperatorLedger
from shared.adapters.secret_manager import SecretStore
from shared.adapters.stripe_api import StripeGateway
from shared.domain.catalog import Catalog
from shared.domain.errors import SettingsError
from shared.runtime import settings
from shared.runtime.catalog_file import load_catalog
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Connection:
    """What a command works with. Stripe and Pub/Sub are called up by the few commands that need them."""

    settings: Settings
    catalog: Catalog
    ledger: OperatorLedger
    gateway: Callable[[], StripeGateway]
    events: Callable[[], EventDesk]


def connect(environ: Mapping[str, str]) -> Connection:
    """Connect by the settings that the functions read (docs/configuration.md).

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    read = settings.load("GOOGLE_CLOUD_PROJECT", environ=environ)

    @cache
    def gateway() -> StripeGateway:
        if not read.stripe_secret_key:
            raise SettingsError("Wrong settings: STRIPE_SECRET_KEY is missing")
        secrets = SecretStore()
        return StripeGateway(lambda: secrets.get(read.stripe_secret_key), api_base=read.stripe_api_base)

    return Connection(
        settings=read,
        catalog=load_catalog(read.catalog),
        ledger=OperatorLedger(firestore.Client(project=read.project)),
        gateway=gateway,
        events=cache(lambda: event_desk.connect(read.project)),
    )


def connect_local(endpoints_file: Path) -> Connection:
    """Connect to the stack that `make run` started, whatever the environment says of real projects and keys.

    Raises:
        SettingsError: no stack runs there.
    """
    try:
        endpoints: dict[str, Any] = json.loads(endpoints_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"No stack runs here, for there is no {endpoints_file}: start one with make run") from error
    # Google's clients look for emulators in the process's own environment, and nowhere else.
    os.environ["FIRESTORE_EMULATOR_HOST"] = endpoints["firestore"]
    os.environ["PUBSUB_EMULATOR_HOST"] = endpoints["pubsub"]
    return connect(
        {
            "GOOGLE_CLOUD_PROJECT": endpoints["project"],
            "STRIPE_SECRET_KEY": endpoints["stripe_secret_key"],
            "STRIPE_API_BASE": endpoints["stripe"],
            "TOKEN_CATALOG": os.environ.get("TOKEN_CATALOG", ""),
        }
    )
